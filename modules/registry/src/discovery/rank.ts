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
}

/** Of BM25: how soon a repeated word counts no more, and how much long texts are held back. The usual values. */
const SATURATION = 1.2
const LENGTH = 0.75
/** Of reciprocal rank fusion: damps the first ranks, as in the paper that proposed it. */
const FUSION = 60

/**
 * Candidates that share a word with the query, best first: BM25 over weighted fields, fused by reciprocal rank. The same question on the same candidates gives the
 * same order.
 */
export function rank<Item>(query: string, candidates: readonly Candidate<Item>[]): Ranked<Item>[] {
  const terms = [...new Set(wordsOf(query))]
  const documents = candidates.map((candidate) => ({ candidate, ...countWords(candidate) }))
  const average = documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length)
  const weights = new Map(terms.map((term) => [term, rarity(term, documents)]))
  return documents
    .map(({ candidate, counts, length }) => ({
      candidate,
      lexical: terms.reduce(
        (sum, term) => sum + (weights.get(term) ?? 0) * frequency(counts.get(term), length / average),
        0,
      ),
    }))
    .filter(({ lexical }) => lexical > 0)
    .toSorted((left, right) => right.lexical - left.lexical || (left.candidate.name < right.candidate.name ? -1 : 1))
    .map(({ candidate: { item }, lexical }, index) => ({ item, lexical, score: 1 / (FUSION + index + 1) }))
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

function rarity(term: string, documents: readonly { counts: ReadonlyMap<string, number> }[]): number {
  const having = documents.filter(({ counts }) => counts.has(term)).length
  return Math.log(1 + (documents.length - having + 0.5) / (having + 0.5))
}

const frequency = (count = 0, relativeLength: number): number =>
  (count * (SATURATION + 1)) / (count + SATURATION * (1 - LENGTH + LENGTH * relativeLength))

/** Words that say nothing about what is wanted. */
const STOP = new Set(
  'a an and are as at be by do for from get has how i in is it me my of on or please that the this to want what which who with you'.split(
    ' ',
  ),
)

/** Words in lower case, parts of camelCase apart, endings of plural and tense taken off. */
export const wordsOf = (text: string): string[] =>
  (
    text
      .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
    .filter((word) => !STOP.has(word))
    .map(stem)

function stem(word: string): string {
  if (word.length <= 4) return word.replace(/s$/, '')
  const bare = word.replace(/(?:ations?|ating|ated|ates?|ings?|ied|ies|ed|es|s|ions?|ers?|ors?|e|y)$/, '')
  return bare.length >= 3 ? bare : word
}
