import { type Bundle, lineAt } from '../bundle/bundle.ts'
import { documentsOf, parsedDocument } from '../statements/parsed-documents.ts'
import { isShell } from '../statements/split-commands.ts'
import type { Block } from '../statements/block.ts'

/** Exact bytes of a document, from one line on. */
export interface Citation {
  readonly quote: string
  readonly file: string
  /** 1-based line on which the quote begins. */
  readonly line: number
}

export interface Sentence extends Citation {
  readonly section: readonly string[]
  /** Whether it is the first prose of the folder's README. */
  readonly isLead: boolean
  readonly isCommand: boolean
}

/** A sentence ends at a full stop, question or exclamation mark before white space and what may begin a sentence. */
const SENTENCE = /[^\s](?:[^.!?]|[.!?](?!["')\]*_`]*\s+["'([*_`]*[A-Z0-9]))*(?:[.!?]["')\]*_`]*|$)/g

/** Every sentence and command line of the bundle's documents, in stable order. */
export function sentencesOf(bundle: Bundle): readonly Sentence[] {
  return documentsOf(bundle).flatMap(({ path }) => {
    const { text, blocks } = parsedDocument(bundle, path)
    const lead = /^readme[^/]*$/i.test(path)
      ? blocks.find(
          (block) =>
            block.type === 'prose' &&
            isProse(text.slice(block.start, block.end)) &&
            !/:\s*$/.test(text.slice(block.start, block.end)),
        )
      : undefined
    return blocks.flatMap((block) =>
      partsOf(text, block).map(({ quote, start, isCommand }) => ({
        quote,
        file: path,
        line: lineAt(text, start),
        section: block.section,
        isLead: block === lead,
        isCommand,
      })),
    )
  })
}

interface Part {
  readonly quote: string
  readonly start: number
  readonly isCommand: boolean
}

function partsOf(text: string, block: Block): readonly Part[] {
  const raw = text.slice(block.start, block.end)
  if (block.type === 'heading' || block.type === 'cell') return []
  if (block.type === 'code') return isShell(block.language ?? '', raw) ? commandLines(raw, block.start) : []
  return [...raw.matchAll(SENTENCE)].flatMap((match): Part[] => {
    const quote = match[0].trim()
    return isProse(quote) && quote.length <= 600 ? [{ quote, start: block.start + match.index, isCommand: false }] : []
  })
}

function commandLines(raw: string, offset: number): readonly Part[] {
  return [...raw.matchAll(/[^\r\n]*\S[^\r\n]*/g)].flatMap((match): Part[] => {
    const quote = match[0].trim()
    const isComment = /^(#|\/\/)/.test(quote)
    return isComment || quote.length > 200
      ? []
      : [{ quote, start: offset + match.index + match[0].indexOf(quote), isCommand: true }]
  })
}

/** At least four words outside of links' addresses and tags. */
const isProse = (text: string): boolean =>
  (
    text
      .slice(0, 2_000)
      .replace(/\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|<[^>]*>|\]\([^)]*\)|!\[[^\]]*\]/g, ' ')
      .match(/[A-Za-z]{2,}/g) ?? []
  ).length >= 4
