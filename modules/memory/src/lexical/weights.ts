import { dimensionOf } from './dimension-of.ts'

/** BM25: how soon a repeated term counts no more, and how much long texts are held back. */
const SATURATION = 1.2
const LENGTH_SHARE = 0.4
/** Terms of an average item. A constant, so that items never need new weights when others come. */
const AVERAGE_LENGTH = 90
/** Of one item: the largest text keeps its most frequent terms, and a sparse vector holds at most 16 000. */
const MAX_WEIGHTS = 4_000

/** Weights by dimension, in the order of dimensions: how a `sparsevec` is written. */
export interface SparseWeights {
  readonly dimensions: number[]
  readonly weights: number[]
}

/** What is known of the terms of all items that the caller can read. */
export interface Lexicon {
  /** Items in all. */
  readonly documents: number
  /** Term → items that have it; a term that is missing is in none. */
  readonly frequencies: ReadonlyMap<string, number>
}

/** The BM25 weight of each term of an item, at most the 4 000 heaviest. */
export function itemWeights(terms: readonly string[]): SparseWeights {
  const counts = new Map<number, number>()
  const dimensions = new Map<string, number>()
  for (const term of terms) {
    const dimension = dimensions.get(term) ?? dimensionOf(term)
    dimensions.set(term, dimension)
    counts.set(dimension, (counts.get(dimension) ?? 0) + 1)
  }
  const held = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * terms.length) / AVERAGE_LENGTH)
  return inOrder([...counts].map(([dimension, count]) => [dimension, (count * (SATURATION + 1)) / (count + held)]))
}

/** How much each term of a query counts: its inverse document frequency. `total` is what an item with all of them would match. */
export function queryWeights(terms: readonly string[], lexicon: Lexicon): SparseWeights & { total: number } {
  const weights = new Map<number, number>()
  let total = 0
  for (const term of new Set(terms)) {
    const weight = rarity(term, lexicon)
    const dimension = dimensionOf(term)
    weights.set(dimension, (weights.get(dimension) ?? 0) + weight)
    total += weight
  }
  return { ...inOrder([...weights]), total }
}

/** Counts lag behind items, so a term may seem to be in more items than there are: it is then in all. */
function rarity(term: string, { documents, frequencies }: Lexicon): number {
  const having = Math.min(frequencies.get(term) ?? 0, documents)
  return Math.log(1 + (documents - having + 0.5) / (having + 0.5))
}

function inOrder(pairs: [dimension: number, weight: number][]): SparseWeights {
  const heaviest =
    pairs.length <= MAX_WEIGHTS
      ? pairs
      : pairs.toSorted(([a, left], [b, right]) => right - left || a - b).slice(0, MAX_WEIGHTS)
  const sorted = heaviest.toSorted(([left], [right]) => left - right)
  return { dimensions: sorted.map(([dimension]) => dimension), weights: sorted.map(([, weight]) => weight) }
}
