import type { Clock, Context, Logger } from '@soma/kernel'
import type * as z from 'zod'
import type { Discovered, discoveryOperations, FoundItem } from '../../contract/discovery.ts'
import { checkTopic } from '../event-definitions/check-definitions.ts'
import { createFindings } from '../findings.ts'
import type { Declared, DeclaredReader } from '../read-declared.ts'
import type { Embedder } from '../ports.ts'
import { candidatesOf, type Unranked } from './candidates.ts'
import { toLlm } from './llm.ts'
import { type Corpus, corpusOf, rank } from './rank.ts'
import { createVectors } from './vectors.ts'

type Wanted = z.output<typeof discoveryOperations.search.body>

interface DiscoveryOptions {
  readonly declared: DeclaredReader
  readonly clock: Clock
  readonly log: Logger
  readonly embedder: Embedder
  /** Cosine below which a text is not near to a question. */
  readonly minScore: number
}

/** Finds what a question in plain words asks for among what lives now: nothing is kept between questions, so an ended agent is gone at once. */
export function createDiscoveryService({ declared, clock, log, embedder, minScore }: DiscoveryOptions) {
  const vectors = createVectors(embedder)
  const corpora = new WeakMap<Declared, Map<string, Corpus<Unranked>>>()
  /** Made once for what is declared, where no filter of the question makes it another. */
  const corpusFor = (all: Declared, wanted: Wanted): Corpus<Unranked> => {
    if (wanted.topics !== undefined || wanted.tags !== undefined) return corpusOf(candidatesOf(all, wanted))
    const known = corpora.get(all) ?? new Map<string, Corpus<Unranked>>()
    const key = JSON.stringify([wanted.want, wanted.actionable])
    const corpus = known.get(key) ?? corpusOf(candidatesOf(all, wanted))
    corpora.set(all, known.set(key, corpus))
    return corpus
  }
  /** Undefined while the embedder is away. */
  const nearnessOf = async (query: string, corpus: Corpus<Unranked>) => {
    try {
      return { similarities: await vectors.similarities(query, corpus), least: minScore }
    } catch (error) {
      log.warn('the embedder does not answer: words alone rank', { error })
      return undefined
    }
  }
  return {
    search: async (context: Context, wanted: Wanted): Promise<Discovered> => {
      checkTopics(wanted.topics ?? [])
      const asOf = clock.now().toISOString()
      const corpus = corpusFor(await declared.read(context), wanted)
      const near = await nearnessOf(wanted.query, corpus)
      const items = rank(wanted.query, corpus, near)
        .slice(0, wanted.limit)
        .map(({ item, score, lexical, vector }): FoundItem => {
          const scoreParts = { lexical, ...(vector === undefined ? {} : { vector }) }
          return { ...item, score, scoreParts }
        })
      const answer = { items, hidden: 0 as const, asOf, degraded: near === undefined }
      if (wanted.format === 'full') return answer
      return { ...answer, llm: toLlm(items, wanted.maxTokens) }
    },
  }
}

function checkTopics(topics: readonly string[]): void {
  const findings = createFindings()
  topics.forEach((topic, index) => {
    checkTopic(topic, { pointer: `/body/topics/${index}`, findings })
  })
  findings.throwIfAny()
}
