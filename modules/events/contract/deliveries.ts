import { idSchema, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { listedEventSchema, problemSummarySchema, storedEventSchema } from './envelope.ts'
import { unknownTopic } from './problems.ts'

/** Entries of one settle, all kinds together; more is 422. */
export const SETTLE_LIMIT = 500
/** Events that one ack may publish. */
export const EMITS_LIMIT = 100

const params = z.strictObject({ subscriptionId: idSchema('sub') })
/** Kept by the client over reconnects: who comes back with it gets its leased deliveries again. */
const memberId = z.uuid()
/** Any text: what is no id of a delivery here is answered `lost`, like a foreign one. */
const deliveryId = z.string().min(1).max(64)
const attempt = z.number().int().min(1).max(100)

export const deliverySchema = z.strictObject({
  deliveryId: idSchema('dlv'),
  attempt: z.number().int(),
  leaseUntil: z.string(),
  /** True where this member, or an earlier attempt, may have seen it before. */
  redelivered: z.boolean(),
  event: storedEventSchema,
})

export const ackSchema = z.strictObject({
  deliveryId,
  attempt,
  /** Published in the same transaction as the ack, or neither. */
  emits: z.array(listedEventSchema).max(EMITS_LIMIT).default([]),
})

export const nackSchema = z.strictObject({
  deliveryId,
  attempt,
  /** Default: the backoff of the subscription. */
  retryAfterMs: z.number().int().min(0).max(86_400_000).optional(),
  problem: problemSummarySchema.optional(),
  /** Straight to the dead letters. */
  dead: z.boolean().optional(),
  /** Hands the delivery back unhandled: no attempt is burned and no backoff waits. */
  release: z.boolean().optional(),
})

const extendSchema = z.strictObject({ deliveryId, attempt, leaseMs: z.number().int().min(1).max(3_600_000) })

export const settleBodySchema = z
  .strictObject({
    memberId,
    acks: z.array(ackSchema).default([]),
    nacks: z.array(nackSchema).default([]),
    extends: z.array(extendSchema).default([]),
    /** New credits of the member; 0 drains it. */
    credits: z.number().int().min(0).max(1000).optional(),
  })
  .refine((body) => body.acks.length + body.nacks.length + body.extends.length <= SETTLE_LIMIT, {
    message: `a settle has ${SETTLE_LIMIT} entries at most`,
  })

export const settledSchema = z.strictObject({
  settled: z.array(z.string()),
  /** The lease is not this member's (any more), or there is no such delivery: nothing of it was done, no emit exists. */
  lost: z.array(z.strictObject({ deliveryId: z.string(), reason: z.enum(['expired', 'unknown']) })),
  /** An emit was refused: the lease stands as it was. */
  refused: z.array(z.strictObject({ deliveryId: z.string(), problem: problemSummarySchema })),
  extended: z.array(z.strictObject({ deliveryId: z.string(), leaseUntil: z.string() })),
})

export const deliveryRowSchema = z.strictObject({
  deliveryId: idSchema('dlv'),
  subscriptionId: idSchema('sub'),
  topic: z.string(),
  key: z.string(),
  attempt: z.number().int(),
  memberId: z.string().nullable(),
  leaseUntil: z.string().nullable(),
  dueAt: z.string(),
  state: z.enum(['leased', 'retrying', 'parked']),
  sequence: z.string(),
})

export const deliveryContextSchema = z.strictObject({
  eventId: z.string(),
  correlationId: z.string().optional(),
  userId: z.string().optional(),
  spaceId: z.string(),
  sessionId: z.string().optional(),
  planId: z.string().optional(),
  taskId: z.string().optional(),
  leaseUntil: z.string(),
})

export const deliveryOperations = {
  stream: operation({
    method: 'GET',
    path: '/v1/events/subscriptions/{subscriptionId}/stream',
    summary: 'Joins the group as a member and receives deliveries as SSE, as many unsettled ones as there are credits.',
    capability: 'event:subscribe',
    params,
    query: z.strictObject({
      memberId,
      credits: z.coerce.number().int().min(1).max(1000).default(10),
      agentInstanceId: z.string().max(128).optional(),
    }),
    stream: {
      delivery: deliverySchema,
      'lease-lost': z.strictObject({ deliveryId: idSchema('dlv'), reason: z.enum(['expired', 'replaced', 'revoked']) }),
    },
  }),
  pull: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/pull',
    summary: 'Takes up to `max` deliveries, waiting up to `waitMs` for the first.',
    capability: 'event:subscribe',
    params,
    body: z.strictObject({
      memberId,
      max: z.number().int().min(1).max(100).default(10),
      waitMs: z.number().int().min(0).max(30_000).default(0),
    }),
    output: z.strictObject({ deliveries: z.array(deliverySchema) }),
    waits: true,
    status: 200,
  }),
  settle: operation({
    method: 'POST',
    path: '/v1/events/subscriptions/{subscriptionId}/settle',
    summary: 'Acknowledges, refuses or extends deliveries in one transaction with the events that acks publish.',
    capability: 'event:subscribe',
    params,
    body: settleBodySchema,
    output: settledSchema,
    status: 200,
    bodyLimitBytes: 8 * 1024 * 1024,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/events/subscriptions/{subscriptionId}/deliveries',
    summary: 'Lists the unfinished deliveries of a subscription in log order.',
    capability: 'event:read',
    params,
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(['leased', 'retrying', 'parked']).optional(),
      key: z.string().max(255).optional(),
    }),
    output: pageOf(deliveryRowSchema),
  }),
  context: operation({
    method: 'GET',
    path: '/v1/events/deliveries/{deliveryId}/context',
    summary: 'Whose work a delivery is, while it is leased to the calling principal: for `Soma-Delivery`.',
    capability: 'internal',
    params: z.strictObject({ deliveryId: z.string().min(1).max(64) }),
    output: deliveryContextSchema,
  }),
}

export const lagOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/events/lag',
    summary: 'How far each subscription is behind, by partition.',
    capability: 'event:read',
    query: z.strictObject({ subscriptionId: idSchema('sub').optional(), topic: z.string().max(255).optional() }),
    output: z.strictObject({
      /** Age of the oldest unsettled event from which a group lags. */
      lagSloMs: z.number().int(),
      items: z.array(
        z.strictObject({
          subscriptionId: idSchema('sub'),
          name: z.string(),
          /** Whose place, of a broadcast subscription. */
          memberId: z.string().optional(),
          topic: z.string(),
          part: z.number().int(),
          head: z.number().int(),
          position: z.number().int(),
          lag: z.number().int(),
          /** Age of the oldest unsettled event; null where nothing waits. */
          oldestAgeMs: z.number().int().nullable(),
          inFlight: z.number().int(),
          retrying: z.number().int(),
          parked: z.number().int(),
          deadLetters: z.number().int(),
          /** Measured every 10 s: an event that it wants is older than lagSloMs, or more than 10,000 events wait. */
          isLagging: z.boolean(),
        }),
      ),
    }),
    problems: [unknownTopic],
  }),
}

export const connectionOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/events/connections',
    summary: 'The members and tails of the tenant that are connected to this process.',
    capability: 'event:read',
    output: z.strictObject({
      items: z.array(
        z.strictObject({
          kind: z.enum(['member', 'tail']),
          principalId: z.string(),
          subscriptionId: idSchema('sub').optional(),
          memberId: z.string().optional(),
          credits: z.number().int().optional(),
          inFlight: z.number().int().optional(),
          agentInstanceId: z.string().optional(),
          connectedAt: z.string(),
        }),
      ),
    }),
  }),
}
