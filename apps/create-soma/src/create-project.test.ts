import { execFileSync } from 'node:child_process'
import fs, { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createProject, PROJECT_KINDS } from './create-project.ts'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))
const MAXIMUM_FILES = 5
const MAXIMUM_LINES = 60
const PACKAGE_FILES = ['package.json', 'tsconfig.json', 'AGENTS.md']

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'create-soma-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Every file below a folder with its text. */
function treeOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).toSorted()
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]))
}

it('writes projects of every kind that are small and whose own tests pass', () => {
  const tests = PROJECT_KINDS.map((kind) => {
    const folder = join(root, `my-${kind}`)
    const created = createProject({ kind, folder, description: 'It\'s a \\ "test".' })
    expect(created).toEqual({ folder, name: `my-${kind}`, files: expect.arrayContaining(['package.json']) })
    const files = Object.entries(treeOf(folder)).filter(([path]) => !PACKAGE_FILES.includes(path))
    expect(files.length).toBeLessThanOrEqual(MAXIMUM_FILES)
    for (const [path, text] of files) expect(text.split('\n').length - 1, path).toBeLessThanOrEqual(MAXIMUM_LINES)
    return join(folder, 'src/agent.test.ts')
  })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  const words = ['--conditions=@soma/source', '--import', 'tsx', '--test', '--test-reporter=tap', ...tests]
  const environment = { ...process.env, NODE_OPTIONS: '' }
  expect(
    execFileSync(process.execPath, words, { cwd: root, env: environment, encoding: 'utf8', timeout: 60_000 }),
  ).toContain('# fail 0')
}, 90_000)

it('asks for the versions that this repository is tested with', () => {
  createProject({ kind: 'tool', folder: join(root, 'a') })
  const written = JSON.parse(readFileSync(join(root, 'a/package.json'), 'utf8'))
  const ours = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).devDependencies
  const sdk = JSON.parse(readFileSync(join(REPOSITORY, 'sdk/typescript/package.json'), 'utf8'))
  expect(written.dependencies).toEqual({ '@soma/sdk': sdk.version, zod: sdk.dependencies.zod })
  expect(written.devDependencies).toEqual({ '@types/node': ours['@types/node'], typescript: ours.typescript })
})

it('CLI-R16 writes into an empty folder, and no byte where something is', () => {
  const folder = join(root, 'full')
  mkdirSync(folder)
  expect(createProject({ kind: 'tool', folder })).toMatchObject({ name: 'full' })
  const before = treeOf(root)
  for (const taken of [folder, join(folder, 'README.md'), join(folder, 'README.md', 'a')]) {
    const created = createProject({ kind: 'worker', folder: taken, name: 'other' })
    expect(created).toEqual({ refused: [expect.stringContaining(taken)] })
  }
  expect(createProject({ kind: 'tool', folder: join(root, 'New'), description: 'a\nb' })).toEqual({
    refused: [expect.stringContaining('"New"'), expect.stringContaining('one line')],
  })
  expect(treeOf(root)).toEqual(before)
})

const WRITES = ['mkdirSync', 'writeFileSync', 'renameSync', 'rmdirSync', 'rmSync'] as const

/** Ends the work at the `count`th write to the disk, as kill -9 would: nothing after it happens. */
function killedAt(count: number, work: () => void): boolean {
  const real = Object.fromEntries(WRITES.map((name) => [name, fs[name]]))
  let writes = 0
  const dying =
    (write: (...words: unknown[]) => unknown) =>
    (...words: unknown[]) => {
      if (++writes === count) throw new Error('killed')
      return write(...words)
    }
  Object.assign(fs, Object.fromEntries(WRITES.map((name) => [name, dying(fs[name] as never)])))
  syncBuiltinESMExports()
  try {
    work()
    return false
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error
    return true
  } finally {
    Object.assign(fs, real)
    syncBuiltinESMExports()
  }
}

it('CLI-R16 leaves nothing half-written when it is killed at any write: the next call makes it whole', () => {
  createProject({ kind: 'worker', folder: join(root, 'whole'), name: 'counter' })
  const whole = treeOf(join(root, 'whole'))
  let count = 1
  for (let isKilled = true; isKilled; count++) {
    const folder = join(root, `killed-${count}`)
    const create = () => createProject({ kind: 'worker', folder, name: 'counter' })
    isKilled = killedAt(count, create)
    expect(isKilled ? create() : { name: 'counter' }, `write ${count}`).toMatchObject({ name: 'counter' })
    expect(treeOf(folder), `write ${count}`).toEqual(whole)
  }
  expect(count).toBeGreaterThan(20)
})

it('CLI-R16 finishes nothing over a file that came between', () => {
  const folder = join(root, 'between')
  mkdirSync(join(folder, '.soma-init'), { recursive: true })
  writeFileSync(join(folder, '.soma-init/README.md'), 'ours')
  writeFileSync(join(folder, 'README.md'), 'theirs')
  expect(createProject({ kind: 'tool', folder })).toEqual({ refused: [expect.stringContaining('in the way')] })
  expect(treeOf(folder)).toEqual({ '.soma-init/README.md': 'ours', 'README.md': 'theirs' })
})
