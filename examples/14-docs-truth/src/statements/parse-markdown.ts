import GithubSlugger from 'github-slugger'
import type { Code, Heading, Nodes, Parents, Table } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { toString as plainText } from 'mdast-util-to-string'
import { gfm } from 'micromark-extension-gfm'
import { type Anchor, type Block, type Inline, oneLine, type ParsedDocument } from './block.ts'

interface Reading {
  readonly text: string
  readonly blocks: Block[]
  readonly anchors: Anchor[]
  readonly slugger: GithubSlugger
  /** Headings above the place that is read, with their depth. */
  headings: { readonly depth: number; readonly title: string }[]
  /** Their titles; one array for all blocks of a section. */
  section: readonly string[]
  tables: number
}

/** Parses Markdown with the positions of everything that may hold a statement. */
export function parseMarkdown(text: string): ParsedDocument {
  const reading: Reading = {
    text,
    blocks: [],
    anchors: [],
    slugger: new GithubSlugger(),
    headings: [],
    section: [],
    tables: 0,
  }
  const tree = fromMarkdown(withoutFrontMatter(text), { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
  readNode(reading, tree)
  return { text, blocks: reading.blocks, anchors: reading.anchors }
}

/** Blanks a YAML or TOML head, keeping all offsets. */
const withoutFrontMatter = (text: string): string =>
  text.replace(/^(---|\+\+\+)\r?\n[\s\S]*?\n\1[ \t]*(?=\r?\n|$)/, (head) => head.replace(/[^\r\n]/g, ' '))

function readNode(reading: Reading, node: Nodes): void {
  if (node.type === 'heading') return readHeading(reading, node)
  if (node.type === 'paragraph') return void reading.blocks.push(blockOf(reading, node, 'prose'))
  if (node.type === 'code') return void reading.blocks.push(codeBlock(reading, node))
  if (node.type === 'table') return readTable(reading, node)
  if (node.type === 'html' || node.type === 'definition') {
    const inlines = inlinesOf(reading, node)
    const [start, end] = span(node)
    if (inlines.length > 0) reading.blocks.push({ type: 'prose', start, end, section: reading.section, inlines })
    return
  }
  if ('children' in node) for (const child of (node as Parents).children) readNode(reading, child)
}

const span = (node: Nodes): readonly [number, number] => [
  node.position?.start.offset ?? 0,
  node.position?.end.offset ?? 0,
]

function blockOf(reading: Reading, node: Nodes, type: Block['type']): Block {
  const [start, end] = span(node)
  return { type, start, end, section: reading.section, inlines: inlinesOf(reading, node) }
}

function readHeading(reading: Reading, node: Heading): void {
  const raw = plainText(node, { includeHtml: false })
  const custom = /\{#([\w-]+)\}\s*$/.exec(raw)
  const start = span(node)[0]
  reading.anchors.push({ slug: custom?.[1] ?? reading.slugger.slug(raw), start })
  reading.headings = reading.headings.filter((heading) => heading.depth < node.depth)
  reading.blocks.push(blockOf(reading, node, 'heading'))
  reading.headings.push({ depth: node.depth, title: oneLine(raw) })
  reading.section = reading.headings.map((heading) => heading.title)
}

function codeBlock(reading: Reading, node: Code): Block {
  const [start, end] = span(node)
  const raw = reading.text.slice(start, end)
  const isFenced = /^\s*(`{3,}|~{3,})/.test(raw)
  const first = isFenced ? raw.indexOf('\n') + 1 : 0
  const last = isFenced && node.value !== '' ? Math.max(raw.lastIndexOf('\n'), first) : raw.length
  const language = (node.lang ?? '').toLowerCase().replace(/[^\w+#-].*$/, '')
  return { type: 'code', start: start + first, end: start + last, section: reading.section, inlines: [], language }
}

function readTable(reading: Reading, node: Table): void {
  reading.tables += 1
  const headers = (node.children[0]?.children ?? []).map((cell) => oneLine(plainText(cell)))
  for (const [row, line] of node.children.entries()) {
    const rowText = oneLine(reading.text.slice(...span(line)))
    for (const [column, cell] of line.children.entries()) {
      const raw = reading.text.slice(...span(cell))
      const start = span(cell)[0] + (/^\|?\s*/.exec(raw)?.[0].length ?? 0)
      const end = Math.max(start, span(cell)[1] - (/\s*\|?$/.exec(raw)?.[0].length ?? 0))
      const place = { table: reading.tables, row, column, header: headers[column] ?? '', rowText }
      reading.blocks.push({ ...blockOf(reading, cell, 'cell'), start, end, cell: place })
    }
  }
}

function inlinesOf(reading: Reading, node: Nodes): readonly Inline[] {
  if (node.type === 'inlineCode') return [inline(reading, node, { type: 'code', value: node.value })]
  if (node.type === 'image') return [inline(reading, node, { type: 'image', value: node.url })]
  if (node.type === 'definition') return [inline(reading, node, { type: 'link', value: node.url })]
  if (node.type === 'html') return htmlInlines(reading, node)
  const inner = 'children' in node ? (node as Parents).children.flatMap((child) => inlinesOf(reading, child)) : []
  return node.type === 'link' ? [...inner, inline(reading, node, { type: 'link', value: node.url })] : inner
}

function inline(reading: Reading, node: Nodes, part: Pick<Inline, 'type' | 'value'>): Inline {
  const [start, end] = span(node)
  const raw = reading.text.slice(start, end)
  const at = part.type === 'code' ? raw.indexOf(part.value) : raw.lastIndexOf(part.value)
  if (at < 0 || part.value === '') return { ...part, start, end: start }
  return { ...part, start: start + at, end: start + at + part.value.length }
}

const HTML_ATTRIBUTE = /\b(href|src|id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'`=<>]+))/gi

function htmlInlines(reading: Reading, node: Nodes): readonly Inline[] {
  const [start, end] = span(node)
  const raw = reading.text.slice(start, end).replace(/<!--[\s\S]*?(?:-->|$)/g, (comment) => ' '.repeat(comment.length))
  const found: Inline[] = []
  for (const match of raw.matchAll(HTML_ATTRIBUTE)) {
    const attribute = (match[1] ?? '').toLowerCase()
    const value = match[2] ?? match[3] ?? match[4] ?? ''
    const at = start + match.index + match[0].lastIndexOf(value)
    if (attribute === 'id' || attribute === 'name') reading.anchors.push({ slug: value, start: at })
    else found.push({ type: attribute === 'src' ? 'image' : 'link', value, start: at, end: at + value.length })
  }
  // A heading right after a block of HTML is part of it to the letter of CommonMark, and a heading to whoever wrote it.
  for (const match of raw.matchAll(/^#{1,6}[ \t]+(\S.*)$/gm))
    reading.anchors.push({ slug: reading.slugger.slug(match[1]?.trim() ?? ''), start: start + match.index })
  return found
}
