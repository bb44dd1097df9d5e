import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { untilText } from '../testing/run-cli.ts'

/** Each test starts the program from source: seconds, and more on a busy machine. */
const SLOW = { timeout: 90_000 }

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'soma-launcher-'))
const clone = join(folder, 'clone')
const published = join(folder, 'published')
const started: ChildProcess[] = []

/** A package with the launcher in it. */
function createPackage(root: string): void {
  mkdirSync(join(root, 'bin'), { recursive: true })
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  copyFileSync(here('./soma.js'), join(root, 'bin/soma.js'))
  for (const name of ['soma', 'soorma', 'somagent']) symlinkSync(join(root, 'bin/soma.js'), join(root, name))
}

const run = (launcher: string, ...words: string[]) =>
  spawnSync(process.execPath, [launcher, ...words], { encoding: 'utf8' })

beforeAll(() => {
  createPackage(clone)
  symlinkSync(here('../src'), join(clone, 'src'))
  symlinkSync(here('../../../node_modules'), join(clone, 'node_modules'))
  createPackage(published)
  mkdirSync(join(published, 'dist/src'), { recursive: true })
  writeFileSync(
    join(published, 'dist/src/main.js'),
    'console.log(JSON.stringify([process.execArgv, ...process.argv.slice(2)])); process.exitCode = 7',
  )
})
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

it('runs the source of a clone that was never built, under the name that was typed', SLOW, () => {
  expect(run(join(clone, 'somagent'), '--help')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Usage: somagent /),
    stderr: '',
  })
  expect(run(join(clone, 'soorma'), 'plns')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('`soorma --help`'),
  })
})

it('serves from source as one process, which a signal ends in order', SLOW, async () => {
  const child = spawn(process.execPath, [join(clone, 'soma'), 'serve', '--port', '0'], { cwd: folder })
  started.push(child)
  await untilText(child.stderr, 'Ctrl-C')
  const { pid } = JSON.parse(readFileSync(join(folder, '.soma/server.json'), 'utf8')) as { pid: number }
  expect(pid).toBe(child.pid)
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
})

it('runs the build where there is one, with no flag of Node, and keeps its exit code', () => {
  expect(run(join(published, 'soma'), 'plans', 'list')).toMatchObject({
    status: 7,
    stdout: '[[],"plans","list"]\n',
    stderr: '',
  })
})
