import { type EventEnvelope, toUuid, traceIdOf } from '@soma/kernel'
import * as z from 'zod'
import { toForeignType } from '../events/types.ts'
import { documentOr } from '../memory/foreign-ids.ts'
import { isStorable } from '../wire/validation.ts'

/** Topics that say how a plan gets on. */
export const TRACKED_TOPICS = ['action-requests', 'action-results', 'system-events'] as const

/** What planners say about a plan itself. */
const PLAN_SIGNS = new Set(['plan.started', 'plan.completed', 'plan.failed'])

/** An event as progress is counted from it. */
export interface PlanEvent {
  readonly planId: string
  readonly userId: string
  readonly eventId: string
  readonly topic: string
  /** In the words of the dialect. */
  readonly type: string
  readonly actionId: string
  readonly at: string
  readonly parentEventId: string | undefined
  readonly traceId: string | undefined
  readonly agent: string
  readonly isFailure: boolean
  readonly total: number | undefined
}

const name = z.string().min(1).max(128).optional().catch(undefined)
const said = z.object({
  plan_id: name,
  action_id: name,
  total_actions: z.number().int().min(0).max(1_000_000).optional().catch(undefined),
  error: z.unknown().optional(),
})

/** Undefined for what says nothing of a plan of the dialect; plans with an id of ours are the tracker's to follow. */
export function toPlanEvent(event: EventEnvelope): PlanEvent | undefined {
  const type = toForeignType(event.type)
  const isSign = event.topic === 'system-events'
  if (isSign && !PLAN_SIGNS.has(type)) return undefined
  const data = said.parse(documentOr(event.data, {}))
  const planId = event.planid ?? (isSign ? data.plan_id : undefined)
  if (planId === undefined || event.userid === undefined || toUuid('plan', planId) !== undefined) return undefined
  const found: PlanEvent = {
    planId,
    userId: event.userid,
    eventId: event.id,
    topic: event.topic,
    type,
    actionId: isSign ? '' : (data.action_id ?? event.correlationid ?? event.id),
    at: event.recordedtime ?? event.time,
    parentEventId: event.causationid,
    traceId: traceOf(event),
    agent: event.source,
    isFailure: event.outcome === 'failed' || Boolean(data.error) || /failed|error/.test(type),
    total: data.total_actions,
  }
  // What other programs wrote to the bus may be no text that can be kept.
  return Object.values(found).every((value) => typeof value !== 'string' || isStorable(value)) ? found : undefined
}

function traceOf(event: EventEnvelope): string | undefined {
  if (typeof event['traceid'] === 'string') return event['traceid']
  return event.traceparent === undefined ? undefined : traceIdOf(event.traceparent)
}
