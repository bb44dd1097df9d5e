import { builtInEmbedder } from '../src/discovery/built-in-embedder.ts'
import { candidatesOf } from '../src/discovery/candidates.ts'
import { corpusOf, rank } from '../src/discovery/rank.ts'
import { createVectors } from '../src/discovery/vectors.ts'
import { corpusDefinitions, corpusQuestions } from './discovery-corpus.ts'

const AMONG_FIRST = 5
const GRADED = 10

export interface DiscoveryQuality {
  /** Share of questions with a best answer among the first five. */
  readonly hits: number
  /** Mean nDCG of the first ten. */
  readonly gain: number
  /** Questions without a best answer among the first five, with what came first. */
  readonly missed: readonly string[]
}

/** How well the graded questions of the corpus are answered, with the built-in embedder or by words alone. */
export async function discoveryQuality(by: 'words and vectors' | 'words', minScore: number): Promise<DiscoveryQuality> {
  const wanted = { want: ['event'], actionable: false } as const
  const corpus = corpusOf(candidatesOf({ agents: [], events: corpusEvents }, wanted))
  const vectors = createVectors(builtInEmbedder)
  const missed: string[] = []
  let gain = 0
  for (const { query, grades } of corpusQuestions) {
    const near =
      by === 'words' ? undefined : { similarities: await vectors.similarities(query, corpus), least: minScore }
    const found = rank(query, corpus, near).map(({ item }) => item.name)
    const gained = found.slice(0, GRADED).map((type) => grades[type] ?? 0)
    gain += discounted(gained) / discounted(Object.values(grades).toSorted((left, right) => right - left))
    if (!found.slice(0, AMONG_FIRST).some((type) => grades[type] === 2)) missed.push(`${query}: ${found.slice(0, 3)}`)
  }
  const { length } = corpusQuestions
  return { hits: 1 - missed.length / length, gain: gain / length, missed }
}

const discounted = (grades: readonly number[]): number =>
  grades.reduce((sum, grade, index) => sum + (2 ** grade - 1) / Math.log2(index + 2), 0)

const corpusEvents = corpusDefinitions.map(({ type, description, fields }) => ({
  ...{ topic: 'action-requests', type, version: '1.0.0', kind: 'request' as const, description },
  jsonSchema: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, {}])) },
  ...{ status: 'active' as const, sideEffects: 'none' as const, ownerId: 'usr_corpus', isPlatform: false },
  ...{ purpose: undefined, replySchema: undefined },
}))
