import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../finding.ts'
import { listFiles } from '../source-files.ts'
import { type Manifest, readWorkspaces, type Workspace } from '../workspaces.ts'

const REQUIRED_FILES: Readonly<Record<string, string>> = {
  'README.md': 'write the question the module answers, its nouns, events in and out, and a runbook',
  'contract/index.ts': 'export the contract as plain data',
  'src/module.ts': 'export defineModule({ contract, uses, create }): composition only',
  'testing/index.ts': 'export the conformance suites and builders of the module',
}

const ENTRIES: Readonly<Record<string, string>> = {
  '.': 'src/module',
  './contract': 'contract/index',
  './testing': 'testing/index',
}

/** Root entries of a module; anything else is in the wrong place. */
const KNOWN_ROOT = /^(README\.md|package\.json|tsconfig\.[a-z]+\.json|contract\/.*|migrations\/.*|src\/.*|testing\/.*)$/

const MIGRATION = /^(\d{4})_[a-z0-9]+(?:[-_][a-z0-9]+)*\.sql$/

/** Every folder of `modules/` has the one shape of a module. */
export function checkModules(root: string): Finding[] {
  return readWorkspaces(root)
    .filter((workspace) => workspace.folder.startsWith('modules/'))
    .flatMap((workspace) => [
      ...missingFiles(root, workspace),
      ...misplacedFiles(root, workspace),
      ...wrongName(workspace),
      ...wrongExports(workspace),
      ...wrongMigrations(root, workspace),
      ...thinReadme(root, workspace),
    ])
}

function missingFiles(root: string, { folder }: Workspace): Finding[] {
  return Object.entries(REQUIRED_FILES)
    .filter(([file]) => !existsSync(join(root, folder, file)))
    .map(([file, remedy]) => ({ path: `${folder}/${file}`, rule: 'module-shape', message: 'missing', remedy }))
}

function misplacedFiles(root: string, { folder }: Workspace): Finding[] {
  return listFiles(root, folder)
    .filter((path) => !KNOWN_ROOT.test(path.slice(folder.length + 1)))
    .map((path) => ({
      path,
      rule: 'module-shape',
      message: 'a module has contract/, migrations/, src/ and testing/ only',
      remedy: 'move the file into one of them',
    }))
}

function wrongName({ folder, manifest }: Workspace): Finding[] {
  const expected = `@soma/${folder.slice('modules/'.length)}`
  if (manifest.name === expected) return []
  return [
    {
      path: `${folder}/package.json`,
      rule: 'module-shape',
      message: `the package is named ${manifest.name}`,
      remedy: `name it ${expected}`,
    },
  ]
}

function wrongExports({ folder, manifest }: Workspace): Finding[] {
  const path = `${folder}/package.json`
  const actual = Object.keys(manifest.exports ?? {})
  const extra = actual.filter((entry) => !(entry in ENTRIES))
  const findings = Object.entries(ENTRIES)
    .filter(([entry, file]) => !sameEntry(manifest.exports?.[entry], file))
    .map(([entry, file]) => ({
      path,
      rule: 'module-exports',
      message: `the entry "${entry}" is missing or differs`,
      remedy: `export ${JSON.stringify(entryConditions(file))}`,
    }))
  if (extra.length === 0) return findings
  return [
    ...findings,
    {
      path,
      rule: 'module-exports',
      message: `exports ${extra.join(', ')}`,
      remedy: 'a module is seen through ".", "./contract" and "./testing" alone',
    },
  ]
}

function entryConditions(file: string): Readonly<Record<string, string>> {
  return { '@soma/source': `./${file}.ts`, types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` }
}

function sameEntry(entry: NonNullable<Manifest['exports']>[string] | undefined, file: string): boolean {
  return JSON.stringify(entry) === JSON.stringify(entryConditions(file))
}

function wrongMigrations(root: string, { folder }: Workspace): Finding[] {
  const names = listFiles(root, `${folder}/migrations`).map((path) => path.slice(`${folder}/migrations/`.length))
  const rule = 'module-migrations'
  if (names.length === 0) {
    const remedy = `add 0001_….sql that makes the module's own schema`
    return [{ path: `${folder}/migrations`, rule, message: 'no migration', remedy }]
  }
  return names.flatMap((name, index) => {
    const expected = String(index + 1).padStart(4, '0')
    if (MIGRATION.exec(name)?.[1] === expected) return []
    const remedy = `name it ${expected}_what-it-does.sql: four digits, from 0001, without a gap or a double`
    return [{ path: `${folder}/migrations/${name}`, rule, message: 'out of order or badly named', remedy }]
  })
}

function thinReadme(root: string, { folder }: Workspace): Finding[] {
  const path = `${folder}/README.md`
  if (!existsSync(join(root, path))) return []
  const text = readFileSync(join(root, path), 'utf8')
  const missing = ['nouns', 'events', 'runbook'].filter((word) => !new RegExp(`\\b${word}\\b`, 'i').test(text))
  if (missing.length === 0) return []
  const remedy = 'a module page has: the question, nouns it owns, events in and out, runbook'
  return [{ path, rule: 'module-readme', message: `says nothing of ${missing.join(', ')}`, remedy }]
}
