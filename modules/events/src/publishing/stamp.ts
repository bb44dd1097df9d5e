import { hash } from 'node:crypto'
import {
  canonicalJson,
  type CauseOfCall,
  type Context,
  type EventEnvelope,
  type Topic,
  withoutUndefined,
} from '@soma/kernel'
import type { z } from 'zod'
import type { eventInputSchema } from '../../contract/envelope.ts'
import type { PreparedEvent } from '../writer/requests.ts'

export type ParsedEvent = z.output<typeof eventInputSchema>

/** In whose name and on what occasion an event is published. */
export interface Stamp {
  readonly context: Context
  readonly now: Date
  readonly id: string
  /** The event in hand, when its ack publishes. Without it that of the call's `Soma-Delivery` is the cause. */
  readonly cause?: CauseOfCall & {
    readonly event: EventEnvelope
    readonly group: string
    readonly spaceId?: string
    readonly userId?: string
  }
}

/** CloudEvents auth context types (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/authcontext.md). */
const AUTH_TYPES = {
  user: 'user',
  agent: 'service_account',
  service: 'service_account',
  guest: 'unauthenticated',
} as const

/** A full envelope: what the caller wrote, defaults, and over both what only the server may say (EVT-R3). */
export function stampEvent(
  input: ParsedEvent,
  place: { topic: Topic; responseTopic?: Topic; dataSchema: string },
  stamp: Stamp,
): PreparedEvent {
  const { context } = stamp
  const cause: Partial<NonNullable<Stamp['cause']>> | undefined = stamp.cause ?? context.cause
  const source = input.source ?? `/principals/${context.principal.id}`
  const spaceId = input.spaceId ?? cause?.spaceId ?? context.spaceId
  const envelope = withoutUndefined({
    ...input.extensions,
    specversion: '1.0',
    id: stamp.id,
    source,
    type: input.type,
    topic: place.topic,
    time: input.time ?? stamp.now.toISOString(),
    datacontenttype: input.dataContentType ?? 'application/json',
    dataschema: input.dataSchema ?? place.dataSchema,
    dataref: input.dataRef,
    subject: input.subject,
    tenantid: context.tenantId,
    spaceid: spaceId === '' ? undefined : spaceId,
    userid: input.userId ?? cause?.userId ?? context.userId,
    authtype: AUTH_TYPES[context.principal.kind],
    authid: context.principal.id,
    constitutionhash: context.constitutionHash,
    region: context.region,
    sessionid: input.sessionId ?? cause?.sessionId,
    planid: input.planId ?? cause?.planId,
    taskid: input.taskId ?? cause?.taskId,
    goalid: input.goalId,
    personaid: input.personaId,
    capsuleid: input.capsuleId,
    correlationid: input.correlationId ?? cause?.correlationId ?? stamp.id,
    causationid: input.causationId ?? cause?.eventId,
    traceparent: input.traceparent ?? context.traceparent,
    tracestate: input.tracestate,
    responsetype: input.responseType,
    responsetopic: input.responseType === undefined ? undefined : place.responseTopic,
    responseschema: input.responseSchema,
    outcome: input.outcome,
    partitionkey: input.partitionKey,
    expirytime: input.expiryTime,
    deliverat: input.deliverAt,
    data: input.data,
    data_base64: input.dataBase64,
  }) as unknown as EventEnvelope
  return { envelope, identity: identityOf(source, stamp.id), ...contentOf(input) }
}

/** 128 bits of SHA-256, as the uuid columns of events.seen. */
const digest = (text: string): string => {
  const hex = hash('sha256', text, 'hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

export const identityOf = (source: string, id: string): string => digest(`${source}\0${id}`)

/** Of what the caller wrote, not of what the server stamps: a repeat an hour later is the same content. */
function contentOf({ id: _id, source: _source, ...rest }: ParsedEvent): { content: string; contentBytes: number } {
  const text = canonicalJson(rest)
  return { content: digest(text), contentBytes: Buffer.byteLength(text) }
}
