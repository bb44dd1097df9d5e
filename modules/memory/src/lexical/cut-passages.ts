import { estimateTokens } from './estimate-tokens.ts'

export interface Passage {
  readonly text: string
  /** Place in the document, from 0. */
  readonly ordinal: number
  /** The heading that the passage stands under. */
  readonly heading?: string
}

export interface PassageSize {
  /** At most in a passage, as `estimateTokens` counts. */
  readonly tokens: number
  /** At most of the passage before repeated at the beginning of the next under the same heading, in whole sentences. */
  readonly overlap: number
}

interface Section {
  readonly heading: string | undefined
  readonly text: string
}

/** A sentence, line or piece of one, with what stands between it and the one before. */
interface Unit {
  readonly text: string
  readonly gap: string
  /** Of both. */
  readonly tokens: number
}

const HEADING = /^ {0,3}#{1,6}[ \t]+(.*)$/
/** Begins only where a run does: else a line of a hundred thousand # took the square of it. */
const CLOSING_MARKS = /(?<![ \t#])[ \t#]+$/
const FENCE = /^ {0,3}(?:```|~~~)/
const PARAGRAPH_END = /\n[ \t]*\n\s*/
const SENTENCE_END = /((?<=[.!?…]|[.!?…]["'”’)\]])[ \t]+|(?<=[。！？])|\n)/u
const SPACES = /[ \t]+/

/**
 * A text of Markdown or plain paragraphs in passages: a heading begins one, then as many whole sentences or lines as fit; a sentence that does not fit is cut between words, a word that
 * does not fit between characters. Every word of the text is in a passage. Takes time in proportion to the text.
 */
export function cutPassages(text: string, size: PassageSize): Passage[] {
  return sectionsOf(text.replace(/\r\n?/g, '\n'))
    .flatMap(({ heading, text }) => packed(unitsOf(text, size.tokens), size).map((text) => ({ heading, text })))
    .map(({ heading, text }, ordinal) => ({ text, ordinal, ...(heading === undefined ? {} : { heading }) }))
}

/** Lines that begin with # inside a code fence are code. */
function sectionsOf(text: string): Section[] {
  const sections: { heading: string | undefined; lines: string[] }[] = [{ heading: undefined, lines: [] }]
  let isFenced = false
  for (const line of text.split('\n')) {
    if (FENCE.test(line)) isFenced = !isFenced
    const heading = isFenced ? undefined : HEADING.exec(line)?.[1]?.replace(CLOSING_MARKS, '')
    if (heading !== undefined && heading !== '') sections.push({ heading, lines: [line] })
    else sections.at(-1)?.lines.push(line)
  }
  return sections.map(({ heading, lines }) => ({ heading, text: lines.join('\n') }))
}

function unitsOf(text: string, most: number): Unit[] {
  return text.split(PARAGRAPH_END).flatMap((paragraph) => {
    let gap = '\n\n'
    return paragraph.split(SENTENCE_END).flatMap((part, index) => {
      if (index % 2 === 1) gap = gap === '' || part === '\n' ? part : gap
      const sentence = index % 2 === 1 ? '' : part.trimEnd()
      if (sentence === '') return []
      const units = fitted(sentence, gap, most)
      gap = ''
      return units
    })
  })
}

function fitted(sentence: string, gap: string, most: number): Unit[] {
  const unit = unitOf(sentence, gap)
  if (unit.tokens <= most) return [unit]
  const words = sentence.trim().split(SPACES)
  return words.flatMap((word) => cutWord(word, most - 1)).map((text, index) => unitOf(text, index === 0 ? gap : ' '))
}

const unitOf = (text: string, gap: string): Unit => ({ text, gap, tokens: estimateTokens(gap + text) })

/** A character is a token at most, so no piece is too large. Never between the halves of one. */
function cutWord(word: string, most: number): string[] {
  if (estimateTokens(word) <= most) return [word]
  return word.match(new RegExp(`.{1,${Math.floor(most / 2)}}`, 'gsu')) ?? []
}

function packed(units: readonly Unit[], { tokens, overlap }: PassageSize): string[] {
  const passages: string[] = []
  let passage: Unit[] = []
  let taken = 0
  for (const unit of units) {
    if (taken + unit.tokens > tokens) {
      passages.push(joined(passage))
      passage = endOf(passage, Math.min(overlap, tokens - unit.tokens))
      taken = passage.reduce((sum, kept) => sum + kept.tokens, 0)
    }
    passage.push(unit)
    taken += unit.tokens
  }
  return passage.length === 0 ? passages : [...passages, joined(passage)]
}

/** The last units that fit together into so many tokens, never all of them. */
function endOf(units: readonly Unit[], most: number): Unit[] {
  let start = units.length
  for (let left = most; start > 1 && (units[start - 1] as Unit).tokens <= left; start--)
    left -= (units[start - 1] as Unit).tokens
  return units.slice(start)
}

const joined = (units: readonly Unit[]): string =>
  units.map(({ text, gap }, index) => (index === 0 ? text : gap + text)).join('')
