import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { isTest, isTypeScript, listFiles } from '../source-files.ts'
import { readWorkspaces } from '../workspaces.ts'

const LINE_LIMIT = 400

const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.ts$/

const FORBIDDEN_FOLDERS = new Set(['utils', 'util', 'common', 'helpers', 'helper', 'misc', 'lib'])

const PARTS = [
  'kernel',
  'runtime',
  'adapters',
  'modules',
  'edges',
  'sdk/typescript',
  'apps/server',
  'apps/cli',
  'apps/create-soma',
  'examples',
  'e2e',
  'bench',
  'tools',
]

/** Where a file may stand, how it is named, how long it may be and what may not stand in it. */
export function checkFiles(root: string): Finding[] {
  const files = PARTS.flatMap((part) => listFiles(root, part)).filter(isTypeScript)
  const entries = entryFiles(root)
  return files.flatMap((path) => {
    const source = readFileSync(join(root, path), 'utf8')
    return [
      ...wrongFileName(path),
      ...forbiddenFolder(path),
      ...strayIndex(path, entries),
      ...tooLong(path, source),
      ...ownerlessTodo(path, source),
      ...classWithoutBase(path, source),
      ...strayProblem(path, source),
    ]
  })
}

/** The source files that package.json exports name: only they may be called index.ts. */
function entryFiles(root: string): Set<string> {
  const entries = readWorkspaces(root).flatMap(({ folder, manifest }) =>
    Object.values(manifest.exports ?? {}).map((conditions) => posix.join(folder, conditions['@soma/source'] ?? '')),
  )
  return new Set(entries)
}

function wrongFileName(path: string): Finding[] {
  if (FILE_NAME.test(posix.basename(path))) return []
  return [
    {
      path,
      rule: 'file-name',
      message: 'not kebab-case',
      remedy: 'name the file after its main export, in kebab-case',
    },
  ]
}

function forbiddenFolder(path: string): Finding[] {
  const folder = path.split('/').find((segment) => FORBIDDEN_FOLDERS.has(segment.replace(/\.ts$/, '')))
  if (folder === undefined) return []
  const remedy = 'put the code beside its user, under the name of what it does'
  return [{ path, rule: 'no-utils', message: `"${folder}" says nothing`, remedy }]
}

function strayIndex(path: string, entries: ReadonlySet<string>): Finding[] {
  if (posix.basename(path) !== 'index.ts' || entries.has(path)) return []
  const remedy = 'import the files themselves; index.ts is for the entries of package.json exports'
  return [{ path, rule: 'no-stray-index', message: 'index.ts that is no package entry', remedy }]
}

function tooLong(path: string, source: string): Finding[] {
  const lines = source.split('\n').length - 1
  if (lines <= LINE_LIMIT || /\blong\b/i.test(headerComment(source))) return []
  const remedy = 'split it by noun, or state in the header comment the one reason why it is long'
  return [{ path, rule: 'file-length', message: `${lines} lines`, remedy }]
}

function headerComment(source: string): string {
  return /^(?:#!.*\n)?\s*(\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(source)?.[1] ?? ''
}

function ownerlessTodo(path: string, source: string): Finding[] {
  return source.split('\n').flatMap((line, index) => {
    if (!/(?:^|\s)(?:\/\/|\/?\*).*\b(TODO|FIXME)\b(?!\([a-z0-9-]+\))/.test(line)) return []
    return [
      {
        path: `${path}:${index + 1}`,
        rule: 'todo-owner',
        message: 'a TODO without an owner',
        remedy: 'write TODO(name): what and until when, or do it now',
      },
    ]
  })
}

/** A class is allowed where a platform API demands one, which shows in what it extends. */
function classWithoutBase(path: string, source: string): Finding[] {
  if (isTest(path) || path.startsWith('tools/')) return []
  const match = /^(?:export )?(?:default )?(?:abstract )?class (\w+)(?! *(?:<[^{]*>)? *extends)\b[^{]*\{/m.exec(source)
  if (match === null || /\bextends\b/.test(match[0])) return []
  return [
    {
      path,
      rule: 'no-class',
      message: `class ${match[1]}`,
      remedy: 'write a factory createX(deps) that returns functions',
    },
  ]
}

/** A problem is part of a module's promise, so that callers can know it. */
function strayProblem(path: string, source: string): Finding[] {
  const isModuleCode = /^modules\/[^/]+\/src\//.test(path) && !isTest(path)
  if (!isModuleCode || !/\bproblem\(\{/.test(source)) return []
  const remedy = 'declare it in contract/ and list it in the operations that raise it'
  return [{ path, rule: 'undeclared-problem', message: 'declares a problem outside the contract', remedy }]
}
