import { instant } from '@soma/kernel'
import * as z from 'zod'
import { jsonObjectOf, jsonOf } from './json-value.ts'
import {
  collection,
  episodeId,
  factId,
  itemId,
  language,
  linkId,
  planId,
  procedureId,
  scope,
  share,
  source,
  sourceInput,
  tags,
  text,
  textOfBytes,
  trust,
} from './words.ts'

const KIB = 1024
export const metadata = jsonObjectOf(16 * KIB)
export const factContent = textOfBytes(64 * KIB)
export const EPISODE_ROLES = ['user', 'assistant', 'system', 'tool', 'event', 'summary'] as const
export const episodeRole = z.enum(EPISODE_ROLES)
export const factForm = z.enum(['statement', 'passage', 'summary'])
export const FACT_STATUSES = ['live', 'superseded', 'disputed'] as const
export const factStatus = z.enum(FACT_STATUSES)

const common = {
  scope: scope.default({ type: 'user' }),
  tags: tags.default([]),
  metadata: metadata.default({}),
  importance: share.default(0.5),
  source: sourceInput.default({}),
  expiresAt: instant.optional(),
  language: language.default('en'),
}

const factFields = {
  ...common,
  content: factContent,
  form: factForm.default('statement'),
  collection: collection.default('default'),
  /** The key of the fact: new content under the same id supersedes the old. */
  externalId: text(255).optional(),
  /** With `predicate` a slot, which holds one current value unless `exclusive` is false. */
  subject: text(255).optional(),
  predicate: text(255).optional(),
  exclusive: z.boolean().default(true),
  confidence: share.default(1),
  /** Since when it holds; default: now. */
  validFrom: instant.optional(),
  validTo: instant.optional(),
  /** The value before was never true: it leaves the past too. */
  corrects: z.boolean().default(false),
}

interface FactTimes {
  readonly subject?: string | undefined
  readonly predicate?: string | undefined
  readonly validFrom?: string | undefined
  readonly validTo?: string | undefined
}

/** What fields say together. */
function checkFact(fact: FactTimes, context: z.RefinementCtx): void {
  if ((fact.subject === undefined) !== (fact.predicate === undefined)) {
    const missing = fact.subject === undefined ? 'subject' : 'predicate'
    context.addIssue({ code: 'custom', path: [missing], message: 'a slot has both, subject and predicate' })
  }
  const { validFrom, validTo } = fact
  if (validFrom !== undefined && validTo !== undefined && Date.parse(validTo) < Date.parse(validFrom))
    context.addIssue({ code: 'custom', path: ['validTo'], message: 'must not be before validFrom' })
}

export const createFact = z.strictObject(factFields).superRefine(checkFact)

const episodeFields = {
  ...common,
  agentId: text(128),
  sessionId: text(128).optional(),
  planId: planId.optional(),
  taskId: text(128).optional(),
  role: episodeRole,
  content: textOfBytes(256 * KIB),
  /** Default: now; at most 5 minutes ahead. */
  occurredAt: instant.optional(),
}
export const createEpisode = z.strictObject(episodeFields)

export const PROCEDURE_TYPES = ['system-prompt', 'few-shot', 'rule', 'skill'] as const
export const procedureType = z.enum(PROCEDURE_TYPES)
export const PROCEDURE_STATUSES = ['draft', 'active', 'retired'] as const
export const procedureStatus = z.enum(PROCEDURE_STATUSES)
export const procedureName = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be lower-case letters, digits and -')

const procedureFields = {
  ...common,
  /** `*`: of every agent. */
  agentId: text(128),
  name: procedureName,
  type: procedureType,
  /** When it is of use, in words. */
  trigger: text(1000),
  content: textOfBytes(64 * KIB),
  /** JSON Schema of what it takes. */
  parameters: jsonObjectOf(16 * KIB).optional(),
  /** The share of tasks that it serves as a draft, in place of the active version. */
  trialShare: z.number().min(0).max(0.5).optional(),
}
export const createProcedure = z.strictObject(procedureFields)
export type ProcedureInput = z.output<typeof createProcedure>

export const workingKey = text(200)
export const workingValue = jsonOf(256 * KIB)
export const ttlMs = z.number().int().min(1).max(31_622_400_000)

/** One item of a batch. */
export const rememberItem = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fact').optional(), ...factFields }).superRefine(checkFact),
  z.strictObject({ kind: z.literal('episode'), ...episodeFields }),
  z.strictObject({ kind: z.literal('procedure'), ...procedureFields }),
  z.strictObject({
    kind: z.literal('working'),
    scope: scope.default({ type: 'user' }),
    key: workingKey,
    value: workingValue,
    ttlMs: ttlMs.optional(),
    keep: z.boolean().default(false),
  }),
])
export type RememberItem = z.output<typeof rememberItem>
export type FactInput = z.output<typeof createFact>
export type EpisodeInput = z.output<typeof createEpisode>

const everyItem = {
  scope,
  /** `<space>/<user or principal>` that wrote it. */
  ownerId: z.string(),
  content: z.string(),
  contentHash: z.string(),
  language: z.string(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  importance: z.number(),
  trust,
  source: source.optional(),
  recordedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
}

export const fact = z.strictObject({
  kind: z.literal('fact'),
  id: factId,
  ...everyItem,
  form: factForm,
  collection: z.string(),
  status: factStatus,
  externalId: z.string().optional(),
  subject: z.string().optional(),
  predicate: z.string().optional(),
  exclusive: z.boolean(),
  confidence: z.number(),
  validFrom: z.iso.datetime(),
  validTo: z.iso.datetime().optional(),
  /** When we learnt of `validTo`. */
  closedAt: z.iso.datetime().optional(),
  supersededAt: z.iso.datetime().optional(),
  replacedBy: factId.optional(),
  updatedAt: z.iso.datetime(),
  version: z.number().int(),
})
export type Fact = z.output<typeof fact>

export const episode = z.strictObject({
  kind: z.literal('episode'),
  id: episodeId,
  ...everyItem,
  agentId: z.string(),
  sessionId: z.string().optional(),
  planId: planId.optional(),
  taskId: z.string().optional(),
  role: episodeRole,
  /** Order of recording. */
  seq: z.number().int(),
  occurredAt: z.iso.datetime(),
})
export type Episode = z.output<typeof episode>

export const procedure = z.strictObject({
  kind: z.literal('procedure'),
  id: procedureId,
  ...everyItem,
  agentId: z.string(),
  name: z.string(),
  /** Of this name in its scope for this agent. */
  version: z.number().int(),
  type: procedureType,
  status: procedureStatus,
  trigger: z.string(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  trialShare: z.number().optional(),
  /** Outcomes that were told of this version, and the useful ones among them. */
  uses: z.number().int(),
  wins: z.number().int(),
  /** The principal that activated it last. */
  approvedBy: z.string().optional(),
  activatedAt: z.iso.datetime().optional(),
  updatedAt: z.iso.datetime(),
})
export type Procedure = z.output<typeof procedure>

export const item = z.discriminatedUnion('kind', [fact, episode, procedure])
export type Item = z.output<typeof item>

export const workingItem = z.strictObject({
  scope,
  key: z.string(),
  value: z.unknown(),
  keep: z.boolean(),
  version: z.number().int(),
  /** The principal that wrote last. */
  writer: z.string(),
  updatedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
})
export type WorkingItem = z.output<typeof workingItem>

export const relation = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be a relation such as derived-from')
export const link = z.strictObject({
  id: linkId,
  scope,
  ownerId: z.string(),
  fromId: itemId,
  relation,
  toId: itemId,
  strength: z.number(),
  properties: z.record(z.string(), z.unknown()),
  validFrom: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})
export type Link = z.output<typeof link>
