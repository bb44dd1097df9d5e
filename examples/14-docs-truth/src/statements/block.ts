/** A part of a document that is read as a whole, in the words shared by Markdown and reStructuredText. */
export interface Block {
  readonly type: 'prose' | 'heading' | 'cell' | 'code'
  /** Offsets of the raw text in the document; for code, of the text between the fences. */
  readonly start: number
  readonly end: number
  readonly section: readonly string[]
  readonly inlines: readonly Inline[]
  /** Language of a code block, lower case; '' when none is named. */
  readonly language?: string
  /** Set on cells. */
  readonly cell?: Cell
}

export interface Cell {
  /** Number of the table in the document. */
  readonly table: number
  readonly row: number
  readonly column: number
  readonly header: string
  /** The raw row, in one line. */
  readonly rowText: string
}

export interface Inline {
  readonly type: 'code' | 'link' | 'image'
  /** The code, or the address of a link. */
  readonly value: string
  /** Offsets of `value` in the document; equal when it is not there byte by byte. */
  readonly start: number
  readonly end: number
}

export interface ParsedDocument {
  readonly text: string
  readonly blocks: readonly Block[]
  /** Slugs of headings and explicit anchors. */
  readonly anchors: readonly Anchor[]
}

export interface Anchor {
  readonly slug: string
  /** Offset of the heading or element. */
  readonly start: number
}

export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** How far a sentence reaches at most to either side of its subject. */
const REACH = 600

/** The sentence of a text around an offset, in one line. */
export function sentenceAround(text: string, offset: number): string {
  const before = text.slice(Math.max(offset - REACH, 0), offset)
  const rest = text.slice(offset, offset + REACH)
  const start = Math.max(
    ...[...before.matchAll(/[.!?:;]["')\]*_]{0,5}\s+(?=\S)/g)].map((match) => match.index + match[0].length),
    0,
  )
  const stop = /[.!?]["')\]*_`]{0,5}(\s|$)/.exec(rest)
  return oneLine(before.slice(start) + rest.slice(0, stop === null ? rest.length : stop.index + stop[0].length))
}
