import type { Bundle, BundleFile } from '../bundle/bundle.ts'
import type { ParsedDocument } from './block.ts'
import { parseMarkdown } from './parse-markdown.ts'
import { parsePlain } from './parse-plain.ts'

/** A document over this size is listed and not parsed: no hand-written page of the measured projects is half as long. */
export const MAX_DOCUMENT_BYTES = 512_000

const parsed = new WeakMap<Bundle, Map<string, ParsedDocument>>()

const EMPTY: ParsedDocument = { text: '', blocks: [], anchors: [] }

/** A document of the bundle, parsed once. A file that is not there or is too long reads as empty. */
export function parsedDocument(bundle: Bundle, path: string): ParsedDocument {
  const known = parsed.get(bundle) ?? new Map<string, ParsedDocument>()
  parsed.set(bundle, known)
  const document = known.get(path) ?? parse(path, bundle.read(path))
  known.set(path, document)
  return document
}

function parse(path: string, text: string | undefined): ParsedDocument {
  if (text === undefined || isTooLong(Buffer.byteLength(text)) || isTooDeep(text)) return EMPTY
  return /\.(md|markdown|mdown|mdx)$/i.test(path) || !/\.(rst|txt)$/i.test(path)
    ? parseMarkdown(text)
    : parsePlain(text)
}

const isTooLong = (bytes: number): boolean => bytes > MAX_DOCUMENT_BYTES

/** Quotes and lists nested beyond any reader's patience cost the parser quadratic time and the stack. */
const isTooDeep = (text: string): boolean =>
  /^(?:[ \t]*(?:>|[-*+]|\d+[.)])[ \t]*){80,}/m.test(text) || /[[*_!~`<(]{400,}/.test(text)

/** The documents whose statements are read, those near the top of the folder first. */
export function documentsOf(bundle: Bundle): readonly BundleFile[] {
  const depth = (file: BundleFile): number => file.path.split('/').length
  return bundle.list('document').toSorted((left, right) => depth(left) - depth(right))
}

/** Documents that are in the bundle and were not parsed. */
export const unparsedDocuments = (bundle: Bundle): readonly string[] =>
  documentsOf(bundle)
    .filter((file) => isTooLong(file.bytes) || isTooDeep(bundle.read(file.path) ?? ''))
    .map((file) => file.path)
