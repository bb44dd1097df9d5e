import { commonProblems, idSchema, instant, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { problemSummarySchema, storedEventSchema } from './envelope.ts'
import { schemaMismatch, unknownEventType } from './problems.ts'

const text = z.string().min(1).max(255).optional()
const note = z.string().min(1).max(1000)
const state = z.enum(['open', 'replaying', 'replayed', 'discarded'])
/** Checks and counts alone. */
const dryRun = z.boolean().default(false)
const params = z.strictObject({ deliveryId: idSchema('dlv') })

export const moduleGroupSchema = z
  .string()
  .regex(/^module:[a-z][a-z0-9-]*$/, 'must be module:<name>')
  .max(255)

const filters = {
  subscriptionId: idSchema('sub').optional(),
  /** The handlers of a module: `module:<name>`. */
  moduleGroup: moduleGroupSchema.optional(),
  topic: text,
  type: text,
  code: text,
  from: instant.optional(),
  to: instant.optional(),
}

export const attemptSchema = z.strictObject({
  at: z.string(),
  memberId: z.string().nullable(),
  durationMs: z.number().nullable(),
  problem: problemSummarySchema,
})

export const deadLetterSchema = z.strictObject({
  deliveryId: idSchema('dlv'),
  /** The subscription, or the module's group (`module:<name>`). */
  group: z.string(),
  topic: z.string(),
  type: z.string(),
  key: z.string(),
  eventId: z.string(),
  event: storedEventSchema,
  attempts: z.array(attemptSchema),
  problem: problemSummarySchema,
  /** Who had it last: a member's principal, or the module's group. Null: nobody. */
  handler: z.string().nullable(),
  traceparent: z.string().nullable(),
  firstFailedAt: z.string(),
  deadAt: z.string(),
  state,
  resolution: z.strictObject({ byId: z.string(), at: z.string(), note: z.string() }).nullable(),
})

export const causeSchema = z.strictObject({
  code: z.string(),
  type: z.string(),
  group: z.string(),
  count: z.number().int(),
  firstDeadAt: z.string(),
  lastDeadAt: z.string(),
})

export const deadLetterOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/events/dead-letters',
    summary: 'Lists dead letters, newest first.',
    capability: 'delivery:read',
    query: z.strictObject({ ...pageQuery, ...filters, state: state.optional() }),
    output: pageOf(deadLetterSchema),
  }),
  causes: operation({
    method: 'GET',
    path: '/v1/events/dead-letters/causes',
    summary: 'Open dead letters grouped by cause: problem code, type and group.',
    capability: 'delivery:read',
    query: z.strictObject(filters),
    output: z.strictObject({ items: z.array(causeSchema) }),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/events/dead-letters/{deliveryId}',
    summary: 'Reads one dead letter with its envelope and every attempt.',
    capability: 'delivery:read',
    params,
    output: deadLetterSchema,
  }),
  replay: operation({
    method: 'POST',
    path: '/v1/events/dead-letters/{deliveryId}/replay',
    summary:
      'Delivers a dead letter again, to its own group alone; edited data makes it a new event that the old one caused.',
    capability: 'delivery:replay',
    action: 'delivery.replay',
    params,
    body: z.strictObject({
      note,
      /** Instead of the event's data. It must fit the event's schema. */
      data: z.json().optional(),
      dryRun,
    }),
    output: deadLetterSchema,
    status: 202,
    problems: [commonProblems.conflict, commonProblems.payloadTooLarge, unknownEventType, schemaMismatch],
  }),
  replayMany: operation({
    method: 'POST',
    path: '/v1/events/dead-letters/replay',
    summary: 'Delivers the open dead letters that a filter finds again, each to its own group alone.',
    capability: 'delivery:replay',
    action: 'delivery.replay',
    body: z.strictObject({
      filter: z
        .strictObject(filters)
        .refine((filter) => Object.keys(filter).length > 0, 'name one filter at least')
        .meta({ minProperties: 1 }),
      note,
      max: z.number().int().min(1).max(1000).default(100),
      /** Spreads them over time; absent: all at once. */
      ratePerSecond: z.number().int().min(1).max(1000).optional(),
      dryRun,
    }),
    /** `handlers`: who would do, or does, its work again. */
    output: z.strictObject({
      matched: z.number().int(),
      replayed: z.number().int(),
      handlers: z.array(z.strictObject({ group: z.string(), handler: z.string().nullable(), count: z.number().int() })),
    }),
    status: 202,
  }),
  purge: operation({
    method: 'DELETE',
    path: '/v1/events/dead-letters',
    summary: 'Deletes the dead letters that a filter finds, with a note that says why; never all by omission.',
    capability: 'delivery:purge',
    action: 'delivery.purge',
    query: z
      .strictObject({ ...filters, state: z.enum(['open', 'replayed', 'discarded']).optional(), note })
      .refine(({ note: _note, ...filter }) => Object.keys(filter).length > 0, 'name one filter at least'),
    output: z.strictObject({ purged: z.number().int() }),
    status: 200,
  }),
  discard: operation({
    method: 'POST',
    path: '/v1/events/dead-letters/{deliveryId}/discard',
    summary: 'Gives a dead letter up, with a note that says why.',
    capability: 'delivery:replay',
    action: 'delivery.discard',
    params,
    body: z.strictObject({ note }),
    output: deadLetterSchema,
    status: 200,
    problems: [commonProblems.conflict],
  }),
}
