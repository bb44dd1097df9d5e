import { createHash } from 'node:crypto'
import { type EventEnvelope, formatUuid, type Json, type Topic, toId, withoutUndefined } from '@soma/kernel'
import { taskRequested } from '../../contract/index.ts'
import type { PlanRow, TaskRow } from './rows.ts'
import { setTaskTimer } from './task-timers.ts'
import type { Transition } from './transition.ts'

type Draft = Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'>

/** UUIDv8 of sha256: the same parts give the same id, so a repeated commit cannot make a second event. */
export function derivedUuid(...parts: readonly (string | number)[]): string {
  const bytes = new Uint8Array(createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return formatUuid(bytes)
}

/** The request of an agent task; of a paused plan when that is resumed. Its partition key is the task, so that tasks of one plan run side by side. */
export function requestTask(transition: Transition, task: TaskRow): void {
  const taskId = toId('task', task.id)
  const { doc } = task
  transition.changedTasks.add(task.id)
  if (transition.plan.status === 'paused') {
    doc.isHeld = true
    doc.pendingFor = 'start'
    return
  }
  delete doc.isHeld
  delete doc.retryAt
  if (task.status === 'pending') doc.pendingFor = 'agent'
  const { queueTimeoutMs } = doc.limits ?? {}
  if (queueTimeoutMs !== undefined)
    setTaskTimer(transition, 'queue', { task, at: new Date(transition.at.getTime() + queueTimeoutMs) })
  const asked = doc.type === undefined
  doc.requests = (doc.requests ?? 0) + 1
  const envelope = withoutUndefined({
    id: requestIdOf(task),
    type: doc.type ?? taskRequested.type,
    topic: 'action-requests' as Topic,
    data: asked
      ? withoutUndefined({ taskId, planId: toId('plan', task.planId), capability: doc.capability, data: doc.inputs })
      : (doc.inputs ?? {}),
    responsetype: doc.responseType,
    responsetopic: doc.responseTopic ?? 'action-results',
    correlationid: doc.correlationId,
    ...idsOf(transition.plan),
    taskid: taskId,
    partitionkey: taskId,
    expirytime: doc.deadlineAt,
  })
  transition.outgoing.push({ envelope: envelope as Draft })
}

/** The id of the last request of a task. */
export const requestIdOf = (task: TaskRow): string =>
  toId('evt', derivedUuid('request', task.id, task.doc.requests ?? 0))

export type Ending = { readonly ok: true; readonly data: Json } | { readonly ok: false; readonly problem: Json }

/** The one reply of a task in the type its requester asked for (PLN-R62). Does nothing when there is none to send or it was sent. */
export function replyForTask(transition: Transition, task: TaskRow, ending: Ending): void {
  const { doc } = task
  if (doc.responseType === undefined || doc.replied === true) return
  doc.replied = true
  transition.outgoing.push({
    envelope: withoutUndefined({
      id: toId('evt', derivedUuid('reply', task.id, task.generation)),
      type: doc.responseType,
      topic: doc.responseTopic ?? 'action-results',
      correlationid: doc.correlationId,
      ...idsOf(transition.plan),
      taskid: toId('task', task.id),
      ...bodyOf(ending),
    }) as Draft,
  })
}

/** The one reply of a plan to whoever gave the goal. Plans end once, so it is sent once. */
export function replyForPlan(transition: Transition, ending: Ending, replyType?: string): void {
  const { goal } = transition.plan.doc
  const type = replyType ?? goal?.responseType
  if (goal === undefined || type === undefined) return
  transition.outgoing.push({
    envelope: withoutUndefined({
      id: toId('evt', derivedUuid('plan-reply', transition.plan.id)),
      type,
      topic: goal.responseTopic,
      correlationid: goal.correlationId ?? goal.eventId,
      causationid: goal.eventId,
      ...idsOf(transition.plan),
      ...bodyOf(ending),
    }) as Draft,
  })
}

const bodyOf = (ending: Ending) =>
  ending.ok
    ? { outcome: 'ok' as const, data: ending.data }
    : { outcome: 'failed' as const, data: { problem: ending.problem } }

const idsOf = (plan: PlanRow) => ({
  planid: toId('plan', plan.id),
  sessionid: plan.sessionId,
  goalid: plan.doc.goal?.eventId,
})
