import type { Json, SqlSession } from '@soma/kernel'
import { type GateDecision, applyDecision, recordDecision } from '../tasks/gate-decisions.ts'
import { loadTask } from '../tasks/change-task.ts'
import { finishLonePlan } from '../tasks/lone.ts'
import { loadForEnd } from '../plans/states.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { closePlan, endPlan, settlePlan } from '../transition/plan-changes.ts'
import { readOpenChildren } from '../transition/read.ts'
import { requestIdOf } from '../transition/replies.ts'
import { failTask } from '../transition/task-changes.ts'
import { record, type Transition } from '../transition/transition.ts'

/** What reaches a plan from elsewhere: other plans, gates, dead letters. Kept as inbox rows until applied under the plan's lock. */
export type Letter =
  | { readonly kind: 'cancel'; readonly data: { readonly reason: string } }
  | { readonly kind: 'child-ended'; readonly data: { readonly childId: string; readonly as: string } }
  | { readonly kind: 'gate-decided'; readonly data: GateDecision }
  | {
      readonly kind: 'dead-lettered'
      readonly data: { readonly taskId: string; readonly eventId: string; readonly detail: string }
    }

/** Applies one letter; one that comes too late changes nothing. */
export async function applyLetter(transition: Transition, tx: SqlSession, letter: Letter): Promise<void> {
  switch (letter.kind) {
    case 'cancel':
      return cancelByParent(transition, tx, letter.data.reason)
    case 'child-ended':
      return endAfterChildren(transition, tx, letter.data)
    case 'gate-decided':
      return decide(transition, tx, letter.data)
    case 'dead-lettered':
      return giveUp(transition, tx, letter.data)
  }
}

async function cancelByParent(transition: Transition, tx: SqlSession, reason: string): Promise<void> {
  const { plan } = transition
  if (hasPlanEnded(plan.status) || plan.status === 'stopping') return
  const children = await loadForEnd(transition, tx)
  record(transition, 'plan-cancel-asked', { reason })
  endPlan(transition, { as: 'cancelled', reason }, children)
}

async function endAfterChildren(
  transition: Transition,
  tx: SqlSession,
  child: { childId: string; as: string },
): Promise<void> {
  const { plan } = transition
  if (hasPlanEnded(plan.status)) return
  record(transition, 'child-ended', child)
  if (plan.status !== 'stopping' || plan.doc.stopAs === undefined) return
  if ((await readOpenChildren(tx, plan.id)).length > 0) return
  closePlan(transition, { as: plan.doc.stopAs, ...(plan.stopReason === undefined ? {} : { reason: plan.stopReason }) })
}

async function decide(transition: Transition, tx: SqlSession, decision: GateDecision): Promise<void> {
  if (!(await recordDecision(transition, tx, decision))) return
  const rows = await tx.query<{ id: string }>(
    "select id from plans.tasks where plan_id = $1 and status = 'waiting' and doc ->> 'gateId' = $2",
    [transition.plan.id, decision.gateId],
  )
  for (const { id } of rows) {
    const task = await loadTask(transition, tx, id)
    if (task === undefined) continue
    applyDecision(transition, task, decision)
    await finishLonePlan(transition, tx, task)
  }
  if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
}

/** The request of a task was given up. The events module has answered the requester where a response type was named, so no second reply leaves (PLN-R62). */
async function giveUp(
  transition: Transition,
  tx: SqlSession,
  dead: { taskId: string; eventId: string; detail: string },
): Promise<void> {
  const task = await loadTask(transition, tx, dead.taskId)
  if (task === undefined || hasTaskEnded(task.status) || requestIdOf(task) !== dead.eventId) return
  failTask(
    transition,
    task,
    { code: 'dead-lettered', detail: dead.detail, retryable: false },
    { reply: false, reason: 'dead-lettered' },
  )
  await finishLonePlan(transition, tx, task)
  if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
}

export const asLetter = (kind: string, data: Json): Letter => ({ kind, data }) as unknown as Letter
