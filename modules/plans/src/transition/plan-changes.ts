import type { Json } from '@soma/kernel'
import type { PlanStatus, ProblemValue } from '../../contract/index.ts'
import { assertPlanChange, hasPlanEnded } from '../statuses.ts'
import { emitPlanFact } from './facts.ts'
import { type Ending, replyForPlan } from './replies.ts'
import { openTasks } from './rows.ts'
import { cancelTask, isOpen } from './task-changes.ts'
import { record, type Transition } from './transition.ts'

export const DEADLINE_TIMER = 'deadline'
export const STATE_TIMER = 'state'

/** A change of the plan's own record. Tasks' changes do not count: a planner's `If-Match` must not fail because a worker reported progress. */
export function touchPlan(transition: Transition): void {
  transition.plan.version += 1
  transition.dirty.doc = true
}

export function movePlan(transition: Transition, to: PlanStatus): void {
  const { plan } = transition
  assertPlanChange(plan.status, to)
  plan.status = to
  touchPlan(transition)
  if (to === 'running') plan.startedAt ??= transition.at
}

/** Sets the timer of the state that the plan is in, or clears that of the state it left. */
export function setStateTimer(transition: Transition): void {
  const { currentState, stateMachine } = transition.plan.doc
  const timeoutMs = currentState === undefined ? undefined : stateMachine?.[currentState]?.timeoutMs
  transition.timers.set(
    STATE_TIMER,
    timeoutMs === undefined ? undefined : new Date(transition.at.getTime() + timeoutMs),
  )
}

/** Makes a pending plan run. */
export function runPlan(transition: Transition): void {
  if (transition.plan.status !== 'pending') return
  movePlan(transition, 'running')
  record(transition, 'plan-started', {})
  emitPlanFact(transition, 'started')
}

/** Running and waiting follow the tasks: waiting = tasks are open and all of them wait. Called after each change of tasks. */
export function settlePlan(transition: Transition): void {
  const { plan } = transition
  if (plan.status === 'pending' && plan.counts.running + plan.counts.delegated > 0) runPlan(transition)
  const open = openTasks(plan.counts)
  const allWait = open > 0 && plan.counts.waiting === open
  if (plan.status === 'running' && allWait) {
    movePlan(transition, 'waiting')
    record(transition, 'plan-waiting', {})
    emitPlanFact(transition, 'waiting')
  } else if (plan.status === 'waiting' && !allWait) {
    movePlan(transition, 'running')
    record(transition, 'plan-resumed', { cause: 'tasks' })
    emitPlanFact(transition, 'resumed')
  }
}

export interface PlanEnding {
  readonly as: 'completed' | 'failed' | 'cancelled'
  /** For `completed`. */
  readonly outputs?: Json
  /** For `failed`. */
  readonly problem?: ProblemValue
  readonly reason?: string
  readonly replyType?: string
}

/**
 * Ends a plan: open tasks are cancelled, then status, fact and reply. While child plans are open it stays `stopping`; the last child's mail ends it.
 * `openChildren` is read under the plan's lock.
 */
export function endPlan(transition: Transition, ending: PlanEnding, openChildren: readonly string[]): void {
  const { plan } = transition
  if (hasPlanEnded(plan.status)) return
  if (plan.status === 'paused') delete plan.doc.paused
  for (const task of [...transition.tasks.values()].filter(isOpen))
    cancelTask(transition, task, ending.reason ?? `the plan ${ending.as}`)
  if (ending.reason !== undefined) plan.stopReason = ending.reason
  if (ending.problem !== undefined) plan.doc.problem = ending.problem
  if (ending.as === 'completed') return closePlan(transition, ending)
  for (const childId of openChildren) {
    transition.mail.push({
      planId: childId,
      kind: 'cancel',
      data: { reason: ending.reason ?? `the parent plan ${ending.as}` },
      dedupeKey: `cancel:${plan.id}`,
    })
  }
  plan.doc.stopAs = ending.as
  const isDirect = (plan.status === 'pending' || plan.status === 'draft') && openChildren.length === 0
  if (!isDirect && plan.status !== 'stopping') stopPlan(transition)
  if (openChildren.length === 0) closePlan(transition, ending)
}

function stopPlan(transition: Transition): void {
  movePlan(transition, 'stopping')
  record(transition, 'plan-stopping', { as: transition.plan.doc.stopAs, reason: transition.plan.stopReason })
  emitPlanFact(transition, 'stopping')
}

/** The last change of a plan. */
export function closePlan(transition: Transition, ending: PlanEnding): void {
  const { plan } = transition
  if (ending.as === 'completed') runPlan(transition)
  movePlan(transition, ending.as)
  plan.endedAt = transition.at
  transition.timers.set(DEADLINE_TIMER, undefined)
  transition.timers.set(STATE_TIMER, undefined)
  if (ending.as === 'completed') {
    plan.doc.outcome = plan.counts.failed > 0 ? 'partial' : 'succeeded'
    if (ending.outputs !== undefined) plan.doc.outputs = ending.outputs
  }
  record(transition, `plan-${ending.as}`, {
    outputs: ending.outputs,
    problem: plan.doc.problem,
    reason: plan.stopReason,
    outcome: plan.doc.outcome,
  })
  emitPlanFact(transition, ending.as, plan.stopReason === undefined ? {} : { reason: plan.stopReason })
  replyForPlan(transition, replyOf(transition, ending), ending.replyType)
  if (plan.parentId !== undefined)
    transition.mail.push({
      planId: plan.parentId,
      kind: 'child-ended',
      data: { childId: plan.id, as: ending.as },
      dedupeKey: `child:${plan.id}`,
    })
}

function replyOf(transition: Transition, ending: PlanEnding): Ending {
  if (ending.as === 'completed') return { ok: true, data: ending.outputs ?? {} }
  const { doc, stopReason } = transition.plan
  const problem = doc.problem ?? {
    code: ending.as,
    detail: `the plan ${ending.as === 'failed' ? 'failed' : 'was cancelled'}${stopReason === undefined ? '' : `: ${stopReason}`}`,
  }
  return { ok: false, problem: problem as unknown as Json }
}
