import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runCli } from '../../testing/run-cli.ts'

const directory = mkdtempSync(join(tmpdir(), 'soma-init-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('CLI-R16 init and new fill an empty place, and exit 2 where something is or a name cannot be, all faults at once', async () => {
  expect(await runCli(['new', 'planner', 'my-planner'], { directory })).toMatchObject({ code: 0 })
  const place = join(directory, 'my-planner')
  const before = readdirSync(directory, { recursive: true })
  const manifest = readFileSync(join(place, 'package.json'), 'utf8')
  const [again, here, name] = await Promise.all([
    runCli(['new', 'tool', 'my-planner'], { directory }),
    runCli(['init', '--type', 'tool'], { directory: place }),
    runCli(['init', `Con-${'x'.repeat(70)}`], { directory }),
  ])
  for (const ran of [again, here]) {
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('is not empty') })
  }
  expect(name).toMatchObject({ code: 2, stderr: expect.stringMatching(/a–z[\s\S]*74 characters/) })
  expect(readdirSync(directory, { recursive: true })).toEqual(before)
  expect(readFileSync(join(place, 'package.json'), 'utf8')).toBe(manifest)
}, 60_000)
