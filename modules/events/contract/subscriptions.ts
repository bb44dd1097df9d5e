import { commonProblems, idSchema, instant, operation, pageOf, pageQuery, parseVersionRange } from '@soma/kernel'
import * as z from 'zod'
import { eventTypeSchema, typeFilterSchema } from './envelope.ts'
import { positionTrimmed, unknownTopic } from './problems.ts'

const text = z.string().min(1).max(255).optional()
const topicName = z.string().min(1).max(255)

export const startAtSchema = z.union([
  z.enum(['latest', 'earliest']),
  z.strictObject({ time: instant }),
  z.strictObject({ sequence: z.string().regex(/^\d{1,3}-\d{1,16}$/, 'must be <part>-<position>'), topic: topicName }),
])

export const backoffSchema = z.strictObject({
  baseMs: z.number().int().min(1).max(3_600_000).default(1000),
  factor: z.number().min(1).max(10).default(2),
  maxMs: z.number().int().min(1).max(86_400_000).default(60_000),
})

const filterSchema = z.strictObject({
  planId: text,
  sessionId: text,
  correlationId: text,
  source: text,
  subject: text,
  userId: text,
})

const versionRange = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => parseVersionRange(text) !== undefined, 'must be a range of versions such as ^1 or >=1.2 <3')
/** Event type → the versions that the group understands; another version is not handed to it, and counted. A type that is not named comes in every version. */
const versionsSchema = z
  .record(eventTypeSchema, versionRange)
  .refine((versions) => Object.keys(versions).length <= 200, 'must be 200 types at most')

const changeable = {
  topics: z.array(topicName).min(1).max(12),
  /** Exact types, `a.b.*` or `*`. */
  types: z.array(typeFilterSchema).min(1).max(200).default(['*']),
  versions: versionsSchema.default({}),
  filter: filterSchema.default({}),
  /** One event of a key at a time, in log order. */
  ordered: z.boolean().default(true),
  leaseMs: z.number().int().min(1000).max(3_600_000).default(30_000),
  /** How often an event is tried before it is a dead letter. */
  maxAttempts: z.number().int().min(1).max(20).default(5),
  backoff: backoffSchema.default({ baseMs: 1000, factor: 2, maxMs: 60_000 }),
  /** What a dead letter does to its key: `continue` frees it, `block` keeps it parked until an operator replays or discards. */
  onDeadLetter: z.enum(['continue', 'block']).default('continue'),
  /** 0 = kept for ever, else removed after so long without a member. */
  idleTtlMs: z.number().int().min(0).max(31_536_000_000).default(0),
  /** How long the leases of a stream that broke wait for their member to come back. */
  memberGraceMs: z.number().int().min(0).max(600_000).default(10_000),
}

export const subscriptionInputSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9._-]{1,128}$/, 'must be 1 to 128 of a-z 0-9 . _ -'),
  /** `group`: its members share the events. `broadcast`: each member gets all of them, at a place of its own that is kept 24 h after it was last seen. */
  mode: z.enum(['group', 'broadcast']).default('group'),
  /** Where a new group begins to read; in a broadcast each member when it first joins, so no sequence there. */
  startAt: startAtSchema.default('latest'),
  ...changeable,
})

export type SubscriptionInput = z.input<typeof subscriptionInputSchema>

export const subscriptionSchema = z.strictObject({
  id: idSchema('sub'),
  name: z.string(),
  mode: z.enum(['group', 'broadcast']),
  startAt: startAtSchema,
  topics: z.array(z.string()),
  types: z.array(z.string()),
  versions: versionsSchema,
  filter: filterSchema,
  ordered: z.boolean(),
  leaseMs: z.number().int(),
  maxAttempts: z.number().int(),
  backoff: z.strictObject({ baseMs: z.number().int(), factor: z.number(), maxMs: z.number().int() }),
  onDeadLetter: z.enum(['continue', 'block']),
  idleTtlMs: z.number().int(),
  memberGraceMs: z.number().int(),
  state: z.enum(['active', 'paused', 'suspended']),
  ownerId: z.string(),
  createdAt: z.string(),
  version: z.number().int(),
})

export type Subscription = z.output<typeof subscriptionSchema>

const params = z.strictObject({ subscriptionId: idSchema('sub') })
const note = z.string().max(1000).optional()

export const subscriptionOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/events/subscriptions',
    summary: 'Creates a durable group of readers. A taken name is a conflict that carries its subscriptionId.',
    capability: 'event:subscribe',
    action: 'event.subscribe',
    body: subscriptionInputSchema,
    output: subscriptionSchema,
    status: 201,
    problems: [commonProblems.conflict, unknownTopic, positionTrimmed],
  }),
  list: operation({
    method: 'GET',
    path: '/v1/events/subscriptions',
    summary: 'Lists the subscriptions of the tenant: own ones, with subscription:manage or event:read all.',
    capability: 'event:subscribe',
    query: z.strictObject({ ...pageQuery, name: text }),
    output: pageOf(subscriptionSchema),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/events/subscriptions/{subscriptionId}',
    summary: 'Reads one subscription.',
    capability: 'event:subscribe',
    params,
    output: subscriptionSchema,
  }),
  update: operation({
    method: 'PATCH',
    path: '/v1/events/subscriptions/{subscriptionId}',
    summary: 'Changes what a subscription reads and how; its place in the log stays.',
    capability: 'event:subscribe',
    action: 'event.subscribe',
    params,
    body: z.strictObject(
      Object.fromEntries(Object.entries(changeable).map(([name, schema]) => [name, unwrapped(schema)])) as {
        [Name in keyof typeof changeable]: z.ZodOptional<
          (typeof changeable)[Name] extends z.ZodDefault<infer Inner> ? Inner : (typeof changeable)[Name]
        >
      },
    ),
    output: subscriptionSchema,
    ifMatch: true,
    problems: [commonProblems.versionConflict, unknownTopic],
  }),
  delete: operation({
    method: 'DELETE',
    path: '/v1/events/subscriptions/{subscriptionId}',
    summary: 'Deletes a subscription with its place and unfinished deliveries; dead letters stay.',
    capability: 'event:subscribe',
    params,
    ifMatch: true,
    problems: [commonProblems.versionConflict],
  }),
  pause: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/pause',
    summary: 'Stops handing out; deliveries in hand may finish.',
    capability: 'event:subscribe',
    params,
    body: z.strictObject({ note }),
    output: subscriptionSchema,
    status: 200,
  }),
  seek: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/seek',
    summary:
      'Moves a group in the log: back delivers again, forward skips. Unfinished deliveries end, late acks of them are lost; replayed dead letters stay.',
    capability: 'event:subscribe',
    action: 'event.subscribe',
    params,
    body: z.strictObject({ to: startAtSchema, note: z.string().min(1).max(1000) }),
    output: subscriptionSchema,
    status: 200,
    problems: [unknownTopic, positionTrimmed],
  }),
  resume: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/resume',
    summary: 'Goes on handing out from where it stopped.',
    capability: 'event:subscribe',
    params,
    body: z.strictObject({ note }),
    output: subscriptionSchema,
    status: 200,
  }),
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return (schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema).optional()
}
