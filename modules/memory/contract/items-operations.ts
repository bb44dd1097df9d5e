import { instant, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { memoryProblems } from './problems.ts'
import { item, rememberItem } from './records.ts'
import { collection, factId, itemId, itemKind, planId, scope, tags, text, trust } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
export const writeProblems = [memoryProblems.keyTaken, memoryProblems.scopeClosed, memoryProblems.quotaExceeded]

export const rememberResult = z.strictObject({
  index: z.number().int(),
  kind: z.enum(['fact', 'episode', 'procedure', 'working']),
  /** Of a fact, episode or procedure; a working item is named by its scope and key. */
  id: itemId.optional(),
  /** `touched`: the same was there; `replaced`: another value was current; `disputed`: a more trusted value stays current; `refused`: `problem` says why. */
  outcome: z.enum(['stored', 'touched', 'replaced', 'disputed', 'refused']),
  version: z.number().int().optional(),
  replacedIds: z.array(factId),
  warnings: z.array(z.string()),
  problem: z
    .strictObject({
      code: z.string(),
      detail: z.string(),
      status: z.number().int(),
      retryable: z.boolean(),
      errors: z.unknown().optional(),
    })
    .optional(),
})
export type RememberResult = z.output<typeof rememberResult>

export const rememberBody = z.strictObject({
  items: z.array(rememberItem).min(1).max(500),
  /** All or nothing. False: each item has its own outcome. */
  atomic: z.boolean().default(true),
})

const remember = operation({
  method: 'POST',
  path: '/v1/memory/remember',
  summary:
    'Stores facts, episodes, drafts of procedures and working items. What was stored already is touched, a new value replaces the old one of its key.',
  capability: 'memory:write',
  action: 'memory.write',
  body: rememberBody,
  output: z.strictObject({ results: z.array(rememberResult), durability: z.literal('durable') }),
  status: 201,
  bodyLimitBytes: 16_777_216,
  problems: writeProblems,
})

export const recallBody = z.strictObject({
  /** What is looked for, in words. Only stop words or none: the newest items. */
  query: text(8000),
  /** Of procedures the active ones. */
  kinds: z.array(itemKind).min(1).max(3).default(['fact', 'episode']),
  /** Default: all that the caller may read, with that of the named plan. */
  scopes: z.array(scope).min(1).max(8).optional(),
  /** Of facts. */
  collections: z.array(collection).min(1).max(32).optional(),
  /** An item has them all. */
  tags: tags.optional(),
  /** Of episodes, and of procedures with those of every agent. */
  agentId: text(128).optional(),
  /** Of episodes. */
  sessionId: text(128).optional(),
  /** Reads the scope of this plan too. */
  planId: planId.optional(),
  /** When an episode occurred or a fact began to hold. */
  from: instant.optional(),
  to: instant.optional(),
  /** What was believed then. */
  asOf: instant.optional(),
  /** What held then, as known now or at `asOf`. */
  validAt: instant.optional(),
  minRelevance: z.number().min(0).max(1).default(0),
  minTrust: trust.optional(),
  limit: z.number().int().min(1).max(50).default(10),
})
export type RecallInput = z.output<typeof recallBody>

export const recallHit = z.strictObject({
  item,
  score: z.number(),
  /** The matched share of the query's term weight, 0–1. */
  relevance: z.number(),
  /** Factors of the score: what the lexical rank gave, times the others. */
  parts: z.strictObject({
    lexical: z.number(),
    salience: z.number(),
    confidence: z.number(),
    recency: z.number(),
  }),
  ranks: z.strictObject({ lexical: z.number().int().optional() }),
  layer: z.enum(['episodic', 'semantic', 'procedural']),
  excerpt: z.string().max(600),
})
export type RecallHit = z.output<typeof recallHit>

const recall = operation({
  method: 'POST',
  path: '/v1/memory/recall',
  summary: 'Finds items by words among all that the caller may read, best first, each with the parts of its score.',
  ...read,
  body: recallBody,
  output: z.strictObject({
    hits: z.array(recallHit),
    /** Ways of searching that were left out because they were down or slow. */
    degraded: z.array(z.string()),
    isStale: z.boolean(),
    understood: z.strictObject({
      terms: z.array(z.string()),
      /** Words that no readable item has, with the words that were searched too. */
      corrected: z.array(z.strictObject({ from: z.string(), to: z.string() })),
    }),
    tookMs: z.number().int(),
  }),
})

const list = operation({
  method: 'GET',
  path: '/v1/memory/items',
  summary: 'Facts, episodes and procedures that the caller may read, newest first.',
  ...read,
  query: z.strictObject({
    ...pageQuery,
    kind: itemKind.optional(),
    scope: z.enum(['user', 'space', 'tenant', 'plan']).optional(),
    /** Reads the scope of this plan too. */
    planId: planId.optional(),
    status: z.enum(['live', 'superseded', 'disputed']).optional(),
    agentId: text(128).optional(),
    sessionId: text(128).optional(),
    tag: text(64).optional(),
    sourceRef: text(512).optional(),
    from: instant.optional(),
    to: instant.optional(),
  }),
  output: pageOf(item),
})

/** A plan's items are read where the plan is named and shown to the caller. */
export const ofPlan = z.strictObject({ planId: planId.optional() })
const params = z.strictObject({ itemId })

const get = operation({
  method: 'GET',
  path: '/v1/memory/items/{itemId}',
  summary: 'One fact, episode or procedure.',
  ...read,
  params,
  query: ofPlan,
  output: item,
})

const history = operation({
  method: 'GET',
  path: '/v1/memory/items/{itemId}/history',
  summary: 'All values that the key of a fact had, newest first, each with both clocks; of another item itself alone.',
  ...read,
  params,
  query: z.strictObject({ ...pageQuery, planId: planId.optional() }),
  output: pageOf(item),
})

const selector = z
  .strictObject({
    itemIds: z.array(itemId).min(1).max(1000).optional(),
    /** A person of the tenant, by the id of the user or principal. */
    subject: z.strictObject({ userId: text(128), spaceId: text(128, 0).optional() }).optional(),
    /** All that people of a space wrote, or of the tenant. Needs memory:manage. */
    everyone: z.strictObject({ spaceId: text(128, 0).optional() }).optional(),
    sessionId: text(128).optional(),
    planId: planId.optional(),
    sourceRef: text(512).optional(),
  })
  .refine((value) => Object.values(value).filter((member) => member !== undefined).length === 1, 'name exactly one')
  .meta({ minProperties: 1, maxProperties: 1 })

const forget = operation({
  method: 'POST',
  path: '/v1/memory/forget',
  summary:
    "Erases items with their words and links: named ones, a person's, those of a session, plan or source. What others own needs memory:manage.",
  capability: 'memory:forget',
  action: 'memory.forget',
  body: z.strictObject({
    select: selector,
    /** Counts what would go. */
    dryRun: z.boolean().default(false),
    reason: text(500).optional(),
  }),
  output: z.strictObject({
    dryRun: z.boolean(),
    counts: z.record(z.string(), z.number().int()),
    itemIds: z.array(itemId).max(1000),
  }),
})

export const itemsOperations = { remember, recall, list, get, history, forget } as const
