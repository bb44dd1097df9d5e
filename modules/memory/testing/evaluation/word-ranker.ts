import { nearestWords } from '../../src/lexical/nearest-words.ts'
import { queryTerms, tokenize } from '../../src/lexical/tokenize.ts'
import { itemWeights, type Lexicon, queryWeights } from '../../src/lexical/weights.ts'
import type { Found, Ranker } from './evaluate.ts'
import type { Turn } from './suite.ts'

export interface WordRankerOptions {
  /** Unknown words are also searched by the nearest known one; default true. */
  readonly spelling?: boolean
  /** The best of two turns before and after counts half; default false, as in recall of facts. */
  readonly neighbours?: boolean
  /** A turn of a slot leaves when another takes it; default true. */
  readonly slots?: boolean
}

interface Item {
  readonly turn: Turn
  readonly weights: ReadonlyMap<number, number>
}

const LANGUAGE = 'en'
const WINDOW = 2
const NEIGHBOUR_SHARE = 0.5
/** Of reciprocal rank fusion. */
const FUSION = 60

/** The lexical leg of recall without a database: what its statements rank, in memory. */
export function createWordRanker(turns: readonly Turn[], options: WordRankerOptions = {}): Ranker {
  const { spelling = true, neighbours = false, slots = true } = options
  const items = (slots ? currentOf(turns) : turns).map(itemOf)
  const lexicon = lexiconOf(items)
  const words = [...lexicon.frequencies].sort(([, left], [, right]) => right - left).map(([word]) => word)
  const corrected = (term: string): string[] => {
    const near = lexicon.frequencies.has(term) || !spelling ? undefined : nearestWords(term, words)
    return near === undefined ? [term] : [near]
  }
  return {
    find: async ({ text }, limit) => {
      const { dimensions, weights, total } = queryWeights(queryTerms(text, LANGUAGE).flatMap(corrected), lexicon)
      const asked = dimensions.map((dimension, index) => [dimension, weights[index] as number] as const)
      const scores = items.map(({ weights: own }) => scoreOf(asked, own))
      const order = neighbours ? withNeighbours(scores) : scores
      return bestOf(order, limit).map((index): Found => {
        const { turn, weights: own } = items[index] as Item
        const matched = asked.reduce((sum, [dimension, weight]) => sum + (own.has(dimension) ? weight : 0), 0)
        return { id: turn.id, text: turn.text, relevance: total === 0 ? 0 : matched / total }
      })
    },
  }
}

/** Without what a later turn of the same slot replaced. */
function currentOf(turns: readonly Turn[]): Turn[] {
  const newest = new Map(turns.map((turn) => [slotKey(turn), turn.id]))
  return turns.filter((turn) => newest.get(slotKey(turn)) === turn.id)
}

const slotKey = ({ id, slot }: Turn): string =>
  slot === undefined ? id : JSON.stringify([slot.subject, slot.predicate])

function itemOf(turn: Turn): Item {
  const { dimensions, weights } = itemWeights(tokenize(turn.text, LANGUAGE))
  return { turn, weights: new Map(dimensions.map((dimension, index) => [dimension, weights[index] as number])) }
}

function lexiconOf(items: readonly Item[]): Lexicon {
  const frequencies = new Map<string, number>()
  for (const { turn } of items)
    for (const term of new Set(tokenize(turn.text, LANGUAGE))) frequencies.set(term, (frequencies.get(term) ?? 0) + 1)
  return { documents: items.length, frequencies }
}

const scoreOf = (asked: readonly (readonly [number, number])[], own: ReadonlyMap<number, number>): number =>
  asked.reduce((sum, [dimension, weight]) => sum + weight * (own.get(dimension) ?? 0), 0)

function withNeighbours(scores: readonly number[]): number[] {
  const places = new Map(bestOf(scores, scores.length).map((index, place) => [index, place + 1]))
  const reciprocal = (index: number): number => {
    const place = places.get(index)
    return place === undefined ? 0 : 1 / (FUSION + place)
  }
  return scores.map((_, index) => {
    const around = [-WINDOW, -1, 1, WINDOW].map((offset) => reciprocal(index + offset))
    return reciprocal(index) + NEIGHBOUR_SHARE * Math.max(...around)
  })
}

/** Places of the best that have any score, ties in the order of turns. */
const bestOf = (scores: readonly number[], limit: number): number[] =>
  [...scores.keys()]
    .filter((index) => (scores[index] as number) > 0)
    .sort((left, right) => (scores[right] as number) - (scores[left] as number) || left - right)
    .slice(0, limit)
