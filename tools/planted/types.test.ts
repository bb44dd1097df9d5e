/** What the compiler keeps for the house is shown to bite: names that a contract does not declare cannot be written. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createModuleFolder } from '../new-module.ts'
import { createTemporaryTree, REPOSITORY, type TemporaryTree } from '../temporary-tree.ts'

const module = (body: string): string => `import { contract, defineModule, setting } from '@soma/kernel'
import * as z from 'zod'
const sample = contract({
  module: 'sample',
  summary: 'A sample.',
  operations: {},
  events: [],
  capabilities: {},
  settings: { leaseMs: setting({ type: z.number(), default: 1000, summary: 'How long a lease holds.' }) },
})
export const sampleModule = defineModule({
  contract: sample,
  uses: {},
  create({ settings, clients }) {
    ${body}
    return { operations: {} }
  },
})
`

const PLANTED: Readonly<Record<string, { source: string; message: string }>> = {
  'modules/sample/src/unknown-setting.ts': {
    source: module('void [settings.leaseSeconds, Object.keys(clients)]'),
    message: "Property 'leaseSeconds' does not exist",
  },
  'modules/sample/src/undeclared-use.ts': {
    source: module('void [settings.leaseMs, clients.plans]'),
    message: "Property 'plans' does not exist",
  },
  'modules/sample/src/enum.ts': {
    source: 'export enum Colour {\n  Red,\n}\n',
    message: "'erasableSyntaxOnly'",
  },
  'modules/sample/src/unchecked-index.ts': {
    source: 'export const first = (words: string[]): string => words[0]\n',
    message: "Type 'string | undefined' is not assignable to type 'string'",
  },
}

let tree: TemporaryTree
let output: string
beforeAll(() => {
  tree = createTemporaryTree({ 'kernel/package.json': readFileSync(join(REPOSITORY, 'kernel/package.json'), 'utf8') })
  createModuleFolder(tree.root, 'sample', 'record')
  tree.write(Object.fromEntries(Object.entries(PLANTED).map(([path, { source }]) => [path, source])))
  const options = ['-p', 'tsconfig.json', '--incremental', 'false', '--pretty', 'false']
  const compiler = join(REPOSITORY, 'node_modules/.bin/tsc')
  output = spawnSync(compiler, options, { cwd: tree.root, encoding: 'utf8' }).stdout
}, 60_000)
afterAll(() => tree.remove())

const errorsAt = (path: string): string[] => output.split('\n').filter((line) => line.startsWith(`${path}(`))

it.each(Object.entries(PLANTED))('refuses what is planted in %s', (path, { message }) => {
  expect(errorsAt(path).join('\n')).toContain(message)
})

it('finds nothing else', () => {
  expect(output.split('\n').filter((line) => line.startsWith('modules/'))).toHaveLength(Object.keys(PLANTED).length)
})
