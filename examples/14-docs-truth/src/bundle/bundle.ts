/** What a packed file is to the checkers. `record` is a document of the past (a changelog), whose statements are not checked. */
export type FileKind = 'document' | 'record' | 'manifest' | 'source' | 'data'

export interface BundleFile {
  /** Relative to the folder, `/` between parts on every system. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly kind: FileKind
}

export type NotReadReason =
  | 'excluded by soma-report.yaml'
  | 'ignored by git'
  | 'dependency folder'
  | 'named like a secret'
  | 'holds something like a secret'
  | 'binary'
  | 'over the size of one file'
  | 'over the limit of files'
  | 'over the limit of bytes'
  | 'link out of the folder'
  | 'link inside the folder'
  | 'not a regular file'
  | 'could not be read'

export interface NotRead {
  readonly path: string
  readonly type: 'file' | 'folder' | 'link'
  readonly reason: NotReadReason
  /** Present for a link inside the folder: where it leads, relative to the folder. */
  readonly target?: string
}

export interface BundleManifest {
  readonly format: 'soma-folder-bundle/1'
  /** Sorted by path, in code-unit order. */
  readonly files: readonly BundleFile[]
  /** Every walked directory, sorted; the folder itself is ''. */
  readonly directories: readonly string[]
  readonly notRead: readonly NotRead[]
}

export interface SearchHit {
  readonly file: string
  readonly line: number
  /** The whole line, without its line end. */
  readonly quote: string
}

/** A folder as it was at one moment, immutable. Reading it never touches the folder again. */
export interface Bundle {
  /** sha256 of the encoded bytes, in hexadecimal: the name under which the bundle is stored. */
  readonly digest: string
  readonly manifest: BundleManifest
  list(kind?: FileKind): readonly BundleFile[]
  /** The file's text exactly as it was (byte order mark and line ends kept), undefined when it is not in the bundle. */
  read(path: string): string | undefined
  /** Lines that contain `text`, in path and line order, at most `limit` (50). */
  search(
    text: string,
    options?: { readonly kinds?: readonly FileKind[]; readonly limit?: number },
  ): readonly SearchHit[]
  encode(): Uint8Array
}

/** Code-unit order: the same on every machine and locale. */
export const byCodeUnit = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

const documentLines = new WeakMap<Bundle, Map<string, readonly string[]>>()

/** The lines of a file without their line ends. Kept per bundle, because every checker and the reviewer quote lines. */
export function linesOf(bundle: Bundle, path: string): readonly string[] {
  const known = documentLines.get(bundle) ?? new Map<string, readonly string[]>()
  documentLines.set(bundle, known)
  const lines = known.get(path) ?? (bundle.read(path) ?? '').split(/\r\n|\n|\r/)
  known.set(path, lines)
  return lines
}

/** Where the lines of the last few texts begin: every statement of a document asks for the line of an offset in it. */
const lineStarts = new Map<string, readonly number[]>()
const MAX_KEPT_TEXTS = 16

function startsOf(text: string): readonly number[] {
  const known = lineStarts.get(text)
  if (known !== undefined) return known
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (ending) => ending.index + ending[0].length)]
  lineStarts.set(text, starts)
  for (const oldest of lineStarts.keys()) if (lineStarts.size > MAX_KEPT_TEXTS) lineStarts.delete(oldest)
  return starts
}

/** The 1-based line of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  const starts = startsOf(text)
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  return low + 1
}
