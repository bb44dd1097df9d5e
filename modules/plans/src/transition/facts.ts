import { type EventAttributes, toId, withoutUndefined } from '@soma/kernel'
import { type PlanFactData, planEvents, type TaskFactData, taskEvents } from '../../contract/index.ts'
import { type PlanRow, progressOf, type TaskRow } from './rows.ts'
import type { Transition } from './transition.ts'

export const NOTHING_SPENT = { tokens: 0, costMicros: 0, currency: 'USD', timeMs: 0, calls: 0 } as const
const FACT_OUTPUT_BYTES = 4096

type PlanExtras = Partial<Pick<PlanFactData, 'fromState' | 'toState' | 'on' | 'reason'>>
type TaskExtras = Partial<Pick<TaskFactData, 'groupDone' | 'reason'>>

export function emitPlanFact(transition: Transition, verb: keyof typeof planEvents, extras: PlanExtras = {}): void {
  const { plan } = transition
  const data = withoutUndefined({
    planId: toId('plan', plan.id),
    status: plan.status,
    version: plan.version,
    seq: plan.seq,
    title: plan.doc.title,
    driver: plan.driver,
    origin: plan.origin,
    ownerId: plan.ownerId,
    visibility: plan.visibility,
    goalType: plan.doc.goal?.type,
    correlationIds: plan.doc.correlationIds,
    parentPlanId: plan.parentId === undefined ? undefined : toId('plan', plan.parentId),
    parentTaskId: plan.doc.parentTaskId,
    rootPlanId: toId('plan', plan.rootId),
    counts: { ...plan.counts },
    progress: progressOf(plan.counts),
    currentState: plan.doc.currentState,
    byId: transition.byId,
    stopReason: plan.stopReason,
    outcome: plan.doc.outcome,
    problem: plan.doc.problem,
    spent: NOTHING_SPENT,
    at: transition.at.toISOString(),
    ...extras,
  })
  transition.outgoing.push({ definition: planEvents[verb], data, attributes: attributesOf(plan) })
}

export function emitTaskFact(
  transition: Transition,
  task: TaskRow,
  verb: keyof typeof taskEvents,
  extras: TaskExtras = {},
): void {
  const data = withoutUndefined({
    ...taskIdentity(transition, task),
    waiting: task.doc.waiting,
    pendingFor: task.doc.pendingFor,
    retryAt: task.doc.retryAt,
    agent: task.doc.agent,
    gateId: task.doc.gateId,
    progress: task.doc.progress,
    message: task.doc.message,
    outcome: task.outcome,
    problem: task.doc.problem,
    ...outputOf(task),
    ...timesOf(task, transition.at),
    byId: transition.byId,
    at: transition.at.toISOString(),
    ...extras,
  })
  transition.outgoing.push({
    definition: taskEvents[verb],
    data,
    attributes: {
      ...attributesOf(transition.plan),
      taskId: toId('task', task.id),
      correlationId: task.doc.correlationId,
    },
  })
}

function taskIdentity(transition: Transition, task: TaskRow) {
  return {
    taskId: toId('task', task.id),
    planId: toId('plan', task.planId),
    key: task.key,
    name: task.doc.name,
    kind: task.kind,
    status: task.status,
    version: task.version,
    seq: transition.plan.seq,
    ownerId: transition.plan.ownerId,
    type: task.doc.type,
    capability: task.doc.capability,
    generation: task.generation,
    try: task.try,
    delivery: task.delivery,
    parentTaskId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    groupId: task.groupId === undefined ? undefined : toId('grp', task.groupId),
    responseType: task.doc.responseType,
    correlationId: task.doc.correlationId,
  }
}

function outputOf(task: TaskRow): Partial<Pick<TaskFactData, 'output' | 'outputOmitted'>> {
  if (task.status !== 'completed' || task.output === undefined) return {}
  return Buffer.byteLength(JSON.stringify(task.output)) <= FACT_OUTPUT_BYTES
    ? { output: task.output }
    : { outputOmitted: true }
}

function timesOf(task: TaskRow, at: Date): Partial<Pick<TaskFactData, 'queuedMs' | 'runMs'>> {
  const startedMs = task.startedAt?.getTime()
  if (startedMs === undefined) return {}
  return {
    queuedMs: Math.max(0, startedMs - task.createdAt.getTime()),
    runMs: Math.max(0, (task.endedAt ?? at).getTime() - startedMs),
  }
}

const attributesOf = (plan: PlanRow): EventAttributes => ({
  planId: toId('plan', plan.id),
  ...(plan.sessionId === undefined ? {} : { sessionId: plan.sessionId }),
  ...(plan.doc.goal?.eventId === undefined ? {} : { goalId: plan.doc.goal.eventId }),
})
