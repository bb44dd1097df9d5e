import { createHash } from 'node:crypto'
import {
  continueTrace,
  type EventEnvelope,
  formatUuid,
  type LogRecord,
  newId,
  problemSummary,
  schemaUri,
  toId,
  type Topic,
  UNKNOWN_SCHEMA_URI,
} from '@soma/kernel'
import type { Problem } from '@soma/kernel'
import type { DeliveryPlace } from '../deliveries/store.ts'

export interface DeadDelivery {
  readonly record: Pick<LogRecord, 'eventId' | 'type' | 'tenantId' | 'key' | 'topic'>
  /** Absent when the stored text is no event. */
  readonly event: EventEnvelope | undefined
  readonly place: DeliveryPlace
  readonly deliveryId: string
  readonly attempts: number
  readonly problem: Problem
  readonly handler: string
}

/** The fact `delivery.dead-lettered` of the events module, without the payload. Written here because the group that gives up is the runtime's. */
export function deadLetterEvent(dead: DeadDelivery, now: Date): EventEnvelope {
  const { record, event } = dead
  const id = newId('evt')
  return {
    ...stamps(dead, now),
    id,
    type: 'delivery.dead-lettered',
    topic: 'dead-letter',
    dataschema: schemaUri('delivery.dead-lettered', '1.0.0'),
    partitionkey: record.key,
    correlationid: event?.correlationid ?? (record.eventId || id),
    ...(record.eventId === '' ? {} : { causationid: record.eventId }),
    data: {
      deliveryId: toId('dlv', dead.deliveryId),
      group: dead.place.group,
      topic: record.topic,
      type: record.type,
      eventId: record.eventId,
      attempts: dead.attempts,
      problem: problemSummary(dead.problem),
      handler: dead.handler,
    },
  }
}

/** The failed reply of a request that died, so that nobody waits in vain; undefined for events that ask for none. Its id is derived: one death, one reply. */
export function failedReply(dead: DeadDelivery, now: Date): EventEnvelope | undefined {
  const { event } = dead
  if (event?.responsetype === undefined) return undefined
  return {
    ...stamps(dead, now),
    id: replyId(event, dead.place.group),
    type: event.responsetype,
    topic: event.responsetopic ?? ('action-results' satisfies Topic),
    dataschema: event.responseschema ?? UNKNOWN_SCHEMA_URI,
    correlationid: event.correlationid ?? event.id,
    causationid: event.id,
    outcome: 'failed',
    data: { problem: problemSummary(dead.problem) },
    ...pick(event, ['sessionid', 'planid', 'taskid', 'goalid', 'partitionkey']),
  }
}

/** Derived from (request, group, reply type): a reply that is made twice is one event. An id is unique per source alone. */
function replyId({ source, id, responsetype }: EventEnvelope, group: string): string {
  const parts = `${source}\0${id}\0${group}\0${String(responsetype)}`
  const digest = createHash('sha256').update(parts).digest().subarray(0, 16)
  digest[6] = ((digest[6] as number) & 0x0f) | 0x80
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80
  return toId('evt', formatUuid(digest))
}

function stamps({ event, record }: DeadDelivery, now: Date) {
  return {
    specversion: '1.0' as const,
    source: '/modules/events',
    time: now.toISOString(),
    datacontenttype: 'application/json',
    tenantid: record.tenantId,
    authtype: 'service_account',
    authid: 'module:events',
    traceparent: continueTrace(event?.traceparent),
    ...(event === undefined ? {} : pick(event, ['spaceid', 'userid', 'constitutionhash', 'region'])),
  }
}

function pick(event: EventEnvelope, names: readonly (keyof EventEnvelope & string)[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => event[name] !== undefined).map((name) => [name, event[name]]))
}
