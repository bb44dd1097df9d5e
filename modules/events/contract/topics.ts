import { operation } from '@soma/kernel'
import * as z from 'zod'
import { topicSchema } from './envelope.ts'
import { unknownTopic } from './problems.ts'

export const aliasSchema = z.strictObject({
  name: z.string(),
  /** What reading by the alias adds: types, or a source. */
  types: z.array(z.string()),
  exceptTypes: z.array(z.string()),
  source: z.string().optional(),
})

export const topicDetailSchema = z.strictObject({
  topic: topicSchema,
  /** Whether tenants may define and publish types on it. */
  openToTenants: z.boolean(),
  retentionMs: z.number().int(),
  aliases: z.array(aliasSchema),
  partitions: z.array(z.strictObject({ part: z.number().int(), head: z.number().int(), oldest: z.number().int() })),
})

export const topicOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/events/topics',
    summary: 'Lists the topics with partitions, heads, retention and aliases.',
    capability: 'event:read',
    output: z.strictObject({ items: z.array(topicDetailSchema) }),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/events/topics/{topic}',
    summary: 'Reads one topic, by its name or an alias.',
    capability: 'event:read',
    params: z.strictObject({ topic: z.string().min(1).max(255) }),
    output: topicDetailSchema,
    problems: [unknownTopic],
  }),
}
