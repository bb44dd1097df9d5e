import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { importsOf, packageOf } from '../imports.ts'
import { isTest, isTypeScript, listFiles } from '../source-files.ts'
import { type Manifest, readJson, readWorkspaces, type Workspace } from '../workspaces.ts'

const BUILT_IN = new Set(builtinModules)

interface PackageImport {
  readonly path: string
  readonly specifier: string
  readonly workspace: Workspace
}

/** Imports stay inside their package or name one that package.json declares; code does not know its tests. */
export function checkPackageImports(root: string): Finding[] {
  const testTools = readJson<Manifest>(join(root, 'package.json')).devDependencies ?? {}
  return readWorkspaces(root)
    .flatMap((workspace) => importsOfPackage(root, workspace))
    .flatMap((one) => (one.specifier.startsWith('.') ? relativeImport(one) : undeclaredPackage(one, testTools)))
}

function importsOfPackage(root: string, workspace: Workspace): PackageImport[] {
  return listFiles(root, workspace.folder)
    .filter(isTypeScript)
    .flatMap((path) =>
      importsOf(readFileSync(join(root, path), 'utf8')).map((specifier) => ({ path, specifier, workspace })),
    )
}

function relativeImport({ path, specifier, workspace: { folder } }: PackageImport): Finding[] {
  const target = posix.join(posix.dirname(path), specifier)
  const finding = (why: string, remedy: string): Finding[] => [
    { path, rule: 'boundary', message: `imports ${specifier}${why}`, remedy },
  ]
  if (!target.startsWith(`${folder}/`)) {
    return finding(', outside its package', 'import a package by its name, through its exports')
  }
  if (isTest(path)) return []
  if (path.startsWith(`${folder}/src/`) && (target.startsWith(`${folder}/testing/`) || isTest(target))) {
    return finding(': code knows its tests', 'move what both need into src/')
  }
  if (path.startsWith(`${folder}/contract/`) && !target.startsWith(`${folder}/contract/`)) {
    return finding(': a contract is plain data', 'move what the promise needs into contract/')
  }
  return []
}

/** Tests and testing entries may also use their package's development dependencies and those of the root. */
function undeclaredPackage(
  { path, specifier, workspace: { manifest } }: PackageImport,
  testTools: Readonly<Record<string, string>>,
): Finding[] {
  const name = packageOf(specifier)
  if (specifier.startsWith('node:') || BUILT_IN.has(name) || name === manifest.name) return []
  const isForTests = isTest(path) || path.includes('/testing/')
  const declared = {
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...(isForTests ? { ...manifest.devDependencies, ...testTools } : {}),
  }
  const typesOnly = { ...manifest.dependencies, ...manifest.devDependencies }
  if (name in declared || `@types/${name}` in typesOnly) return []
  const message = `imports ${name}, which its package.json does not declare`
  const remedy = isForTests ? 'add it to devDependencies' : 'add it to dependencies, pinned exactly'
  return [{ path, rule: 'undeclared-dependency', message, remedy }]
}
