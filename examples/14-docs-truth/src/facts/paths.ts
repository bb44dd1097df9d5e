import type { Bundle } from '../bundle/bundle.ts'
import { fileKind } from '../bundle/file-kind.ts'
import { createIgnoreRules } from '../bundle/ignore-rules.ts'

/** What a bundle knows about names. */
export interface PathFacts {
  /** `file`, `folder`, `unknown` (inside what was not read), or undefined when there is no such name. */
  typeOf(path: string): 'file' | 'folder' | 'unknown' | undefined
  /** Paths whose last parts are these, case aside; sorted. */
  endingWith(parts: string): readonly string[]
  /** Whether git would ignore the path if it were there: it may be made later. */
  isIgnored(path: string): boolean
  /** Names directly inside a folder. */
  namesIn(folder: string): readonly string[]
}

const cached = new WeakMap<Bundle, PathFacts>()

/** The names of a bundle: packed files, walked folders, and what is there without having been read. */
export function pathFactsOf(bundle: Bundle): PathFacts {
  const known = cached.get(bundle) ?? createPathFacts(bundle)
  cached.set(bundle, known)
  return known
}

function createPathFacts(bundle: Bundle): PathFacts {
  const { files, directories, notRead } = bundle.manifest
  const types = new Map<string, 'file' | 'folder'>()
  for (const directory of directories) types.set(directory, 'folder')
  for (const file of files) types.set(file.path, 'file')
  for (const entry of notRead) types.set(entry.path, entry.type === 'folder' ? 'folder' : 'file')
  const closed = new Set(notRead.filter((entry) => entry.type === 'folder').map((entry) => entry.path))
  const links = new Map(notRead.filter((entry) => entry.type === 'link').map((entry) => [entry.path, entry.target]))
  const byName = groupByName([...types.keys()])
  const children = groupByFolder([...types.keys()])
  const ignoreRules = rulesOf(bundle)
  return {
    typeOf: (path) => typeThroughLinks(normalise(path), { types, closed, links }),
    endingWith: (parts) => endingWith(byName, normalise(parts).toLowerCase()),
    isIgnored: (path) => ignoreRules.isIgnored(normalise(path), false) || ignoreRules.isIgnored(normalise(path), true),
    namesIn: (folder) => children.get(normalise(folder)) ?? [],
  }
}

interface Names {
  readonly types: ReadonlyMap<string, 'file' | 'folder'>
  readonly closed: ReadonlySet<string>
  readonly links: ReadonlyMap<string, string | undefined>
}

/** A link that leads inside the folder stands for its target; more than eight in a row are a circle. */
function typeThroughLinks(path: string, names: Names, depth = 0): ReturnType<PathFacts['typeOf']> {
  const parts = path.split('/')
  for (let length = 1; length <= parts.length; length += 1) {
    const front = parts.slice(0, length).join('/')
    if (names.closed.has(front)) return length === parts.length ? 'folder' : 'unknown'
    if (!names.links.has(front)) continue
    const target = names.links.get(front)
    if (target === undefined || depth > 8) return length === parts.length ? 'file' : 'unknown'
    return typeThroughLinks([target, ...parts.slice(length)].filter((part) => part !== '').join('/'), names, depth + 1)
  }
  return names.types.get(path)
}

/** `a/./b/../c/` → `a/c`; a path that leaves the folder keeps its leading `..`. */
export function normalise(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

export const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function groupByName(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return groupBy(paths, (path) => nameOf(path).toLowerCase())
}

function groupBy(paths: readonly string[], keyOf: (path: string) => string): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const path of paths.toSorted()) {
    const group = groups.get(keyOf(path))
    if (group === undefined) groups.set(keyOf(path), [path])
    else group.push(path)
  }
  return groups
}

function groupByFolder(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = groupBy(
    paths.filter((path) => path !== ''),
    directoryOf,
  )
  return new Map([...groups].map(([folder, inside]) => [folder, inside.map(nameOf)]))
}

function endingWith(byName: ReadonlyMap<string, readonly string[]>, parts: string): readonly string[] {
  const same = byName.get(nameOf(parts)) ?? []
  return same.filter((path) => path.toLowerCase() === parts || path.toLowerCase().endsWith(`/${parts}`))
}

function rulesOf(bundle: Bundle): ReturnType<typeof createIgnoreRules> {
  return bundle
    .list()
    .filter((file) => /(^|\/)\.gitignore$/.test(file.path))
    .reduce((rules, file) => rules.with(directoryOf(file.path), bundle.read(file.path) ?? ''), createIgnoreRules())
}

/** Whether every file that could hold code was read, so that the absence of a word proves something. */
export const isFullyRead = (bundle: Bundle): boolean =>
  !bundle.manifest.notRead.some((entry) => {
    const isLeftOut =
      entry.reason.startsWith('over the') ||
      entry.reason === 'holds something like a secret' ||
      entry.reason === 'could not be read'
    return isLeftOut && (entry.type === 'folder' || fileKind(entry.path) === 'source')
  })
