import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { importsOf, packageOf } from '../imports.ts'
import { isTest, isTypeScript, listFiles } from '../source-files.ts'
import { type Manifest, readJson, readWorkspaces, type Workspace } from '../workspaces.ts'

const BUILT_IN = new Set(builtinModules)

/** Imports stay inside their package or name one that package.json declares; code does not know its tests. */
export function checkPackageImports(root: string): Finding[] {
  const testTools = Object.keys(readJson<Manifest>(join(root, 'package.json')).devDependencies ?? {})
  return readWorkspaces(root).flatMap((workspace) =>
    listFiles(root, workspace.folder)
      .filter(isTypeScript)
      .flatMap((path) => checkFile(path, importsOf(readFileSync(join(root, path), 'utf8')), workspace, testTools)),
  )
}

function checkFile(
  path: string,
  specifiers: readonly string[],
  workspace: Workspace,
  testTools: readonly string[],
): Finding[] {
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('.')) return relativeImport(path, specifier, workspace.folder)
    return undeclaredPackage(path, specifier, workspace.manifest, testTools)
  })
}

function relativeImport(path: string, specifier: string, folder: string): Finding[] {
  const target = posix.join(posix.dirname(path), specifier)
  if (!target.startsWith(`${folder}/`)) {
    const remedy = 'import a package by its name, through its exports'
    return [{ path, rule: 'boundary', message: `imports ${specifier}, outside its package`, remedy }]
  }
  const isCode = path.startsWith(`${folder}/src/`) && !isTest(path)
  if (isCode && (target.startsWith(`${folder}/testing/`) || isTest(target))) {
    return [
      {
        path,
        rule: 'boundary',
        message: `imports ${specifier}: code knows its tests`,
        remedy: 'move what both need into src/',
      },
    ]
  }
  if (path.startsWith(`${folder}/contract/`) && !isTest(path) && !target.startsWith(`${folder}/contract/`)) {
    return [
      {
        path,
        rule: 'boundary',
        message: `imports ${specifier}: a contract is plain data`,
        remedy: 'move what the promise needs into contract/',
      },
    ]
  }
  return []
}

/** Tests and testing entries may also use their package's development dependencies and those of the root. */
function undeclaredPackage(
  path: string,
  specifier: string,
  manifest: Manifest,
  testTools: readonly string[],
): Finding[] {
  const name = packageOf(specifier)
  if (specifier.startsWith('node:') || BUILT_IN.has(name) || name === manifest.name) return []
  if (name in { ...manifest.dependencies, ...manifest.peerDependencies }) return []
  if (`@types/${name}` in { ...manifest.dependencies, ...manifest.devDependencies }) return []
  const isForTests = isTest(path) || path.includes('/testing/')
  if (isForTests && (testTools.includes(name) || name in { ...manifest.devDependencies })) return []
  return [
    {
      path,
      rule: 'undeclared-dependency',
      message: `imports ${name}, which its package.json does not declare`,
      remedy: 'add it to dependencies, pinned exactly',
    },
  ]
}
