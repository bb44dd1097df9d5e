import { operation } from '@soma/kernel'
import * as z from 'zod'
import { topicSchema } from './envelope.ts'
import { unknownTopic } from './problems.ts'
import { maxEventBytes, retentionMs } from './settings.ts'

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
  maxEventBytes: z.number().int(),
  aliases: z.array(aliasSchema),
  /** When the oldest event that can still be read was recorded; null where there is none. */
  oldestAt: z.string().nullable(),
  /** What the topic takes in the database with its indexes; of a log outside it, what the copy for queries takes. */
  bytes: z.number().int(),
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
  update: operation({
    method: 'PATCH',
    path: '/v1/events/topics/{topic}',
    summary:
      'Sets retention and largest event of a topic for all tenants, in every process; null goes back to the configuration. In the tenant platform alone.',
    capability: 'topic:manage',
    action: 'topic.update',
    params: z.strictObject({ topic: topicSchema }),
    body: z
      .strictObject({
        retentionMs: retentionMs.nullable().optional(),
        maxEventBytes: maxEventBytes.nullable().optional(),
      })
      .refine((changes) => Object.keys(changes).length > 0, 'name what to change')
      .meta({ minProperties: 1 }),
    output: topicDetailSchema,
  }),
}
