import { instant, TOPICS } from '@soma/kernel'
import * as z from 'zod'

const TYPE = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/
const TYPE_FILTER = /^(\*|[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*(\.\*)?)$/
const EXTENSION = /^[a-z0-9]{1,20}$/

/** The most unknown extension attributes an event carries, and the most UTF-8 bytes of each (EVT-R2). */
export const EXTENSION_LIMITS = { count: 20, bytes: 255 } as const

const reference = z.string().min(1).max(128)
const mediaType = z
  .string()
  .regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'must be a media type')
  .max(255)

const fitsExtension = (value: string) => new TextEncoder().encode(value).length <= EXTENSION_LIMITS.bytes
const extensionValue = z.union([
  z.string().refine(fitsExtension, 'must be 255 bytes at most'),
  z.number().int(),
  z.boolean(),
])

export const topicSchema = z.enum(TOPICS)
export const eventTypeSchema = z
  .string()
  .max(255)
  .regex(TYPE, 'must be lower-case segments joined by dots, two at least')
/** An exact type, `a.b.*`, or `*`. */
export const typeFilterSchema = z
  .string()
  .max(255)
  .regex(TYPE_FILTER, 'must be an event type, a prefix that ends in .*, or *')

const eventFields = {
  id: reference.optional(),
  source: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s<>"{}|\\^`]+$/, 'must be a URI reference')
    .optional(),
  type: eventTypeSchema,
  /** A topic or an alias of one. */
  topic: z.string().min(1).max(255).optional(),
  time: instant.optional(),
  subject: z.string().min(1).max(255).optional(),
  dataContentType: mediaType.optional(),
  dataSchema: z.string().min(1).max(1024).optional(),
  data: z.json().optional(),
  dataBase64: z.base64().optional(),
  dataRef: z.string().min(1).max(1024).optional(),
  tenantId: reference.optional(),
  userId: reference.optional(),
  spaceId: z.string().max(128).optional(),
  sessionId: reference.optional(),
  planId: reference.optional(),
  taskId: reference.optional(),
  goalId: reference.optional(),
  personaId: reference.optional(),
  capsuleId: reference.optional(),
  correlationId: reference.optional(),
  causationId: reference.optional(),
  traceparent: z.string().max(255).optional(),
  tracestate: z.string().max(512).optional(),
  responseType: eventTypeSchema.optional(),
  responseTopic: z.string().min(1).max(255).optional(),
  responseSchema: z.string().min(1).max(1024).optional(),
  outcome: z.enum(['ok', 'failed']).optional(),
  partitionKey: z.string().min(1).max(255).optional(),
  expiryTime: instant.optional(),
  deliverAt: instant.optional(),
  /** CloudEvents extension attributes the platform does not know. */
  extensions: z
    .record(z.string().regex(EXTENSION, 'must be 1 to 20 lower-case letters or digits'), extensionValue)
    .refine((record) => Object.keys(record).length <= EXTENSION_LIMITS.count, 'must be 20 attributes at most')
    .optional(),
}

/**
 * An event as a caller writes it: the attributes it may set, in camelCase. `operation.decode` makes the same of structured and binary CloudEvents.
 * Defaults: `id` a new `evt_…`, `source` `/principals/<id>`, `time` now, `dataContentType` `application/json`.
 */
export const eventInputSchema = z
  .strictObject(eventFields)
  .refine((input) => input.data === undefined || input.dataBase64 === undefined, {
    path: ['dataBase64'],
    message: 'an event has data or dataBase64, not both',
  })

/** A request: an event that names its reply, and how long to wait for it. */
export const requestInputSchema = z
  .strictObject({
    ...eventFields,
    responseType: eventTypeSchema,
    timeoutMs: z.number().int().min(100).max(120_000).default(30_000),
    /** Refuses with `no-consumer` instead of waiting for nobody. */
    requireConsumer: z.boolean().default(false),
  })
  .refine((input) => input.data === undefined || input.dataBase64 === undefined, {
    path: ['dataBase64'],
    message: 'an event has data or dataBase64, not both',
  })

export type EventInput = z.input<typeof eventInputSchema>

/** An event of a list, read one by one by `eventInputSchema`, so that one bad event is answered at its index. */
export const listedEventSchema = z.looseObject({ type: z.string().optional() })

/** An event as it is read: CloudEvents 1.0 JSON, attribute names lower-case, `recordedtime` and `sequence` stamped by the log. */
export const storedEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  topic: z.string(),
  time: z.string(),
  tenantid: z.string(),
})

export const warningSchema = z.strictObject({ code: z.string(), detail: z.string() })

/** A problem inside a result: one event of a batch, an attempt, a refused ack. */
export const problemSummarySchema = z.looseObject({
  code: z.string(),
  detail: z.string(),
  status: z.number().int().optional(),
  retryable: z.boolean().optional(),
})
