import type { Clock, Context, Transaction } from '@soma/kernel'
import type { Episode, Fact, Item, RecallHit, RecallInput } from '../../contract/index.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { scopeKeyOf } from '../scopes/scope-keys.ts'
import { type Understood, understand } from './query-words.ts'
import { readMatching } from './recall-store.ts'
import { type Candidate, searchItems } from './search-store.ts'

export interface RecallDependencies {
  readonly memory: MemoryDatabase
  readonly clock: Clock
  readonly settings: {
    readonly exactLimit: number
    readonly pool: number
    readonly halfLifeMs: number
    readonly lexicalWeight: number
  }
}

/** Of reciprocal rank fusion: how little the first ranks differ. */
const RANK_OFFSET = 60
const WIDER = 4
const MAX_POOL = 1_000_000
const MAX_EXCERPT = 600

/** Finds items by words, best first (MEM-R48). */
export function createRecall({ memory, clock, settings }: RecallDependencies) {
  return async (context: Context, body: RecallInput) => {
    const startedAt = clock.now().getTime()
    const plans = (body.scopes ?? []).flatMap((scope) => (scope.type === 'plan' ? [scope.id] : []))
    const { hits, understood } = await memory.inScopes(context, [body.planId, ...plans], async (tx) => {
      const words = await understand(tx, body.query)
      const scopeKeys = body.scopes?.map((scope) => scopeKeyOf(context, scope))
      const found = await findAll(tx, { body, words, scopeKeys })
      return { hits: found, understood: words }
    })
    const nowMs = body.asOf === undefined ? startedAt : Date.parse(body.asOf)
    const ranked = hits
      .map((hit) => scored(hit, { nowMs, words: understood, settings }))
      .toSorted((left, right) => right.score - left.score || (left.item.id < right.item.id ? -1 : 1))
    return {
      hits: ranked.slice(0, body.limit),
      degraded: [],
      isStale: false,
      understood: { terms: understood.terms, corrected: understood.corrected },
      tookMs: Math.max(0, clock.now().getTime() - startedAt),
    }
  }

  /** As many as fit the filters: where those leave too few of the best, more are taken (MEM-R49). */
  async function findAll(
    tx: Transaction,
    { body, words, scopeKeys }: { body: RecallInput; words: Understood; scopeKeys: readonly string[] | undefined },
  ): Promise<Found[]> {
    const isPast = body.asOf !== undefined || body.validAt !== undefined
    const search = { words: words.words, kinds: body.kinds, scopeKeys, isPast, exactLimit: settings.exactLimit }
    for (let pool = Math.max(settings.pool, body.limit * 2); ; pool *= WIDER) {
      const candidates = await searchItems(tx, search, pool)
      const items = await readMatching(tx, candidates, body)
      const found = candidates.flatMap((candidate, index): Found[] => {
        const item = items.get(candidate.id)
        const relevance = relevanceOf(candidate, words)
        return item === undefined || relevance < body.minRelevance ? [] : [{ item, relevance, rank: index + 1 }]
      })
      if (found.length >= body.limit || candidates.length < pool || pool >= MAX_POOL) return found
    }
  }
}

interface Found {
  readonly item: Item
  readonly relevance: number
  readonly rank: number
}

/** The share of the query's term weight that an item has; nothing is known of items that were not found by words. */
const relevanceOf = ({ share }: Candidate, { total }: Understood): number =>
  total === 0 ? 0 : Math.min(1, share / total)

/** Rank, then salience, confidence and recency: the parts are the factors of the score. */
function scored(
  { item, relevance, rank }: Found,
  by: { nowMs: number; words: Understood; settings: RecallDependencies['settings'] },
): RecallHit {
  const { halfLifeMs, lexicalWeight } = by.settings
  const ageMs = Math.max(0, by.nowMs - Date.parse(timeOf(item)))
  const parts = {
    lexical: lexicalWeight / (RANK_OFFSET + rank),
    salience: 0.8 + 0.2 * item.importance,
    confidence: item.kind === 'fact' ? item.confidence : 1,
    recency: 0.85 + 0.15 * 2 ** (-ageMs / halfLifeMs),
  }
  return {
    item,
    score: parts.lexical * parts.salience * parts.confidence * parts.recency,
    relevance,
    parts,
    ranks: by.words.words === undefined ? {} : { lexical: rank },
    layer: item.kind === 'fact' ? 'semantic' : 'episodic',
    excerpt: excerptOf(item.content),
  }
}

const timeOf = (item: Fact | Episode): string => (item.kind === 'fact' ? item.recordedAt : item.occurredAt)

/** Its beginning, cut between characters. */
const excerptOf = (content: string): string =>
  content.length <= MAX_EXCERPT ? content : content.slice(0, MAX_EXCERPT).replace(/\p{Surrogate}$/u, '')
