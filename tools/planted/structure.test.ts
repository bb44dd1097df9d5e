/** Every finding of the structure check is shown to bite: a module in order is broken in one way, and the check must name it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createModuleFolder } from '../new-module.ts'
import { checkStructure } from '../structure.ts'
import { createTemporaryTree, REPOSITORY, type TemporaryTree } from '../temporary-tree.ts'
import { writeProjects } from '../tsconfig.ts'

const MODULE = 'modules/sample'
const read = (path: string): string => readFileSync(join(tree.root, MODULE, path), 'utf8')

let tree: TemporaryTree
beforeEach(() => {
  tree = createTemporaryTree({ 'kernel/package.json': readFileSync(join(REPOSITORY, 'kernel/package.json'), 'utf8') })
  createModuleFolder(tree.root, 'sample', 'record')
})
afterEach(() => tree.remove())

/** Writes into the module, brings the build projects up to date, and answers `path rule` of every finding. */
async function findingsAfter(files: Readonly<Record<string, string>>): Promise<string[]> {
  tree.write(Object.fromEntries(Object.entries(files).map(([path, text]) => [`${MODULE}/${path}`, text])))
  writeProjects(tree.root)
  return (await checkStructure(tree.root)).map(({ path, rule }) => `${path.replace(`${MODULE}/`, '')} ${rule}`)
}

const lines = (count: number): string => 'export {}\n'.repeat(count)

it('finds nothing in a module that is in order', async () => {
  expect(await findingsAfter({})).toEqual([])
})

it.each([
  { what: 'a file outside the four folders', files: { 'notes.ts': 'export {}\n' }, finding: 'notes.ts module-shape' },
  { what: 'a README without a runbook', files: { 'README.md': 'nouns, events\n' }, finding: 'README.md module-readme' },
  {
    what: 'a gap between migrations',
    files: { 'migrations/0003_later.sql': '' },
    finding: 'migrations/0003_later.sql module-migrations',
  },
  {
    what: 'a folder named utils',
    files: { 'src/utils/text.ts': 'export {}\n' },
    finding: 'src/utils/text.ts no-utils',
  },
  { what: 'a file named helpers', files: { 'src/helpers.ts': 'export {}\n' }, finding: 'src/helpers.ts no-utils' },
  {
    what: 'an index.ts that is no entry',
    files: { 'src/index.ts': 'export {}\n' },
    finding: 'src/index.ts no-stray-index',
  },
  { what: 'a file name with capitals', files: { 'src/fooBar.ts': 'export {}\n' }, finding: 'src/fooBar.ts file-name' },
  { what: 'a file past 400 lines', files: { 'src/huge.ts': lines(401) }, finding: 'src/huge.ts file-length' },
  {
    what: 'a TODO without an owner',
    files: { 'src/late.ts': 'export {}\n// TODO: later\n' },
    finding: 'src/late.ts:2 todo-owner',
  },
  { what: 'a class', files: { 'src/box.ts': 'export class Box {\n  open = 1\n}\n' }, finding: 'src/box.ts no-class' },
  {
    what: 'a path into another module',
    files: { 'src/near.ts': "export * from '../../plans/src/store.ts'\n" },
    finding: 'src/near.ts boundary',
  },
  {
    what: 'a contract that knows its code',
    files: { 'contract/far.ts': "export * from '../src/store.ts'\n" },
    finding: 'contract/far.ts boundary',
  },
  {
    what: 'code that knows its tests',
    files: { 'src/far.ts': "export * from '../testing/index.ts'\n" },
    finding: 'src/far.ts boundary',
  },
  {
    what: 'files that import each other, though types alone',
    files: {
      'src/one.ts': "import type { Two } from './two.ts'\nexport type One = Two\n",
      'src/three.ts': "export * from './one.ts'\n",
      'src/two.ts': "import type { One } from './three.ts'\nexport type Two = One\n",
    },
    finding: 'src/one.ts import-circle',
  },
  {
    what: 'a package that is not declared',
    files: { 'src/loose.ts': "import 'yaml'\n" },
    finding: 'src/loose.ts undeclared-dependency',
  },
])('refuses $what', async ({ files, finding }) => {
  expect(await findingsAfter(files as Record<string, string>)).toEqual([finding])
})

it('refuses a module with a fourth entry', async () => {
  const manifest = JSON.parse(read('package.json')) as { exports: Record<string, unknown> }
  const changed = { ...manifest, exports: { ...manifest.exports, './store': './src/store.ts' } }
  expect(await findingsAfter({ 'package.json': JSON.stringify(changed) })).toEqual(['package.json module-exports'])
})

it('refuses a module without its promise', async () => {
  const manifest = read('package.json')
  tree.write({ 'modules/empty/package.json': manifest.replace('@soma/sample', '@soma/empty') })
  expect(await findingsAfter({})).toEqual([
    'modules/empty/README.md module-shape',
    'modules/empty/contract/index.ts module-shape',
    'modules/empty/src/module.ts module-shape',
    'modules/empty/testing/index.ts module-shape',
    'modules/empty/migrations module-migrations',
  ])
})

it('lets a long file pass that says why it is long, an owned TODO, and a class that a platform asks for', async () => {
  expect(
    await findingsAfter({
      'src/table.ts': `/** One table of the protocol, long because it is read as a whole. */\n${lines(401)}`,
      'src/later.ts': 'export {}\n// TODO(ada): after the next protocol version\n',
      'src/limit-error.ts': 'export class LimitError extends Error {}\n',
    }),
  ).toEqual([])
})

it('refuses a problem that no operation lists', async () => {
  const problem = `import { problem } from '@soma/kernel'
export const recordLocked = problem({ code: 'record-locked', status: 409, title: 'Locked', remedy: 'Wait.', retryable: true })
`
  expect(await findingsAfter({ 'contract/problems.ts': problem })).toEqual(['contract/index.ts undeclared-problem'])
})

it('refuses a problem that is declared outside the contract', async () => {
  const problem = `import { problem } from '@soma/kernel'
export const recordLocked = problem({ code: 'record-locked', status: 409, title: 'Locked', remedy: 'Wait.', retryable: true })
`
  expect(await findingsAfter({ 'src/locks.ts': problem })).toEqual(['src/locks.ts undeclared-problem'])
})

it('refuses an operation id, a capability and an event type against the conventions', async () => {
  const contract = read('contract/index.ts').replace('{ records: ', '{ Records_: ')
  const record = read('contract/record.ts').replace(
    "capability: 'record:write'",
    "capability: 'write:Records' as 'record:write'",
  )
  const events = read('contract/events.ts').replace("'record.created'", "'RecordCreated'")
  const findings = await findingsAfter({
    'contract/index.ts': contract,
    'contract/record.ts': record,
    'contract/events.ts': events,
  })
  expect(new Set(findings)).toEqual(
    new Set(['contract/index.ts contract-names', 'contract/index.ts undeclared-capability']),
  )
  expect(findings).toHaveLength(6)
})

it('refuses a path outside the module, and parameters that path and schema name differently', async () => {
  const record = read('contract/record.ts').replace(
    "path: '/v1/sample/records/{recordId}'",
    "path: '/sample/records/{id}'",
  )
  const findings = await findingsAfter({ 'contract/record.ts': record })
  expect(findings).toEqual(['contract/index.ts contract-paths', 'contract/index.ts contract-paths'])
})

it('refuses a capability that no contract declares', async () => {
  const contract = read('contract/index.ts').replace("'record:read': 'Read records.',", '')
  const findings = await findingsAfter({ 'contract/index.ts': contract })
  expect(findings).toEqual(['contract/index.ts undeclared-capability', 'contract/index.ts undeclared-capability'])
})

it('refuses two modules that claim one event', async () => {
  createModuleFolder(tree.root, 'second', 'record')
  expect(await findingsAfter({})).toEqual(['modules/second/contract/index.ts contract-clash'])
})

it('refuses build projects that differ from the imports', async () => {
  tree.write({ [`${MODULE}/tsconfig.build.json`]: '{}\n' })
  expect((await checkStructure(tree.root)).map(({ path, rule }) => `${path} ${rule}`)).toEqual([
    `${MODULE}/tsconfig.build.json tsconfig`,
  ])
})
