import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'create-soma-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const create = (...words: string[]) =>
  spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
  })

it('writes a project, says what to do next, and exits 2 where something is and for a flag that there is not', () => {
  expect(create('weather', '--type', 'tool')).toMatchObject({ status: 0, stdout: expect.stringContaining('npm test') })
  const wrong = [['weather'], ['--tpye', 'tool', 'other']]
  for (const words of wrong) {
    expect(create(...words), words.join(' ')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/\w/),
    })
  }
  expect(readdirSync(folder)).toEqual(['weather'])
}, 60_000)
