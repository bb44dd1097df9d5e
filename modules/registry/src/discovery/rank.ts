import { wordsOf } from './words.ts'

/** Something that can be found, by the words that stand for it. */
export interface Candidate<Item> {
  readonly item: Item
  /** Decides between equal scores. */
  readonly name: string
  /** Words by field, the weightiest first. */
  readonly fields: readonly { readonly text: string; readonly weight: number }[]
}

export interface Ranked<Item> {
  readonly item: Item
  readonly score: number
  readonly lexical: number
  /** Absent without an embedder. */
  readonly vector: number | undefined
}

/** How near each candidate is to the query, by their vectors; what is less than `least` counts as not near at all. */
export interface Nearness {
  readonly similarities: readonly number[]
  readonly least: number
}

/** Of BM25: how soon a repeated word counts no more, and how much long texts are held back. The usual values. */
const SATURATION = 1.2
const LENGTH = 0.75
/** Of reciprocal rank fusion: damps the first ranks, as in the paper that proposed it. */
const FUSION = 60

/** Candidates by their words, made once for many questions. */
export interface Corpus<Item> {
  readonly candidates: readonly Candidate<Item>[]
  /** Term → who has it, by place in the list, and how much. */
  readonly postings: ReadonlyMap<string, readonly { readonly index: number; readonly count: number }[]>
  /** Of each, as a share of the average. */
  readonly lengths: readonly number[]
}

export function corpusOf<Item>(candidates: readonly Candidate<Item>[]): Corpus<Item> {
  const documents = candidates.map(countWords)
  const average = documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length)
  const postings = new Map<string, { index: number; count: number }[]>()
  for (const [index, { counts }] of documents.entries())
    for (const [term, count] of counts) {
      const having = postings.get(term)
      if (having === undefined) postings.set(term, [{ index, count }])
      else having.push({ index, count })
    }
  return { candidates, postings, lengths: documents.map(({ length }) => length / average) }
}

/**
 * Candidates that share a word with the query or are near to it, best first: BM25 over weighted fields and nearness, fused by reciprocal rank (REG-R24). The same question on the
 * same candidates gives the same order; ties go by name.
 */
export function rank<Item>(query: string, corpus: Corpus<Item>, near?: Nearness): Ranked<Item>[] {
  const { candidates } = corpus
  const lexical = lexicalScores(query, corpus)
  const lists = [
    placesOf(candidates, lexical, Number.MIN_VALUE),
    ...(near === undefined ? [] : [placesOf(candidates, near.similarities, near.least)]),
  ]
  return [...new Set(lists.flatMap((places) => [...places.keys()]))]
    .map((index) => ({
      candidate: candidates[index] as Candidate<Item>,
      score: lists.reduce((sum, places) => sum + reciprocal(places.get(index)), 0),
      lexical: lexical[index] as number,
      vector: near?.similarities[index],
    }))
    .toSorted((left, right) => right.score - left.score || (left.candidate.name < right.candidate.name ? -1 : 1))
    .map(({ candidate: { item }, ...scores }) => ({ item, ...scores }))
}

const reciprocal = (place: number | undefined): number => (place === undefined ? 0 : 1 / (FUSION + place))

/** The places of those with at least so much, from 1. */
function placesOf<Item>(
  candidates: readonly Candidate<Item>[],
  scores: readonly number[],
  least: number,
): Map<number, number> {
  const nameAt = (index: number) => (candidates[index] as Candidate<Item>).name
  const order = [...scores.keys()]
    .filter((index) => (scores[index] as number) >= least)
    .toSorted(
      (left, right) => (scores[right] as number) - (scores[left] as number) || (nameAt(left) < nameAt(right) ? -1 : 1),
    )
  return new Map(order.map((index, place) => [index, place + 1]))
}

function lexicalScores<Item>(query: string, { candidates, postings, lengths }: Corpus<Item>): number[] {
  const scores = candidates.map(() => 0)
  for (const term of new Set(wordsOf(query))) {
    const having = postings.get(term) ?? []
    const weight = rarity(having.length, candidates.length)
    for (const { index, count } of having)
      scores[index] = (scores[index] as number) + weight * frequency(count, lengths[index] as number)
  }
  return scores
}

function countWords<Item>({ fields }: Candidate<Item>) {
  const counts = new Map<string, number>()
  let length = 0
  for (const { text, weight } of fields)
    for (const word of wordsOf(text)) {
      counts.set(word, (counts.get(word) ?? 0) + weight)
      length += weight
    }
  return { counts, length }
}

const rarity = (having: number, all: number): number => Math.log(1 + (all - having + 0.5) / (having + 0.5))

const frequency = (count: number, relativeLength: number): number =>
  (count * (SATURATION + 1)) / (count + SATURATION * (1 - LENGTH + LENGTH * relativeLength))
