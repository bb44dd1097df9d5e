import { type Bundle, lineAt, linesOf } from '../bundle/bundle.ts'

/** Bytes of one line of a packed file. */
export interface Place {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly quote: string
}

const MAX_QUOTE = 300

/** The line as a quote: without indentation, at most 300 characters. */
export function placeOfLine(bundle: Bundle, file: string, line: number): Place {
  return { file, line, quote: (linesOf(bundle, file)[line - 1] ?? '').trim().slice(0, MAX_QUOTE) }
}

export function placeOfOffset(bundle: Bundle, file: string, offset: number): Place {
  return placeOfLine(bundle, file, lineAt(bundle.read(file) ?? '', offset))
}

/** A quote of a line, short enough to read, that is sure to hold the offset. */
export function quoteAround(text: string, offset: number): string {
  const start = Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1
  const ends = [text.indexOf('\n', offset), text.indexOf('\r', offset)].filter((end) => end >= 0)
  const end = ends.length === 0 ? text.length : Math.min(...ends)
  if (end - start <= MAX_QUOTE) return text.slice(start, end).trim()
  const from = Math.max(Math.min(offset - 100, end - MAX_QUOTE), start)
  return text.slice(from, Math.min(from + MAX_QUOTE, end)).trim()
}
