import type { Bundle } from '../bundle/bundle.ts'
import { packageOf } from '../facts/packages.ts'
import { directoryOf, normalise, pathFactsOf } from '../facts/paths.ts'
import type { Statement } from '../statements/statement.ts'

/** How a path of a document stands to the folder. */
export type Resolution =
  | { readonly type: 'found'; readonly path: string }
  | { readonly type: 'closed'; readonly path: string }
  | { readonly type: 'outside' }
  /** `front` tells whether the path's first directory is there. */
  | { readonly type: 'missing'; readonly path: string; readonly hasFront: boolean }

/** The directories a document may speak from, the likeliest first. */
export function basesOf(bundle: Bundle, statement: Statement): readonly string[] {
  const bases = [
    statement.context.directory,
    directoryOf(statement.file),
    '',
    packageOf(bundle, statement.file)?.directory,
  ]
  return [...new Set(bases.filter((base) => base !== undefined))]
}

/** Looks a path up from each base in turn. */
export function resolvePath(bundle: Bundle, path: string, bases: readonly string[]): Resolution {
  const facts = pathFactsOf(bundle)
  const candidates = bases.map((base) => normalise(`${base}/${path}`))
  const inside = candidates.filter((candidate) => !candidate.startsWith('..'))
  if (inside.length === 0) return { type: 'outside' }
  for (const candidate of inside) {
    const type = facts.typeOf(candidate)
    if (type === 'file' || type === 'folder') return { type: 'found', path: candidate }
    if (type === 'unknown') return { type: 'closed', path: candidate }
  }
  const module = inside.flatMap((candidate) => moduleAt(bundle, candidate))
  if (module[0] !== undefined) return { type: 'found', path: module[0] }
  const withFront = inside.find(
    (candidate) => facts.typeOf(frontOf(path, candidate)) === 'folder' && frontOf(path, candidate) !== candidate,
  )
  return { type: 'missing', path: withFront ?? inside[0] ?? path, hasFront: withFront !== undefined }
}

/** A path without extension names the module beside its neighbours: `lib/parse` is `lib/parse.js`. */
function moduleAt(bundle: Bundle, path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (!path.includes('/') || name.includes('.')) return []
  const beside = pathFactsOf(bundle).namesIn(directoryOf(path))
  return beside.filter((other) => other.startsWith(`${name}.`)).map((other) => `${directoryOf(path)}/${other}`)
}

/** The first directory that the path itself names, as a path of the folder. */
function frontOf(path: string, candidate: string): string {
  const own = normalise(path)
    .replace(/^(\.\.\/)+/, '')
    .split('/').length
  const parts = candidate.split('/')
  return parts.slice(0, Math.max(parts.length - own + 1, 1)).join('/')
}

const OUTPUT_FOLDER =
  /(^|\/)(dist|build|builds|out|output|coverage|node_modules|target|bin|tmp|temp|logs?|data|\.?cache|\.next|\.output|lib-cov|public\/build|venv|\.venv|generated|artifacts?|soma-report(-\d+)?|\.soma)(\/|$)/i

/** Whether a missing path may be made later: git ignores it, or it lies where programs put what they make. */
export const isMadeLater = (bundle: Bundle, path: string): boolean =>
  OUTPUT_FOLDER.test(path) || pathFactsOf(bundle).isIgnored(path)

const PLACEHOLDER =
  /(^|[/._-])(my|your)[A-Z]|(^|[/._-])(path|to|your|my|foo|bar|baz|qux|example|some|name|file|filename|username|user|x{1,3}|y{1,4})([/._-]|$)/

export const isPlaceholder = (path: string): boolean => PLACEHOLDER.test(path) || PLACEHOLDER.test(path.toLowerCase())

/** The one file a missing path can mean: the same name elsewhere, else the same stem with another extension beside it. */
export function onlyCandidate(bundle: Bundle, path: string): string | undefined {
  const facts = pathFactsOf(bundle)
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isGeneric = /^(index|main|mod|readme|package|__init__|lib|app|types)\./i.test(name)
  const same = facts.endingWith(isGeneric ? path.split('/').slice(-2).join('/') : name)
  if (same.length > 0) return same.length === 1 ? same[0] : undefined
  const stem = name.replace(/\.[^.]+$/, '')
  if (stem === name || stem === '') return undefined
  const beside = facts
    .namesIn(directoryOf(path))
    .filter((other) => other.replace(/\.[^.]+$/, '') === stem && other !== stem)
  return beside.length === 1 ? normalise(`${directoryOf(path)}/${beside[0]}`) : undefined
}

/** The path from a directory to a file, as a link writes it. */
export function relativePath(from: string, to: string): string {
  const fromParts = from === '' ? [] : from.split('/')
  const toParts = to.split('/')
  let same = 0
  while (same < fromParts.length && same < toParts.length - 1 && fromParts[same] === toParts[same]) same += 1
  return [...fromParts.slice(same).map(() => '..'), ...toParts.slice(same)].join('/')
}

/** Up to five names that stand where the missing one should. */
export const nearbyNames = (bundle: Bundle, path: string): readonly string[] =>
  pathFactsOf(bundle).namesIn(directoryOf(path)).slice(0, 5)
