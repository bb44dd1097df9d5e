import { type Bundle, linesOf } from '../bundle/bundle.ts'
import { type Place, placeOfOffset, quoteAround } from './place.ts'

/** Above this many bytes of code the index stops and absences prove nothing. */
const MAX_INDEXED_BYTES = 64_000_000

export interface CodeWords {
  /** Where code first holds the word, undefined when it nowhere does. Case counts. */
  placeOf(word: string): Place | undefined
  /** The words of code without case and separators, to find `max-size` as `maxSize`. */
  hasLoosely(name: string): boolean
  /** Whether all code was indexed. */
  readonly isComplete: boolean
}

const cached = new WeakMap<Bundle, CodeWords>()

/** The words of everything that is neither document nor data: sources, manifests, configuration. */
export function codeWordsOf(bundle: Bundle): CodeWords {
  const known = cached.get(bundle) ?? indexCode(bundle)
  cached.set(bundle, known)
  return known
}

const WORD = /[A-Za-z_$][\w$]*(?:-[\w$]+)*/g

export const loosely = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

function indexCode(bundle: Bundle): CodeWords {
  const first = new Map<string, { readonly file: string; readonly offset: number }>()
  let bytes = 0
  for (const file of codeFilesOf(bundle)) {
    bytes += file.bytes
    if (bytes > MAX_INDEXED_BYTES) break
    for (const match of (bundle.read(file.path) ?? '').matchAll(WORD)) addWord(first, match[0], file.path, match.index)
  }
  const loose = new Set([...first.keys()].map(loosely))
  return {
    placeOf: (word) => {
      const place = first.get(word)
      return place && shortPlace(bundle, place.file, place.offset)
    },
    hasLoosely: (name) => loose.has(loosely(name)),
    isComplete: bytes <= MAX_INDEXED_BYTES,
  }
}

function addWord(
  first: Map<string, { readonly file: string; readonly offset: number }>,
  word: string,
  file: string,
  offset: number,
): void {
  if (!first.has(word)) first.set(word, { file, offset })
  if (!word.includes('-')) return
  let part = offset
  for (const piece of word.split('-')) {
    if (!first.has(piece)) first.set(piece, { file, offset: part })
    part += piece.length + 1
  }
}

/** A place whose quote is sure to hold the word, on long lines too. */
export function shortPlace(bundle: Bundle, file: string, offset: number): Place {
  const { line } = placeOfOffset(bundle, file, offset)
  return { file, line, quote: quoteAround(bundle.read(file) ?? '', offset) }
}

/** Files that count as code: what runs or configures, not what is written about it. */
export const codeFilesOf = (bundle: Bundle): readonly { readonly path: string; readonly bytes: number }[] =>
  bundle
    .list()
    .filter(
      (file) =>
        (file.kind === 'source' || file.kind === 'manifest') &&
        !/(^|\/)(licen[cs]e[^/]*|copying|soma-report\.yaml)$/i.test(file.path),
    )

/** Lines of code that match, in path and line order. */
export function codeLines(
  bundle: Bundle,
  pattern: RegExp,
): readonly { readonly place: Place; readonly match: RegExpExecArray }[] {
  const found: { readonly place: Place; readonly match: RegExpExecArray }[] = []
  for (const file of codeFilesOf(bundle)) {
    if (!pattern.test(bundle.read(file.path) ?? '')) continue
    for (const [index, line] of linesOf(bundle, file.path).entries()) {
      const match = line.length < 2_000 ? pattern.exec(line) : null
      if (match !== null)
        found.push({ place: { file: file.path, line: index + 1, quote: line.trim().slice(0, 300) }, match })
    }
  }
  return found
}
