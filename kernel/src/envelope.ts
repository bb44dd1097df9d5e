import type { Json } from './json.ts'
import type { Topic } from './topics.ts'

/**
 * An event on the wire: CloudEvents 1.0 JSON with the extension attributes of the platform, lower-case as CloudEvents asks.
 * Which of them a caller may set and which the server stamps stands in docs/spec/events.md.
 */
export interface EventEnvelope<Data = unknown> {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly topic: Topic
  readonly time: string
  readonly datacontenttype?: string
  readonly dataschema?: string
  readonly subject?: string
  readonly data?: Data
  readonly data_base64?: string
  readonly tenantid: string
  readonly spaceid?: string
  readonly userid?: string
  readonly authtype?: string
  readonly authid?: string
  readonly constitutionhash?: string
  readonly region?: string
  readonly sessionid?: string
  readonly planid?: string
  readonly taskid?: string
  readonly goalid?: string
  readonly personaid?: string
  readonly capsuleid?: string
  readonly correlationid?: string
  readonly causationid?: string
  readonly traceparent?: string
  readonly tracestate?: string
  readonly responsetype?: string
  readonly responsetopic?: Topic
  readonly responseschema?: string
  readonly outcome?: 'ok' | 'failed'
  readonly partitionkey?: string
  readonly expirytime?: string
  readonly deliverat?: string
  readonly recordedtime?: string
  readonly sequence?: string
  readonly replayid?: string
  readonly [extension: string]: unknown
}

/** The attributes a module or agent adds to an event it emits; everything else is stamped. */
export interface EventAttributes {
  /** Default: a new `evt_…` id. Derived ids make a repeated emit the same event. */
  readonly id?: string
  readonly subject?: string
  readonly sessionId?: string
  readonly planId?: string
  readonly taskId?: string
  readonly goalId?: string
  /** Default: the correlation of the cause, else a new id. */
  readonly correlationId?: string
  readonly causationId?: string
  readonly responseType?: string
  readonly responseTopic?: Topic
  readonly responseSchema?: string
  readonly outcome?: 'ok' | 'failed'
  readonly partitionKey?: string
  readonly expiryTime?: string
  readonly deliverAt?: string
}

/** What orders an event: the first of partitionkey, planid, sessionid, correlationid, id. */
export function keyOf(
  envelope: Pick<EventEnvelope, 'id' | 'partitionkey' | 'planid' | 'sessionid' | 'correlationid'>,
): string {
  return envelope.partitionkey ?? envelope.planid ?? envelope.sessionid ?? envelope.correlationid ?? envelope.id
}

/** Partition of a key: FNV-1a-32 over the UTF-8 bytes of `tenantId NUL key`, modulo the partition count (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function partitionOf(tenantId: string, key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${tenantId}\0${key}`)) {
    hash ^= byte
    hash = Math.imul(hash, 0x01000193) >>> 0
  }
  return hash % partitions
}

/** The data of a reply whose `outcome` is `failed`. */
export interface FailedReply {
  readonly problem: { readonly code: string; readonly detail: string; readonly [member: string]: Json | undefined }
}
