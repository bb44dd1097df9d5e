import type { Json } from '@soma/kernel'
import * as z from 'zod'
import { dto } from '../wire/dto.ts'
import { document } from './dtos.ts'

const id = z.string().min(1).max(100)
const content = z.string().min(1).max(65_536)
const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)
const words = z.string().min(1).max(8000)
const flag = z
  .enum(['true', 'false', 'True', 'False', '1', '0'])
  .default('true')
  .transform((text) => ['true', 'True', '1'].includes(text))

export const knowledgeCreate = dto({
  content,
  externalId: z.string().min(1).max(255).nullish(),
  isPublic: z.boolean().default(false),
  metadata: document.default({}),
  tags: z.array(z.string().max(255)).max(100).nullish(),
  source: z.string().max(512).nullish(),
})
export type KnowledgeCreate = z.output<typeof knowledgeCreate>
export const knowledgeQuery = z.object({ query: words, limit: limit(50, 5), include_public: flag })
export const knowledgeSearch = z.object({ q: words, limit: limit(50, 5) })

const stored = { id: z.string(), tenantId: z.string(), userId: z.string(), createdAt: z.string() }
const score = z.number().nullable()
export const knowledgeAnswer = z.strictObject({
  ...stored,
  content: z.string(),
  externalId: z.string().nullable(),
  isPublic: z.boolean(),
  metadata: document,
  updatedAt: z.string(),
  score,
})

export const EPISODE_ROLES = ['user', 'assistant', 'system', 'tool'] as const
export const episodeCreate = dto({
  agentId: id,
  role: z.enum(EPISODE_ROLES),
  content: z.string().min(1).max(262_144),
  metadata: document.default({}),
})
export type EpisodeCreate = z.output<typeof episodeCreate>
export const recentQuery = z.object({ agent_id: id, limit: limit(100, 10) })
export const episodeSearch = z.object({ agent_id: id, q: words, limit: limit(50, 5) })
export const episodeAnswer = z.strictObject({
  ...stored,
  agentId: z.string(),
  role: z.enum(EPISODE_ROLES),
  content: z.string(),
  metadata: document,
  score,
})

export const skillsQuery = z.object({ agent_id: id, q: words, limit: limit(20, 3) })
export const procedureAnswer = z.strictObject({
  ...stored,
  agentId: z.string(),
  triggerCondition: z.string(),
  procedureType: z.enum(['system_prompt', 'few_shot_example']),
  content: z.string(),
  score,
})

/** Any JSON, null included. */
export const workingPut = z.object({ value: z.json() as unknown as z.ZodType<Json, Json> })
export const workingAnswer = z.strictObject({
  id: z.string(),
  tenantId: z.string(),
  planId: z.string(),
  key: z.string(),
  value: z.json() as unknown as z.ZodType<Json, Json>,
  updatedAt: z.string(),
})
export const workingDeleted = z.strictObject({ success: z.boolean(), deleted: z.boolean(), message: z.string() })
export const workingCleared = z.strictObject({
  success: z.boolean(),
  countDeleted: z.number().int(),
  message: z.string(),
})

export const sessionCreate = dto({
  sessionId: id,
  name: z.string().max(255).nullish(),
  metadata: document
    .refine((value) => JSON.stringify(value).length <= 16_384, 'has at most 16384 characters of JSON')
    .default({}),
})
export type SessionCreate = z.output<typeof sessionCreate>
export const sessionQuery = z.object({ limit: limit(100, 20) })
export const sessionAnswer = z.strictObject({
  tenantId: z.string(),
  userId: z.string(),
  sessionId: z.string(),
  name: z.string().nullable(),
  metadata: document,
  createdAt: z.string(),
  lastInteraction: z.string(),
})
