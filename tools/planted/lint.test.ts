/** Every lint rule of the house is shown to bite: a violation is planted in a copy of the layout, and the linter must turn red by name. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTemporaryTree, REPOSITORY, type TemporaryTree } from '../temporary-tree.ts'
import { PLANTED_IMPORTS, plantImports } from './imports.ts'

const AN_AGENT =
  "import { defineWorker } from '@soma/sdk'\nexport const worker = defineWorker({ name: 'a', description: 'A.' })\n"
const A_CLIENT = "import { createClients } from '@soma/sdk/clients'\nexport const clients = createClients({})\n"

const PLANTED_CODE: Readonly<Record<string, { source: string; rule: string }>> = {
  'modules/sample/src/floating-promise.ts': {
    source: 'async function send(): Promise<void> {}\nexport function start(): void {\n  send()\n}\n',
    rule: 'typescript(no-floating-promises)',
  },
  'modules/sample/src/floating-in-test.test.ts': {
    source:
      "import { expect, it } from 'vitest'\nit('waits', () => {\n  expect(Promise.resolve(1)).resolves.toBe(1)\n})\n",
    rule: 'typescript(no-floating-promises)',
  },
  'modules/sample/src/misused-promise.ts': {
    source: 'export const isReady = (check: () => Promise<boolean>): string => (check() ? "yes" : "no")\n',
    rule: 'typescript(no-misused-promises)',
  },
  'modules/sample/src/empty-catch.ts': {
    source: 'export function parse(text: string): unknown {\n  try {\n    return JSON.parse(text)\n  } catch {}\n}\n',
    rule: 'eslint(no-empty)',
  },
  'modules/sample/src/environment.ts': {
    source: 'export const region = process.env.SOMA_REGION\n',
    rule: 'node(no-process-env)',
  },
  'sdk/typescript/src/environment-by-import.ts': {
    source: "import { env } from 'node:process'\nexport const url = env.SOMA_URL\n",
    rule: 'eslint(no-restricted-imports)',
  },
  'modules/sample/src/console.ts': {
    source: "export const greet = (): void => console.log('hello')\n",
    rule: 'eslint(no-console)',
  },
  'modules/sample/src/skipped.test.ts': {
    source: "import { expect, it } from 'vitest'\nit.skip('counts', () => {\n  expect(1).toBe(1)\n})\n",
    rule: 'vitest(no-disabled-tests)',
  },
  'modules/sample/src/any.ts': {
    source: 'export const pass = (value: any): unknown => value\n',
    rule: 'typescript(no-explicit-any)',
  },
  'modules/sample/src/asserts-nothing.test.ts': {
    source: "import { it } from 'vitest'\nit('does nothing', () => {})\n",
    rule: 'vitest(expect-expect)',
  },
  ...Object.fromEntries(
    [
      A_CLIENT,
      "export const load = async (): Promise<unknown> => import('@soma/sdk/clients')\n",
      "export { createClients } from '@soma/sdk/clients'\n",
    ].map((reach, index) => [
      `examples/sample/src/agent-${index}.ts`,
      { source: `${AN_AGENT}${reach}`, rule: 'soma(no-clients-in-agents)' },
    ]),
  ),
}

const ALLOWED_CODE: Readonly<Record<string, string>> = {
  'examples/sample/src/agent.ts': AN_AGENT,
  'examples/sample/src/agent.test.ts': `${AN_AGENT}${A_CLIENT}`,
  'apps/server/src/environment.ts': "export const region = process.env.SOMA_REGION\nconsole.log('listening')\n",
  'modules/sample/src/awaited.ts':
    'async function send(): Promise<void> {}\nexport const start = async (): Promise<void> => {\n  await send()\n}\n',
}

interface Diagnostic {
  readonly filename: string
  readonly code: string
}

let tree: TemporaryTree
let diagnostics: readonly Diagnostic[]

beforeAll(() => {
  const code = Object.entries(PLANTED_CODE).map(([path, { source }]) => [path, source])
  tree = createTemporaryTree({ ...plantImports(), ...Object.fromEntries(code), ...ALLOWED_CODE })
  const { stdout } = spawnSync(join(REPOSITORY, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: tree.root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  diagnostics = (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics
}, 60_000)
afterAll(() => tree.remove())

const rulesAt = (path: string): string[] =>
  diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code)

it.each(PLANTED_IMPORTS.filter(({ isAllowed }) => isAllowed !== true))('refuses $specifier in $path', ({ path }) => {
  expect(rulesAt(path)).toContain('eslint(no-restricted-imports)')
})

it.each(PLANTED_IMPORTS.filter(({ isAllowed }) => isAllowed === true))('allows $specifier in $path', ({ path }) => {
  expect(rulesAt(path)).not.toContain('eslint(no-restricted-imports)')
})

it.each(Object.entries(PLANTED_CODE))('refuses what is planted in %s', (path, { rule }) => {
  expect(rulesAt(path)).toContain(rule)
})

it.each(Object.keys(ALLOWED_CODE))('allows the right way in %s', (path) => {
  expect(rulesAt(path)).toEqual([])
})

it('EXA-R15 refuses service clients, kernel, module source and adapters in an example, and allows the public SDK', () => {
  const inExamples = PLANTED_IMPORTS.filter(({ path }) => path.startsWith('examples/'))
  const refused = inExamples.filter(({ path }) => rulesAt(path).includes('eslint(no-restricted-imports)'))
  expect(refused.map(({ specifier }) => specifier)).toEqual([
    '@soma/sdk/clients',
    '@soma/plans',
    '@soma/plans/contract',
    '@soma/kernel',
    '@soma/adapter-pglite',
  ])
})
