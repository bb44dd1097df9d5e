import { continueTrace, type Clock, type EventEnvelope, type Logger, withoutUndefined } from '@soma/kernel'
import type { AnyEvent } from '../define/event.ts'
import type { AgentClients } from './agent-clients.ts'
import { derivedId } from './derived-ids.ts'

/** Who handles. */
export interface AgentIdentity {
  readonly name: string
  readonly version: string
  readonly instanceId: string
}

/** One handling of one delivery: what its contexts share. Everything it sends waits here until the handler has returned. */
export interface Handling {
  readonly event: EventEnvelope
  readonly deliveryId: string
  readonly attempt: number
  readonly redelivered: boolean
  readonly agent: AgentIdentity
  /** Act in the name of the delivery. */
  readonly clients: AgentClients
  readonly signal: AbortSignal
  readonly log: Logger
  readonly clock: Clock
  /** The events that leave with the ack. */
  readonly emits: OutgoingEvent[]
  /** What is written to plans when the handler has returned, in order; each is safe to repeat. */
  readonly effects: (() => Promise<void>)[]
  /** An id that is the same when the delivery is handled again: from the event, the group, how many ids were made before, and what it is for. */
  id(prefix: string, purpose: string): string
}

/** The fields of an event as `events.deliveries.settle` takes it. */
export interface OutgoingEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly topic: string
  readonly data: unknown
  readonly [attribute: string]: unknown
}

export interface PublishOptions {
  readonly correlationId?: string
  readonly subject?: string
  readonly partitionKey?: string
  readonly responseType?: string
  readonly responseTopic?: string
  readonly deliverAt?: string
  readonly expiryTime?: string
}

export function createHandling(base: Omit<Handling, 'emits' | 'effects' | 'id'>): Handling {
  let ordinal = 0
  return {
    ...base,
    emits: [],
    effects: [],
    id: (prefix, purpose) => derivedId(prefix, base.event.id, base.agent.name, ordinal++, purpose),
  }
}

/** An event that the handled one causes: it inherits correlation, session, plan, task and trace. */
export function follow(
  handling: Handling,
  event: { type: string; topic: string; data: unknown; id?: string },
  attributes: Readonly<Record<string, unknown>> = {},
): OutgoingEvent {
  const cause = handling.event
  const inherited = {
    correlationId: cause.correlationid,
    sessionId: cause.sessionid,
    planId: cause.planid,
    taskId: cause.taskid,
    goalId: cause.goalid,
  }
  return withoutUndefined({
    ...inherited,
    ...attributes,
    id: event.id ?? handling.id('evt', event.type),
    source: handling.agent.name,
    type: event.type,
    topic: event.topic,
    data: event.data,
    causationId: cause.id,
    traceparent: continueTrace(cause.traceparent),
  }) as unknown as OutgoingEvent
}

/** The request attributes that a definition implies. */
export const responseOf = (event: AnyEvent): { responseType?: string; responseTopic?: string } =>
  event.response === undefined ? {} : { responseType: event.response.type, responseTopic: event.response.topic }
