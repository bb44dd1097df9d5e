import { idSchema } from '@soma/kernel'
import * as z from 'zod'

export const text = (max: number, min = 1) => z.string().min(min).max(max)

/** Text of at most so many bytes in UTF-8. */
export const textOfBytes = (max: number) =>
  text(max).refine((value) => new TextEncoder().encode(value).length <= max, `must have at most ${max} bytes`)

export const factId = idSchema('fact')
export const episodeId = idSchema('epi')
export const procedureId = idSchema('proc')
export const linkId = idSchema('link')
export const planId = idSchema('plan')

/** The id of a fact, an episode or a procedure. */
export const itemId = z
  .string()
  .regex(/^(?:fact|epi|proc)_[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'must be a fact_, epi_ or proc_ id')
  .meta({ examples: ['fact_01h455vb4pex5vsknk084sn02q'] })

export const ITEM_KINDS = ['fact', 'episode', 'procedure'] as const
export const itemKind = z.enum(ITEM_KINDS)
export type ItemKind = z.output<typeof itemKind>

/** From whom an item may be read: its user alone, who works in a plan, a space, or the whole tenant. */
export const scope = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('user') }),
  z.strictObject({ type: z.literal('plan'), id: planId }),
  z.strictObject({ type: z.literal('space') }),
  z.strictObject({ type: z.literal('tenant') }),
])
export type Scope = z.output<typeof scope>

/** Least to most believed. */
export const TRUSTS = ['untrusted', 'low', 'normal', 'trusted', 'verified'] as const
export const trust = z.enum(TRUSTS)
export type Trust = z.output<typeof trust>

export const SOURCE_KINDS = ['human', 'agent', 'tool', 'document', 'event', 'import', 'consolidation'] as const
export const sourceKind = z.enum(SOURCE_KINDS)
export type SourceKind = z.output<typeof sourceKind>

/** Where an item comes from. The writer says kind and reference; who and in which trace is known. */
export const sourceInput = z.strictObject({ kind: sourceKind.optional(), ref: text(512).optional() })
export const source = z.strictObject({
  kind: sourceKind,
  ref: z.string(),
  actor: z.string().optional(),
  traceId: z.string().optional(),
  correlationId: z.string().optional(),
  constitutionHash: z.string().optional(),
})

export const tags = z.array(text(64)).max(32)
export const share = z.number().min(0).max(1)
export const collection = text(64)
/** BCP 47. */
export const language = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/, 'must be a BCP 47 tag such as en')
