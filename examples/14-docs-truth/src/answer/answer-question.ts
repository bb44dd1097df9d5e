import type { Bundle } from '../bundle/bundle.ts'
import { byCodeUnit } from '../bundle/bundle.ts'
import { refusal } from '../refusal.ts'
import { type Citation, type Sentence, sentencesOf } from './sentences.ts'

export const DEFAULT_QUESTION = 'What is this project, how is it run, what does it need?'

export interface Answer {
  readonly question: string
  /** Quotes, best first within each part of the question; empty when no document speaks about it. */
  readonly sentences: readonly Citation[]
}

/** Sentences that are given for one part of a question. */
const PER_PART = 2

/**
 * Answers by quoting: the sentences of the documents that fit the parts of the question best (BM25 over stems). Nothing is
 * made up, so an answer may be empty. Raises `input-invalid` for more than 500 characters.
 */
export function answerQuestion(bundle: Bundle, question: string = DEFAULT_QUESTION): Answer {
  if (question.length > 500)
    throw refusal('input-invalid', `The question has ${question.length} characters, more than 500.`)
  const index = createIndex(sentencesOf(bundle))
  const chosen: Sentence[] = []
  for (const part of question.split(/[,;?!.]+|\band\b/i).map(stems)) {
    if (part.length === 0) continue
    const ranked = rank(index, expand(part)).filter((sentence) => !chosen.includes(sentence))
    chosen.push(...ranked.slice(0, PER_PART))
  }
  return { question, sentences: chosen.map(({ quote, file, line }) => ({ quote, file, line })) }
}

const STOP = new Set(
  'a an and are as at be by can do does did for from has have how i in is it its me my of on or our that the their there this to was we what when where which who why will with you your'.split(
    ' ',
  ),
)

/** The words that matter, without their commonest endings. */
const stems = (text: string): readonly string[] =>
  (text.toLowerCase().match(/[a-z0-9][a-z0-9.+#-]*[a-z0-9+#]|[a-z0-9]/g) ?? [])
    .filter((word) => !STOP.has(word))
    .map(stem)

const stem = (word: string): string =>
  word.length > 4 ? word.replace(/(ing|ed|es|e|s)$/, '') : word.replace(/(?<=[a-z]{3})s$/, '')

interface Query {
  readonly terms: readonly string[]
  readonly others: readonly string[]
  /** Whether the first sentence of the README answers by being it. */
  readonly asksWhat: boolean
}

/** Words under which documents answer the questions that every project is asked. */
const SYNONYMS: Readonly<Record<string, string>> = {
  run: 'start usage quickstart launch serve install npm',
  start: 'run quickstart launch',
  need: 'require requirement prerequisite depend node python version',
  install: 'setup npm pip add',
  use: 'usage example',
  test: 'vitest jest coverage',
  contribut: 'pull develop',
}

function expand(terms: readonly string[]): Query {
  const asksWhat = terms.some((term) => /^(project|repository|package|library|purpose|about)$/.test(term))
  return {
    terms,
    others: terms.flatMap((term) =>
      (SYNONYMS[term] ?? '')
        .split(' ')
        .filter((word) => word !== '')
        .map(stem),
    ),
    asksWhat,
  }
}

interface IndexedSentence {
  readonly sentence: Sentence
  readonly words: ReadonlyMap<string, number>
  readonly length: number
}

interface SentenceIndex {
  readonly sentences: readonly IndexedSentence[]
  /** In how many sentences a word is. */
  readonly spread: ReadonlyMap<string, number>
  readonly meanLength: number
}

function createIndex(sentences: readonly Sentence[]): SentenceIndex {
  const spread = new Map<string, number>()
  const indexed = sentences.map((sentence) => {
    const words = new Map<string, number>()
    for (const word of stems(sentence.quote)) words.set(word, (words.get(word) ?? 0) + 1)
    for (const word of stems(sentence.section.slice(-1).join(' '))) words.set(word, (words.get(word) ?? 0) + 0.5)
    for (const word of words.keys()) spread.set(word, (spread.get(word) ?? 0) + 1)
    return { sentence, words, length: [...words.values()].reduce((sum, count) => sum + count, 0) }
  })
  const total = indexed.reduce((sum, entry) => sum + entry.length, 0)
  return { sentences: indexed, spread, meanLength: total / Math.max(indexed.length, 1) }
}

function rank(index: SentenceIndex, query: Query): readonly Sentence[] {
  const scored = index.sentences.map((entry) => ({ sentence: entry.sentence, score: scoreOf(index, query, entry) }))
  return scored
    .filter(({ score }) => score > 0)
    .sort(
      (left, right) =>
        right.score - left.score ||
        byCodeUnit(left.sentence.file, right.sentence.file) ||
        left.sentence.line - right.sentence.line,
    )
    .map(({ sentence }) => sentence)
}

/** BM25 with its usual constants; a synonym counts half, the README at the top of the folder one and a half times. */
function scoreOf(index: SentenceIndex, query: Query, entry: IndexedSentence): number {
  const found = [...query.terms, ...query.others].filter((term) => entry.words.has(term))
  const lead = query.asksWhat && entry.sentence.isLead ? 100 : 0
  const isCovered =
    query.others.length > 0 ? found.length > 0 : found.length * 2 >= query.terms.length && found.length > 0
  if (!isCovered) return lead
  const base = query.terms.reduce((sum, term) => sum + weightOf(index, entry, term), 0)
  const related = query.others.reduce((sum, term) => sum + weightOf(index, entry, term) / 2, 0)
  const place = /^readme[^/]*$/i.test(entry.sentence.file) ? 1.5 : entry.sentence.file.includes('/') ? 0.8 : 1
  return (base + related) * place + lead
}

function weightOf(index: SentenceIndex, entry: IndexedSentence, term: string): number {
  const count = entry.words.get(term) ?? 0
  const spread = index.spread.get(term) ?? 0
  const rarity = Math.log(1 + (index.sentences.length - spread + 0.5) / (spread + 0.5))
  return (rarity * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * entry.length) / index.meanLength))
}
