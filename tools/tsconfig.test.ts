import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTemporaryTree, type TemporaryTree } from './temporary-tree.ts'
import { buildProjects, checkProjects, writeProjects } from './tsconfig.ts'

const manifest = (name: string): string => JSON.stringify({ name, exports: {} })

let tree: TemporaryTree
beforeEach(() => {
  tree = createTemporaryTree({
    'kernel/package.json': manifest('@soma/kernel'),
    'kernel/src/index.ts': 'export {}\n',
    'modules/left/package.json': manifest('@soma/left'),
    'modules/left/contract/index.ts': "import '@soma/kernel'\n",
    'modules/left/src/module.ts': "import '../contract/index.ts'\nimport { x } from '@soma/right/contract'\n",
    'modules/left/src/module.test.ts': "import '@soma/right'\n",
    'modules/right/package.json': manifest('@soma/right'),
    'modules/right/contract/index.ts': "import type { Left } from '@soma/left/contract'\n",
    'modules/right/src/module.ts': "export { y } from '@soma/left/contract'\nimport '../contract/index.ts'\n",
    'modules/right/testing/index.ts': "import { module } from '@soma/left'\nimport '../src/module.ts'\n",
  })
})
afterEach(() => tree.remove())

const references = (path: string): string[] =>
  (JSON.parse(buildProjects(tree.root).get(path) ?? '') as { references: { path: string }[] }).references.map(
    (one) => one.path,
  )

it('lets two modules use one another: code knows contracts, and contracts no code', () => {
  expect(references('modules/left/tsconfig.contract.json')).toEqual(['../../kernel/tsconfig.build.json'])
  expect(references('modules/left/tsconfig.build.json')).toEqual([
    'tsconfig.contract.json',
    '../right/tsconfig.contract.json',
  ])
  expect(references('modules/right/tsconfig.contract.json')).toEqual(['../left/tsconfig.contract.json'])
  expect(references('modules/right/tsconfig.build.json')).toEqual([
    '../left/tsconfig.contract.json',
    'tsconfig.contract.json',
  ])
})

it('builds the testing entry after the code that it puts together', () => {
  expect(references('modules/right/tsconfig.testing.json')).toEqual([
    '../left/tsconfig.build.json',
    'tsconfig.build.json',
  ])
})

it('names missing, differing and orphaned projects, and none after writing', () => {
  tree.write({ 'runtime/tsconfig.build.json': '{}\n' })
  expect(checkProjects(tree.root).map(({ message }) => message)).toContain('missing build project')
  writeProjects(tree.root)
  expect(checkProjects(tree.root).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'runtime/tsconfig.build.json: build project of nothing',
  ])
  tree.write({ 'modules/left/tsconfig.build.json': '{}\n' })
  expect(checkProjects(tree.root).map(({ path }) => path)).toContain('modules/left/tsconfig.build.json')
})
