import { commonProblems, type EventEnvelope, keyOf, newId, newTraceparent, schemaUri, type Topic } from '@soma/kernel'
import {
  type EventInput,
  eventInputSchema,
  schemaMismatch,
  unknownEventType,
  unknownTopic,
} from '@soma/events/contract'
import { isTopic } from '@soma/kernel'
import * as z from 'zod'
import type { MemoryClock } from './memory-clock.ts'

export const TENANT = 'test'

/** Who publishes. What the platform itself says is not looked up in the registry. */
export interface Author {
  readonly userId?: string | undefined
  readonly source?: string
}

/** Everything that was published, in order. */
export interface MemoryLog {
  readonly events: readonly EventEnvelope[]
  /** Types and their schemas, as the registry knows them. */
  define(event: { topic: string; type: string; jsonSchema: unknown }): void
  /** Checks and completes an event without recording it. @throws Problem as `events.events.publish` does */
  admit(input: unknown, by: Author): EventEnvelope
  /** Records; the same id from the same source again is dropped. Answers whether it was new. */
  append(event: EventEnvelope): boolean
  onAppend(listener: (event: EventEnvelope) => void): void
}

export function createMemoryLog(clock: MemoryClock): MemoryLog {
  const events: EventEnvelope[] = []
  const known = new Set<string>()
  const schemas = new Map<string, z.ZodType | undefined>()
  const listeners: ((event: EventEnvelope) => void)[] = []
  return {
    events,
    define({ topic, type, jsonSchema }) {
      schemas.set(`${topic} ${type}`, compile(jsonSchema))
    },
    admit(input, by) {
      const parsed = eventInputSchema.safeParse(input)
      if (!parsed.success) throw commonProblems.invalidRequest.create(z.prettifyError(parsed.error))
      const event = toEnvelope(parsed.data, clock, by)
      if (by.source === undefined) check(event, schemas)
      return event
    },
    append(event) {
      const identity = `${event.source} ${event.id}`
      if (known.has(identity)) return false
      known.add(identity)
      events.push(event)
      for (const listener of listeners) listener(event)
      return true
    },
    onAppend: (listener) => void listeners.push(listener),
  }
}

function compile(jsonSchema: unknown): z.ZodType | undefined {
  return typeof jsonSchema === 'object' && jsonSchema !== null ? z.fromJSONSchema(jsonSchema as never) : undefined
}

function check(event: EventEnvelope, schemas: ReadonlyMap<string, z.ZodType | undefined>): void {
  const place = `${event.topic} ${event.type}`
  if (!schemas.has(place)) throw unknownEventType.create(`no event ${event.type} on ${event.topic}`)
  if (event.outcome === 'failed') return
  const result = schemas.get(place)?.safeParse(event.data)
  if (result?.success !== false) return
  const errors = result.error.issues.map((issue) => ({
    pointer: `/body/data/${issue.path.join('/')}`,
    code: 'invalid',
    detail: issue.message,
  }))
  throw schemaMismatch.create(`the data of "${event.type}" does not fit: ${errors[0]?.detail}`, { errors })
}

function toEnvelope(input: EventInput, clock: MemoryClock, by: Author): EventEnvelope {
  const { id, source, type, topic, time, data, traceparent, dataSchema, dataContentType, extensions, ...others } = input
  if (topic === undefined || !isTopic(topic)) throw unknownTopic.create(`no topic "${topic}"`)
  const eventId = id ?? newId('evt')
  return {
    ...lowerCase(others),
    specversion: '1.0',
    id: eventId,
    source: source ?? by.source ?? '/principals/test',
    type,
    topic: topic as Topic,
    time: time ?? clock.iso(),
    datacontenttype: dataContentType ?? 'application/json',
    dataschema: dataSchema ?? schemaUri(type, '1.0.0'),
    data,
    tenantid: TENANT,
    ...(by.userId === undefined ? {} : { userid: by.userId }),
    correlationid: input.correlationId ?? eventId,
    traceparent: traceparent ?? newTraceparent(),
    recordedtime: clock.iso(),
    ...extensions,
  }
}

const lowerCase = (attributes: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name.toLowerCase(), value]),
  )

/** What orders events of a topic. */
export const orderKeyOf = (event: EventEnvelope): string => `${event.topic} ${keyOf(event)}`
