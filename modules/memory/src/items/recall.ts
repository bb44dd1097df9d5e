import type { Clock, Context, Transaction } from '@soma/kernel'
import type { Item, RecallHit, RecallInput } from '../../contract/index.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { scopeKeyOf } from '../scopes/scope-keys.ts'
import { type Understood, understand } from './query-words.ts'
import { findFitting, type ItemFilter, readMatching } from './recall-store.ts'
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
/** More candidates than these are not taken: what fits is then found from the filters. */
const MAX_POOL = 800
const MAX_EXCERPT = 600

/** Finds items by words, best first (MEM-R48). */
export function createRecall({ memory, clock, settings }: RecallDependencies) {
  return async (context: Context, body: RecallInput) => {
    const startedAt = clock.now().getTime()
    const plans = (body.scopes ?? []).flatMap((scope) => (scope.type === 'plan' ? [scope.id] : []))
    const { hits, understood } = await memory.inScopes(context, [body.planId, ...plans], async (tx) => {
      const scopeKeys = body.scopes?.map((scope) => scopeKeyOf(context, scope))
      return findItems(tx, body, { scopeKeys, settings, nowMs: startedAt })
    })
    return {
      hits,
      degraded: [],
      isStale: false,
      understood: { terms: understood.terms, corrected: understood.corrected },
      tookMs: Math.max(0, clock.now().getTime() - startedAt),
    }
  }
}

export interface FindOptions {
  /** Default: all that are read. */
  readonly scopeKeys: readonly string[] | undefined
  readonly settings: RecallDependencies['settings']
  readonly nowMs: number
}

/** The best items for a query among those that the transaction may read and that fit the filters, and what was understood of it. */
export async function findItems(
  tx: Transaction,
  body: ItemFilter & Pick<RecallInput, 'minRelevance' | 'limit'>,
  options: FindOptions,
): Promise<{ hits: RecallHit[]; understood: Understood }> {
  const understood = await understand(tx, body.query)
  const found = await findAll(tx, { body, words: understood, options })
  const nowMs = body.asOf === undefined ? options.nowMs : Date.parse(body.asOf)
  const hits = found
    .map((hit) => scored(hit, { nowMs, words: understood, settings: options.settings }))
    .toSorted((left, right) => right.score - left.score || (left.item.id < right.item.id ? -1 : 1))
    .slice(0, body.limit)
  return { hits, understood }
}

/** As many as fit the filters: where those leave too few of the best, more are taken (MEM-R49). */
async function findAll(
  tx: Transaction,
  by: { body: ItemFilter & Pick<RecallInput, 'minRelevance' | 'limit'>; words: Understood; options: FindOptions },
): Promise<Found[]> {
  const { body, words } = by
  const { scopeKeys, settings } = by.options
  const isPast = body.asOf !== undefined || body.validAt !== undefined
  const search = { words: words.words, kinds: body.kinds, scopeKeys, isPast, exactLimit: settings.exactLimit }
  const matching = async (candidates: readonly Candidate[]): Promise<Found[]> => {
    const items = await readMatching(tx, candidates, body)
    return candidates.flatMap((candidate, index): Found[] => {
      const item = items.get(candidate.id)
      const relevance = relevanceOf(candidate, words)
      return item === undefined || relevance < body.minRelevance ? [] : [{ item, relevance, rank: index + 1 }]
    })
  }
  const least = Math.max(settings.pool, body.limit * 2)
  for (let pool = least; pool <= Math.max(MAX_POOL, least); pool *= WIDER) {
    const candidates = await searchItems(tx, search, pool)
    const found = await matching(candidates)
    if (found.length >= body.limit || candidates.length < pool) return found
  }
  const leastShare = body.minRelevance * words.total
  return matching(await findFitting(tx, body, { search, leastShare, limit: least }))
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
    layer: LAYERS[item.kind],
    excerpt: excerptOf(item.content),
  }
}

const LAYERS = { fact: 'semantic', episode: 'episodic', procedure: 'procedural' } as const

const timeOf = (item: Item): string => (item.kind === 'episode' ? item.occurredAt : item.recordedAt)

/** Its beginning, cut between characters. */
const excerptOf = (content: string): string =>
  content.length <= MAX_EXCERPT ? content : content.slice(0, MAX_EXCERPT).replace(/\p{Surrogate}$/u, '')
