import { instant, operation, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { decodeEvent, decodeEvents } from './decode.ts'
import {
  eventInputSchema,
  listedEventSchema,
  problemSummarySchema,
  requestInputSchema,
  storedEventSchema,
  warningSchema,
} from './envelope.ts'
import {
  eventIdReused,
  noConsumer,
  positionTrimmed,
  responseTimeout,
  schemaMismatch,
  typeReserved,
  unknownEventType,
  unknownTopic,
} from './problems.ts'

export const eventPublishProblems = [unknownTopic, unknownEventType, typeReserved, schemaMismatch, eventIdReused]
const text = z.string().max(255).optional()

/** Events in a batch; more is 413. */
export const BATCH_LIMIT = 500

export const publishedSchema = z.strictObject({
  eventId: z.string(),
  topic: z.string(),
  /** `<part>-<position>`; absent where a relay ships the event later. */
  sequence: z.string().optional(),
  recordedAt: z.string(),
  /** The same event was accepted before, inside the dedupe window; nothing is delivered twice. */
  duplicate: z.boolean(),
  warnings: z.array(warningSchema),
})

export const batchResultSchema = z.strictObject({
  index: z.number().int(),
  eventId: z.string().optional(),
  status: z.enum(['accepted', 'duplicate', 'refused']),
  problem: problemSummarySchema.optional(),
})

const filters = {
  topic: text,
  type: text,
  planId: text,
  sessionId: text,
  correlationId: text,
}

const list = z
  .string()
  .max(2048)
  .transform((value) => value.split(',').filter((part) => part !== ''))
  .pipe(z.array(z.string().max(255)).max(50))
  .optional()

export const eventOperations = {
  publish: operation({
    method: 'POST',
    path: '/v1/events',
    summary: 'Publishes one event; 201 means that it is durable.',
    capability: 'event:publish',
    action: 'event.publish',
    body: eventInputSchema,
    output: publishedSchema,
    status: 201,
    accepts: ['application/cloudevents+json', '*/*'],
    decode: decodeEvent,
    problems: eventPublishProblems,
  }),
  validate: operation({
    method: 'POST',
    path: '/v1/events/validate',
    summary:
      'Says whether an event would be accepted, and if not why; stores nothing. A reuse of its id is not looked for.',
    capability: 'event:publish',
    body: eventInputSchema,
    output: z.strictObject({
      valid: z.boolean(),
      /** The schema that its data was held against. */
      dataSchema: z.string().optional(),
      warnings: z.array(warningSchema),
      /** The problem with which it would be refused. */
      problem: problemSummarySchema.optional(),
    }),
    status: 200,
    accepts: ['application/cloudevents+json', '*/*'],
    decode: decodeEvent,
  }),
  publishBatch: operation({
    method: 'POST',
    path: '/v1/events/batch',
    summary: 'Publishes up to 500 events, all or none; with atomic=false each stands alone.',
    capability: 'event:publish',
    action: 'event.publish',
    query: z.strictObject({ atomic: z.stringbool().default(true) }),
    body: z.strictObject({ events: z.array(listedEventSchema).min(1) }),
    output: z.strictObject({ results: z.array(batchResultSchema) }),
    status: 200,
    accepts: ['application/cloudevents-batch+json'],
    decode: decodeEvents,
    bodyLimitBytes: 8 * 1024 * 1024,
    problems: eventPublishProblems,
  }),
  request: operation({
    method: 'POST',
    path: '/v1/events/request',
    summary: 'Publishes a request and answers its first reply: type, topic and correlation as the request names them.',
    capability: 'event:publish',
    action: 'event.publish',
    body: requestInputSchema,
    output: storedEventSchema,
    waits: true,
    status: 200,
    problems: [...eventPublishProblems, noConsumer, responseTimeout],
  }),
  list: operation({
    method: 'GET',
    path: '/v1/events',
    summary: 'Lists events of the log, newest first. Who holds event:read-own alone sees its own user’s.',
    capability: 'authenticated',
    action: 'event.read',
    query: z.strictObject({
      ...pageQuery,
      ...filters,
      id: text,
      source: text,
      key: text,
      userId: text,
      dataSchema: text,
      from: instant.optional(),
      to: instant.optional(),
      /** `headers` leaves the data out. */
      fields: z.enum(['headers', 'all']).default('all'),
    }),
    output: z.strictObject({ items: z.array(storedEventSchema), nextCursor: z.string().nullable() }),
    problems: [unknownTopic, positionTrimmed],
  }),
  get: operation({
    method: 'GET',
    path: '/v1/events/{eventId}',
    summary: 'Reads one event; `source` chooses where two share an id.',
    capability: 'authenticated',
    action: 'event.read',
    params: z.strictObject({ eventId: z.string().min(1).max(128) }),
    query: z.strictObject({ source: text }),
    output: storedEventSchema,
  }),
  stream: operation({
    method: 'GET',
    path: '/v1/events/stream',
    summary: 'Follows the log as SSE: history from `from`, then live, without acks. Resumes by Last-Event-ID.',
    capability: 'authenticated',
    action: 'event.read',
    query: z.strictObject({
      topics: list,
      types: list,
      planId: text,
      sessionId: text,
      correlationId: text,
      /** `now` (default), `earliest`, an instant, or a cursor of this stream. */
      from: z.string().max(1024).default('now'),
    }),
    stream: { event: storedEventSchema },
    problems: [unknownTopic, positionTrimmed],
  }),
}
