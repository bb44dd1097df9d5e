import { operation } from '@soma/kernel'
import * as z from 'zod'
import { recallBody } from './items-operations.ts'
import { itemId, planId, source, text, trust } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const

export const retrieveBody = recallBody.extend({
  /** Passages. */
  limit: z.number().int().min(1).max(20).default(6),
  /** Of all passages together, as estimated without a model: `tokens` of each counts into it. */
  budgetTokens: z.number().int().min(64).max(32_000).default(1500),
})
export type RetrieveInput = z.output<typeof retrieveBody>

export const retrievedPassage = z.strictObject({
  /** 1 for the best. */
  n: z.number().int(),
  text: z.string(),
  tokens: z.number().int(),
  score: z.number(),
  /** What it is made of, in the order of its text. */
  itemIds: z.array(itemId).min(1),
  source: source.optional(),
  /** Of its least trusted item. */
  trust,
  validFrom: z.iso.datetime(),
  validTo: z.iso.datetime().optional(),
})
export type RetrievedPassage = z.output<typeof retrievedPassage>

export const retrieve = operation({
  method: 'POST',
  path: '/v1/memory/retrieve',
  summary:
    'Passages for an answer: neighbours joined, near duplicates dropped, numbered and cited, never over the budget; and whether they answer at all.',
  ...read,
  body: retrieveBody,
  output: z.strictObject({
    passages: z.array(retrievedPassage),
    /** Whether the best relevance reaches `memory.answerThreshold`. */
    answerable: z.boolean(),
    bestRelevance: z.number(),
    degraded: z.array(z.string()),
  }),
})

export const SECTIONS = ['procedures', 'summary', 'facts', 'episodes', 'working'] as const
export const sectionKind = z.enum(SECTIONS)
export type SectionKind = z.output<typeof sectionKind>

export const contextBody = z.strictObject({
  budgetTokens: z.number().int().min(128).max(200_000),
  /** What facts and episodes are chosen for. Without it: the newest. */
  query: text(8000).optional(),
  /** Whose procedures and episodes. Without it: procedures of every agent. */
  agentId: text(128).optional(),
  /** Of episodes. */
  sessionId: text(128).optional(),
  /** Reads the scope of this plan too, and its working memory. */
  planId: planId.optional(),
  /** What goes in, always in the order procedures, summary, facts, episodes, working. Default: all. What one leaves of its share the next one has. */
  sections: z
    .array(z.strictObject({ kind: sectionKind, share: z.number().min(0).max(1).optional() }))
    .min(1)
    .max(SECTIONS.length)
    .refine((sections) => new Set(sections.map(({ kind }) => kind)).size === sections.length, 'each kind once')
    .optional(),
  minTrust: trust.optional(),
})
export type ContextInput = z.output<typeof contextBody>

const citation = z.strictObject({
  n: z.number().int(),
  itemId: itemId.optional(),
  /** Of a working item of the plan, which has no id. */
  workingKey: z.string().optional(),
  trust: trust.optional(),
})

export const builtContext = z.strictObject({
  blocks: z.array(
    z.strictObject({ kind: sectionKind, text: z.string(), tokens: z.number().int(), itemIds: z.array(itemId) }),
  ),
  /** The blocks as a model reads them: data in fences that no text in them can close, each line with the number of its citation. */
  text: z.string(),
  /** Of the text, never over the budget. */
  tokens: z.number().int(),
  /** Of the procedures and summaries at its beginning, which do not depend on the query. */
  stableTokens: z.number().int(),
  citations: z.array(citation),
  /** What was chosen and is not in it, or not as a whole. At most 100. */
  dropped: z.array(z.strictObject({ itemId, why: z.enum(['budget', 'cut', 'duplicate']) })).max(100),
  /** The least trusted of what is in it. */
  minTrust: trust.optional(),
  degraded: z.array(z.string()),
})
export type BuiltContext = z.output<typeof builtContext>

const build = operation({
  method: 'POST',
  path: '/v1/memory/context',
  summary: 'What a model should know for its next step, cited and fenced, never over the budget.',
  ...read,
  body: contextBody,
  output: builtContext,
})

export const contextOperations = { build } as const
