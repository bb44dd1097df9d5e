import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createModuleFolder } from './new-module.ts'
import { createTemporaryTree, REPOSITORY, type TemporaryTree } from './temporary-tree.ts'

/** Each test starts a tool as its own process: seconds, and more on a busy machine. */
const SLOW = { timeout: 90_000 }

let tree: TemporaryTree
beforeAll(() => {
  tree = createTemporaryTree({ 'kernel/package.json': readFileSync(join(REPOSITORY, 'kernel/package.json'), 'utf8') })
  createModuleFolder(tree.root, 'weather-station', 'cold-front')
})
afterAll(() => tree.remove())

/** Runs a tool of the repository on the tree; answers what it printed when it failed, else ''. */
function complaints(tool: string, ...options: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(REPOSITORY, 'node_modules/.bin', tool), options, {
    cwd: tree.root,
    encoding: 'utf8',
  })
  return status === 0 ? '' : `${stdout}${stderr}`
}

it('writes a module that is in order', SLOW, () => {
  expect(complaints('tsx', '--conditions=@soma/source', join(REPOSITORY, 'tools/structure.ts'))).toBe('')
})

it('writes a module without a lint finding, in the format of the house', SLOW, () => {
  expect(complaints('oxlint', 'modules')).toBe('')
  expect(complaints('biome', 'format', 'modules')).toBe('')
})

it('writes a module whose types hold', SLOW, () => {
  expect(complaints('tsc', '-p', 'tsconfig.json', '--incremental', 'false')).toBe('')
})

it('writes a module whose own test passes', SLOW, () => {
  expect(complaints('vitest', 'run', '--root', tree.root, '--config', join(REPOSITORY, 'vitest.config.ts'))).toBe('')
})

it('refuses a name that is not kebab-case, and a module that exists', () => {
  expect(() => createModuleFolder(tree.root, 'Weather', 'record')).toThrow('"Weather" is not kebab-case')
  expect(() => createModuleFolder(tree.root, 'weather-station', 'record')).toThrow(
    'modules/weather-station exists already',
  )
})
