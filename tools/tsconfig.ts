/**
 * Writes the TypeScript build projects, so that `tsc -b` builds every package after those it imports.
 *
 * A package is one project, `tsconfig.build.json`. A module is three, because modules may use one another both ways
 * and projects may not: its contract, its code (which knows contracts alone) and its testing entry (which knows all).
 * References are read from the imports themselves, so they cannot say less or more than the code.
 *
 * `tsx tools/tsconfig.ts` writes; `--check` compares and fails by name.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finding, reportFindings } from './finding.ts'
import { importsOf, packageOf } from './imports.ts'
import { isTest, isTypeScript, listFiles } from './source-files.ts'
import { readWorkspaces, type Workspace } from './workspaces.ts'

interface Project {
  readonly workspace: Workspace
  /** `src` of a module stands for the module itself; a package that is no module has the one project `package`. */
  readonly part: 'package' | 'contract' | 'src' | 'testing'
  readonly sources: readonly string[]
}

const FILE_OF_PART = {
  package: 'tsconfig.build.json',
  contract: 'tsconfig.contract.json',
  src: 'tsconfig.build.json',
  testing: 'tsconfig.testing.json',
} as const

/** Every project file that the tree needs: path from the root to its exact text. */
export function buildProjects(root: string): Map<string, string> {
  const projects = readWorkspaces(root).flatMap((workspace) => projectsOf(root, workspace))
  const files = new Map(projects.map((project) => [pathOf(project), projectText(root, project, projects)]))
  files.set('tsconfig.build.json', rootText(projects))
  return files
}

/** The project files that are missing, differ from what the imports say, or belong to nothing. */
export function checkProjects(root: string): Finding[] {
  const remedy = 'run npm run tsconfig'
  const rule = 'tsconfig'
  const expected = buildProjects(root)
  const differing = [...expected].flatMap(([path, text]) => {
    if (!existsSync(join(root, path))) return [{ path, rule, message: 'missing build project', remedy }]
    if (readFileSync(join(root, path), 'utf8') === text) return []
    return [{ path, rule, message: 'the build project does not match the imports', remedy }]
  })
  const orphans = listFiles(root)
    .filter((path) => /(^|\/)tsconfig\.(build|contract|testing)\.json$/.test(path) && !expected.has(path))
    .map((path) => ({ path, rule, message: 'build project of nothing', remedy: 'delete it' }))
  return [...differing, ...orphans]
}

export function writeProjects(root: string): number {
  const projects = buildProjects(root)
  for (const [path, text] of projects) writeFileSync(join(root, path), text)
  return projects.size
}

function projectsOf(root: string, workspace: Workspace): Project[] {
  const parts: Project['part'][] = workspace.folder.startsWith('modules/')
    ? ['contract', 'src', 'testing']
    : ['package']
  return parts
    .map((part) => ({ workspace, part, sources: sourcesOf(root, workspace.folder, part) }))
    .filter((project) => project.sources.length > 0)
}

function sourcesOf(root: string, folder: string, part: Project['part']): string[] {
  const folders = part === 'package' ? ['src', 'testing', 'contract'] : [part]
  return folders
    .flatMap((name) => listFiles(root, `${folder}/${name}`))
    .filter((path) => isTypeScript(path) && !isTest(path))
}

function pathOf({ workspace, part }: Project): string {
  return `${workspace.folder}/${FILE_OF_PART[part]}`
}

function projectText(root: string, project: Project, all: readonly Project[]): string {
  const { folder } = project.workspace
  const up = folder
    .split('/')
    .map(() => '..')
    .join('/')
  const include = project.part === 'package' ? ['src', 'testing'] : [project.part]
  return toJson({
    extends: `${up}/tsconfig.base.json`,
    compilerOptions: {
      rootDir: '.',
      outDir: 'dist',
      tsBuildInfoFile: `dist/${project.part}.tsbuildinfo`,
    },
    include: include.filter((name) => existsSync(join(root, folder, name))),
    exclude: ['**/*.test.ts', '**/*.test-d.ts', '**/fixtures'],
    references: referencesOf(root, project, all).map((path) => ({ path: posix.relative(folder, path) })),
  })
}

function referencesOf(root: string, project: Project, all: readonly Project[]): string[] {
  const specifiers = project.sources.flatMap((path) =>
    importsOf(readFileSync(join(root, path), 'utf8')).map((specifier) => ({ path, specifier })),
  )
  const targets = specifiers.flatMap(({ path, specifier }) => {
    const file = posix.join(posix.dirname(path), specifier)
    const target = specifier.startsWith('.') ? siblingOf(project, file, all) : entryOf(specifier, all)
    return target === undefined || target === project ? [] : [pathOf(target)]
  })
  return [...new Set(targets)].sort()
}

/** The project of the same package that a relative import reaches: a module's code imports its own contract by path. */
function siblingOf(from: Project, file: string, all: readonly Project[]): Project | undefined {
  return all.find((project) => project.workspace === from.workspace && project.sources.includes(file))
}

function entryOf(specifier: string, all: readonly Project[]): Project | undefined {
  const owned = all.filter((project) => project.workspace.manifest.name === packageOf(specifier))
  const entry = specifier.split('/')[2]
  return (
    owned.find((project) => project.part === (entry ?? 'src')) ?? owned.find((project) => project.part === 'package')
  )
}

function rootText(projects: readonly Project[]): string {
  return toJson({ files: [], references: projects.map((project) => ({ path: pathOf(project) })) })
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.cwd()
  if (process.argv.includes('--check')) reportFindings(checkProjects(root), 'build projects match the imports')
  else console.log(`wrote ${writeProjects(root)} build projects`)
}
