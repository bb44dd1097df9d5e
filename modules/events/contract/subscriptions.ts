import { commonProblems, idSchema, instant, operation, pageOf, pageQuery, parseVersionRange } from '@soma/kernel'
import * as z from 'zod'
import { eventTypeSchema, typeFilterSchema } from './envelope.ts'
import { addressRefused, handshakeFailed, positionTrimmed, unknownTopic } from './problems.ts'

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

const pushUrl = z.url().max(2048)
/** `cloudevent`: the event as `application/cloudevents+json`. `data`: its data as they are, attributes as `ce-` headers. */
const pushFormat = z.enum(['cloudevent', 'data'])
/** How a post is signed, by Standard Webhooks: `hmac` with a secret that both know (`v1`), `ed25519` with a key whose public half the target knows (`v1a`). */
const pushSigning = z.enum(['hmac', 'ed25519'])

const pushInputSchema = z.strictObject({
  /** https. It answers the CloudEvents web-hook handshake (`OPTIONS`) before the subscription is made. */
  url: pushUrl,
  format: pushFormat.default('cloudevent'),
  signing: pushSigning.default('hmac'),
})

export const pushSchema = z.strictObject({
  url: z.string(),
  format: pushFormat,
  signing: pushSigning,
  /** Names the key that signs now; another name = it was rotated. */
  secretRef: z.string(),
  /** Of `ed25519`: `whpk_` and the public key in base64. */
  publicKey: z.string().optional(),
  /** When the target last proved that it wants to be called. */
  verifiedAt: z.string(),
})

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
  /** The server itself is the one member and posts each delivery there. `maxAttempts` and `backoff` are then those of the push schedule: 9 attempts over 21 hours. */
  push: pushInputSchema.optional(),
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
  push: pushSchema.optional(),
  state: z.enum(['active', 'paused', 'suspended']),
  ownerId: z.string(),
  createdAt: z.string(),
  version: z.number().int(),
})

export type Subscription = z.output<typeof subscriptionSchema>

/** With the secret of `hmac` (`whsec_…`), which no other answer shows. */
const issuedSubscriptionSchema = z.strictObject({
  ...subscriptionSchema.shape,
  push: z.strictObject({ ...pushSchema.shape, secret: z.string().optional() }).optional(),
})

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
    output: issuedSubscriptionSchema,
    status: 201,
    secret: true,
    problems: [commonProblems.conflict, unknownTopic, positionTrimmed, addressRefused, handshakeFailed],
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
    body: z.strictObject({
      ...(Object.fromEntries(Object.entries(changeable).map(([name, schema]) => [name, unwrapped(schema)])) as {
        [Name in keyof typeof changeable]: z.ZodOptional<
          (typeof changeable)[Name] extends z.ZodDefault<infer Inner> ? Inner : (typeof changeable)[Name]
        >
      }),
      /** Of a subscription that is pushed. Another address proves itself first. */
      push: z.strictObject({ url: pushUrl.optional(), format: pushFormat.optional() }).optional(),
    }),
    output: subscriptionSchema,
    ifMatch: true,
    problems: [commonProblems.versionConflict, unknownTopic, addressRefused, handshakeFailed],
  }),
  rotateSecret: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/rotate-secret',
    summary:
      'Makes another signing key for a pushed subscription; until the overlap ends posts are signed with both. A secret is in this answer alone.',
    capability: 'event:subscribe',
    action: 'event.subscribe',
    params,
    body: z.strictObject({
      /** Default: as it is. */
      signing: pushSigning.optional(),
      overlapMs: z.number().int().min(0).max(86_400_000).default(86_400_000),
    }),
    output: issuedSubscriptionSchema,
    status: 200,
    secret: true,
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
