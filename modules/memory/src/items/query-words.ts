import type { Transaction } from '@soma/kernel'
import { dimensionOf } from '../lexical/dimension-of.ts'
import { nearestWords } from '../lexical/nearest-words.ts'
import { queryTerms } from '../lexical/tokenize.ts'
import { queryWeights } from '../lexical/weights.ts'
import { sparseText } from './prepare.ts'
import { readFrequencies, readSimilarWords, type Search } from './search-store.ts'

export interface Understood {
  readonly terms: string[]
  readonly corrected: { from: string; to: string }[]
  /** Undefined where the query says nothing: recency decides. */
  readonly words: Search['words']
  /** What an item with all terms would match. */
  readonly total: number
}

/** Terms of a query are many in a pasted text: the first ones ask, the rest would only cost. */
const MAX_TERMS = 256
/** Unknown words that are looked up. */
const MAX_CORRECTIONS = 16
/** Candidates that a large scope gives by rare words, at least and at most. */
const RARE = { least: 500, share: 0.1, most: 5000 } as const

/** What a query asks for, weighed by the words of the readable scopes. */
export async function understand(tx: Transaction, query: string): Promise<Understood> {
  const asked = queryTerms(query, 'en').slice(0, MAX_TERMS)
  if (asked.length === 0) return { terms: [], corrected: [], words: undefined, total: 0 }
  const known = await readFrequencies(tx, asked)
  const corrected: { from: string; to: string }[] = []
  for (const term of asked.filter((word) => !known.frequencies.has(word)).slice(0, MAX_CORRECTIONS)) {
    const to = nearestWords(term, await readSimilarWords(tx, term))
    if (to !== undefined) corrected.push({ from: term, to })
  }
  const terms = [...new Set([...asked, ...corrected.map(({ to }) => to)])]
  const lexicon = corrected.length === 0 ? known : await readFrequencies(tx, terms)
  const { dimensions, weights } = queryWeights(terms, lexicon)
  // A word and its correction are one: what matches either matches all of it.
  const { total } = queryWeights(
    terms.filter((term) => !corrected.some(({ from }) => from === term)),
    lexicon,
  )
  const words = { dimensions, weights, sparse: sparseText(dimensions, weights), rare: rareDimensions(terms, lexicon) }
  return { terms, corrected, words, total }
}

/** The rarest words, as many as name a fair number of candidates. */
function rareDimensions(
  terms: readonly string[],
  { documents, frequencies }: { documents: number; frequencies: ReadonlyMap<string, number> },
): number[] {
  const most = Math.min(RARE.most, Math.max(RARE.least, documents * RARE.share))
  const chosen: string[] = []
  let candidates = 0
  for (const term of terms.toSorted((left, right) => (frequencies.get(left) ?? 0) - (frequencies.get(right) ?? 0))) {
    candidates += frequencies.get(term) ?? 0
    if (chosen.length > 0 && candidates > most) break
    chosen.push(term)
  }
  return chosen.map(dimensionOf)
}
