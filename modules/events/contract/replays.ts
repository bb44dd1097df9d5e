import { commonProblems, idSchema, instant, operation } from '@soma/kernel'
import * as z from 'zod'
import { typeFilterSchema } from './envelope.ts'
import { moduleGroupSchema } from './dead-letters.ts'
import { positionTrimmed, unknownTopic } from './problems.ts'

const params = z.strictObject({ replayId: idSchema('rpl') })

/** Which events of the log; absent = any that the group reads. */
const filter = {
  topics: z.array(z.string().min(1).max(255)).min(1).max(12).optional(),
  types: z.array(typeFilterSchema).min(1).max(200).optional(),
  key: z.string().min(1).max(255).optional(),
  /** From the first recorded at or after this time; default: the oldest there is. */
  from: instant.optional(),
  /** To the last recorded before this time; default: now. */
  to: instant.optional(),
  /** Most events a second that are put before the group. */
  ratePerSecond: z.number().int().min(1).max(10_000).default(100),
  note: z.string().min(1).max(1000).optional(),
}

export const replayInputSchema = z
  .strictObject({
    subscriptionId: idSchema('sub').optional(),
    /** Instead of a subscription: the handlers of a module, `module:<name>`. */
    moduleGroup: moduleGroupSchema.optional(),
    ...filter,
    /** Counts alone. */
    dryRun: z.boolean().default(false),
  })
  .refine(
    ({ subscriptionId, moduleGroup }) => (subscriptionId === undefined) !== (moduleGroup === undefined),
    'name subscriptionId or moduleGroup',
  )

export const replaySchema = z.strictObject({
  id: idSchema('rpl'),
  /** The subscription, or the module's group (`module:<name>`). */
  target: z.string(),
  filter: z.strictObject(filter),
  dryRun: z.boolean(),
  state: z.enum(['running', 'completed', 'cancelled']),
  /** Events that were found so far; of a dry run all. */
  matched: z.number().int(),
  /** Those of them that are at their end: handled, or a dead letter. */
  delivered: z.number().int(),
  createdById: z.string(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
})

export const replayOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/events/replays',
    summary:
      'Delivers a stretch of the log again, to one group alone, beside live traffic: events carry replayid and the cursor stays.',
    capability: 'delivery:replay',
    action: 'delivery.replay',
    body: replayInputSchema,
    output: replaySchema,
    status: 202,
    problems: [commonProblems.conflict, unknownTopic, positionTrimmed],
  }),
  get: operation({
    method: 'GET',
    path: '/v1/events/replays/{replayId}',
    summary: 'Reads how far a replay is.',
    capability: 'delivery:replay',
    params,
    output: replaySchema,
  }),
  cancel: operation({
    method: 'POST',
    path: '/v1/events/replays/{replayId}/cancel',
    summary: 'Ends a replay: what it put before the group and nobody has in hand is taken back.',
    capability: 'delivery:replay',
    action: 'delivery.replay',
    params,
    output: replaySchema,
    status: 200,
    problems: [commonProblems.conflict],
  }),
}
