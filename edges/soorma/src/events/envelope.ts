import { randomUUID } from 'node:crypto'
import type { EventInput } from '@soma/events/contract'
import { type EventEnvelope, withoutUndefined } from '@soma/kernel'
import * as z from 'zod'
import { derivedUuid } from '../records/own-names.ts'
import { failureOf, problemIn } from './failures.ts'
import { type EventTypes, toForeignType } from './types.ts'

/** The topics of the dialect: each is ours of the same name. */
export const SOORMA_TOPICS = [
  'action-requests',
  'action-results',
  'business-facts',
  'system-events',
  'plan-events',
  'task-events',
  'notification-events',
  'billing-events',
] as const
const topic = z.enum(SOORMA_TOPICS)

const text = (maximum: number) => z.string().max(maximum).nullish()
const name = (maximum: number) => z.string().min(1).max(maximum)

/** An event as clients of the dialect publish it. Whose it is, is checked after its form: it has refusals of its own. */
export const soormaEnvelope = z.object({
  id: name(128).nullish(),
  source: name(255),
  type: name(255),
  specversion: z.literal('1.0').nullish(),
  time: z.string().max(64).nullish(),
  subject: text(255),
  data: z.record(z.string(), z.json()).nullish(),
  topic,
  correlation_id: text(128),
  parent_event_id: text(128),
  trace_id: text(255),
  tenant_id: z.string().nullish(),
  user_id: z.string().nullish(),
  platform_tenant_id: z.string().nullish(),
  session_id: text(128),
  goal_id: text(128),
  plan_id: text(128),
  response_event: text(255),
  response_topic: topic.nullish(),
  response_schema_name: text(255),
  payload_schema_name: text(255),
})
export type SoormaEnvelope = z.output<typeof soormaEnvelope>

/** Absent, null and empty are one on this wire. */
const given = (value: string | null | undefined): string | undefined => value || undefined

export interface Owner {
  readonly spaceId: string
  readonly userId: string
}

/** An event of the dialect as ours publishes it. `id` defaults to a new UUID, `correlation_id` to one that a repeat of the event has too. */
export function toEventInput(envelope: SoormaEnvelope, owner: Owner, types: EventTypes): EventInput {
  const id = envelope.id ?? randomUUID()
  const responseEvent = given(envelope.response_event)
  const problem = problemIn(envelope.topic, envelope.data ?? {})
  const extensions = withoutUndefined({
    traceid: given(envelope.trace_id),
    payloadschema: given(envelope.payload_schema_name),
  })
  return withoutUndefined({
    id,
    source: toSource(envelope.source),
    type: types.toOwn(envelope.type),
    topic: envelope.topic,
    time: withZone(given(envelope.time)),
    subject: given(envelope.subject),
    ...(problem === undefined
      ? { data: envelope.data ?? undefined }
      : { data: { ...envelope.data, problem }, outcome: 'failed' }),
    correlationId: given(envelope.correlation_id) ?? derivedUuid(envelope.source, id),
    causationId: given(envelope.parent_event_id),
    ...owner,
    sessionId: given(envelope.session_id),
    goalId: given(envelope.goal_id),
    planId: given(envelope.plan_id),
    responseType: responseEvent && types.toOwn(responseEvent),
    responseTopic: envelope.response_topic ?? undefined,
    responseSchema: given(envelope.response_schema_name),
    extensions: Object.keys(extensions).length === 0 ? undefined : extensions,
  }) as EventInput
}

/** Names of agents may hold what no URI holds: that is percent-encoded, and read back. */
const toSource = (source: string): string => source.replaceAll(/[\s<>"{}|\\^`%]/g, encodeURIComponent)
const fromSource = (source: string): string => {
  try {
    return decodeURIComponent(source)
  } catch {
    return source
  }
}

/** A time without a zone is UTC on this wire. */
const withZone = (time: string | undefined): string | undefined =>
  time === undefined || /(?:Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`

/** An event of ours as clients of the dialect read it; what it lacks is left out. `request`: the data of what it answers, where it failed. */
export function toSoormaEnvelope(
  event: EventEnvelope,
  request: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return withoutUndefined({
    id: event.id,
    source: fromSource(event.source),
    specversion: '1.0',
    type: toForeignType(event.type),
    topic: event.topic,
    time: event.time,
    subject: event.subject,
    data: event.outcome === 'failed' ? failureOf(event, request) : dataOf(event.data),
    correlation_id: event.correlationid,
    parent_event_id: event.causationid,
    trace_id: event['traceid'],
    tenant_id: event.spaceid ?? event.tenantid,
    user_id: event.userid ?? event['authid'],
    platform_tenant_id: event.tenantid,
    session_id: event.sessionid,
    goal_id: event['goalid'],
    plan_id: event.planid,
    response_event: event.responsetype && toForeignType(event.responsetype),
    response_topic: event.responsetopic,
    response_schema_name: event['responseschema'],
    payload_schema_name: event['payloadschema'],
  })
}

/** Data are an object on this wire; anything else that ours may hold stands in one. */
const dataOf = (data: unknown): unknown =>
  data === undefined || data === null || (typeof data === 'object' && !Array.isArray(data))
    ? (data ?? undefined)
    : { value: data }
