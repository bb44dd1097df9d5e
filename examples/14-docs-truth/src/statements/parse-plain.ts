import { type Anchor, type Block, type Inline, oneLine, type ParsedDocument } from './block.ts'

/*
 * A line-based reader for reStructuredText and plain text: headings by their underline, literals, links, code blocks by
 * indentation. What it does not understand it reads as prose, where only unmistakable patterns become statements.
 */

interface Line {
  readonly text: string
  readonly start: number
}

/** Parses reStructuredText and plain text. */
export function parsePlain(text: string): ParsedDocument {
  const blocks: Block[] = []
  const anchors: Anchor[] = []
  let section: readonly string[] = []
  for (const paragraph of paragraphsOf(linesOf(text))) {
    const [first, second] = paragraph
    if (first === undefined) continue
    const last = paragraph.at(-1) as Line
    const span = { start: first.start, end: last.start + last.text.length }
    if (second !== undefined && /^([=\-~^"'#*+.])\1{2,}\s*$/.test(second.text) && !/^\s/.test(first.text)) {
      section = [oneLine(first.text)]
      anchors.push({ slug: slugOf(first.text), start: first.start })
      blocks.push({ type: 'heading', ...span, section, inlines: [] })
    } else if (paragraph.every((line) => /^(\t| {2,})/.test(line.text))) {
      blocks.push({ type: 'code', ...span, section, inlines: [], language: '' })
    } else {
      blocks.push({ type: 'prose', ...span, section, inlines: inlinesOf(text.slice(span.start, span.end), span.start) })
    }
  }
  return { text, blocks, anchors }
}

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .trim()
    .replace(/[^a-z0-9]+/g, '-')

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = []
  for (const match of text.matchAll(/([^\r\n]*)(\r\n|\n|\r|$)/g))
    lines.push({ text: match[1] ?? '', start: match.index })
  return lines
}

function paragraphsOf(lines: readonly Line[]): readonly (readonly Line[])[] {
  const paragraphs: Line[][] = [[]]
  for (const line of lines) {
    if (line.text.trim() === '') paragraphs.push([])
    else paragraphs.at(-1)?.push(line)
  }
  return paragraphs.filter((paragraph) => paragraph.length > 0)
}

const RST_INLINE = /``([^`\n]+)``|`[^`<\n]*<([^>\s]+)>`__?|^\.\. _[^:\n]+:\s*(\S+)/gm

function inlinesOf(raw: string, offset: number): readonly Inline[] {
  return [...raw.matchAll(RST_INLINE)].map((match) => {
    const value = match[1] ?? match[2] ?? match[3] ?? ''
    const start = offset + match.index + match[0].lastIndexOf(value)
    return {
      type: match[1] === undefined ? ('link' as const) : ('code' as const),
      value,
      start,
      end: start + value.length,
    }
  })
}
