import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { refusal } from '../refusal.ts'
import { byCodeUnit, type NotRead } from './bundle.ts'
import { type IgnoreRules, outerIgnoreRules } from './ignore-rules.ts'
import { isSecretName } from './secrets.ts'

/** A walk that meets more names than this is refused: ten times what a report on 20 000 files needs, still a few seconds. */
const MAX_NAMES = 250_000

const DEPENDENCY_FOLDERS = new Set(
  'node_modules bower_components jspm_packages vendor .venv venv __pycache__ .tox .mypy_cache .pytest_cache .gradle Pods .pnpm-store .yarn .bundle'.split(
    ' ',
  ),
)
const NEVER_NAMED = new Set(['.git', '.hg', '.svn', '.soma', '.DS_Store'])
const BUILD_MANIFESTS = ['Cargo.toml', 'pom.xml', 'build.sbt', 'project.clj']

/** The report folders of earlier runs (`soma-report`, `soma-report-2` …), which a second run must not see. */
export const isReportFolder = (path: string): boolean => /^soma-report(-\d+)?$/.test(path)

export interface WalkedFile {
  readonly path: string
  readonly bytes: number
}

export interface Walk {
  readonly files: readonly WalkedFile[]
  readonly directories: readonly string[]
  readonly notRead: readonly NotRead[]
}

export interface WalkOptions {
  readonly isExcluded: (path: string, isFolder: boolean) => boolean
  /** Reads a directory; given by tests that prove independence of its order. */
  readonly readDirectory?: (path: string) => readonly Dirent[]
}

interface Progress {
  readonly root: string
  readonly options: WalkOptions
  readonly files: WalkedFile[]
  readonly directories: string[]
  readonly notRead: NotRead[]
  readonly pending: { readonly path: string; readonly rules: IgnoreRules }[]
  names: number
}

/** Lists the folder of a real path without following any link. Raises `folder-too-large`. */
export function walkFolder(root: string, options: WalkOptions): Walk {
  const progress: Progress = { root, options, files: [], directories: [], notRead: [], names: 0, pending: [] }
  progress.pending.push({ path: '', rules: outerIgnoreRules(root) })
  for (let next = progress.pending.pop(); next !== undefined; next = progress.pending.pop()) {
    walkDirectory(progress, next.path, next.rules)
  }
  const byPath = (left: { readonly path: string }, right: { readonly path: string }): number =>
    byCodeUnit(left.path, right.path)
  return {
    files: progress.files.sort(byPath),
    directories: progress.directories.sort(byCodeUnit),
    notRead: progress.notRead.sort(byPath),
  }
}

/** The real path of a folder. Raises `folder-unreadable`. */
export function folderRoot(folder: string): string {
  try {
    if (!statSync(folder).isDirectory()) throw new Error('not a directory')
    readdirSync(folder)
    return realpathSync(folder)
  } catch (error) {
    throw refusal('folder-unreadable', `The folder "${folder}" cannot be read: ${messageOf(error)}.`)
  }
}

const messageOf = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException
  return code ?? (error instanceof Error ? error.message : String(error))
}

function walkDirectory(progress: Progress, path: string, outerRules: IgnoreRules): void {
  const entries = entriesOf(progress, path)
  if (entries === undefined) return
  progress.directories.push(path)
  progress.names += entries.length
  if (progress.names > MAX_NAMES) {
    throw refusal('folder-too-large', `The folder "${progress.root}" holds more than ${MAX_NAMES} names.`)
  }
  const rules = entries.some((entry) => entry.name === '.gitignore' && entry.isFile())
    ? outerRules.with(path, readFileSync(join(progress.root, path, '.gitignore'), 'utf8'))
    : outerRules
  const names = new Set(entries.map((entry) => entry.name))
  for (const entry of entries)
    visit(progress, { entry, rules, names, path: path === '' ? entry.name : `${path}/${entry.name}` })
}

function entriesOf(progress: Progress, path: string): readonly Dirent[] | undefined {
  const read = progress.options.readDirectory ?? ((place: string) => readdirSync(place, { withFileTypes: true }))
  try {
    return read(join(progress.root, path))
  } catch {
    progress.notRead.push({ path, type: 'folder', reason: 'could not be read' })
    return undefined
  }
}

interface Visit {
  readonly entry: Dirent
  readonly path: string
  readonly rules: IgnoreRules
  readonly names: ReadonlySet<string>
}

function visit(progress: Progress, { entry, path, rules, names }: Visit): void {
  if (NEVER_NAMED.has(entry.name) || isReportFolder(path)) return
  const isFolder = entry.isDirectory()
  const leaveOut = (reason: NotRead['reason']): void =>
    void progress.notRead.push({ path, type: isFolder ? 'folder' : entry.isSymbolicLink() ? 'link' : 'file', reason })
  if (isFolder && isDependencyFolder(entry.name, names)) return leaveOut('dependency folder')
  if (isSecretName(entry.name, isFolder)) return leaveOut('named like a secret')
  if (rules.isIgnored(path, isFolder)) return leaveOut('ignored by git')
  if (progress.options.isExcluded(path, isFolder)) return leaveOut('excluded by soma-report.yaml')
  if (isFolder) return void progress.pending.push({ path, rules })
  if (entry.isSymbolicLink()) return void progress.notRead.push(linkOf(progress.root, path))
  if (!entry.isFile()) return leaveOut('not a regular file')
  const bytes = sizeOf(join(progress.root, path))
  if (bytes === undefined) return leaveOut('could not be read')
  progress.files.push({ path, bytes })
}

const isDependencyFolder = (name: string, siblings: ReadonlySet<string>): boolean =>
  DEPENDENCY_FOLDERS.has(name) || (name === 'target' && BUILD_MANIFESTS.some((manifest) => siblings.has(manifest)))

function linkOf(root: string, path: string): NotRead {
  try {
    const target = relative(root, realpathSync(join(root, path)))
    const isOutside = target === '..' || target.startsWith(`..${sep}`) || target.includes(':')
    if (isOutside) return { path, type: 'link', reason: 'link out of the folder' }
    return { path, type: 'link', reason: 'link inside the folder', target: target.split(sep).join('/') }
  } catch {
    return { path, type: 'link', reason: 'could not be read' }
  }
}

function sizeOf(file: string): number | undefined {
  try {
    return lstatSync(file).size
  } catch {
    return undefined
  }
}
