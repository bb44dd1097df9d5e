import type { SqlSession } from '@soma/kernel'
import { loadForEnd } from '../plans/states.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { endPlan, settlePlan } from '../transition/plan-changes.ts'
import type { TaskRow } from '../transition/rows.ts'
import type { Transition } from '../transition/transition.ts'

/** A lone task is a plan of one task (PLN-R8): the plan ends as its task does. In other plans the planner decides; here running and waiting are settled. */
export async function finishLonePlan(transition: Transition, tx: SqlSession, task: TaskRow): Promise<void> {
  const { plan } = transition
  if (hasPlanEnded(plan.status)) return
  const isWhole = plan.origin === 'task' && task.parentId === undefined && hasTaskEnded(task.status)
  if (!isWhole) return settlePlan(transition)
  if (plan.status === 'paused' || plan.status === 'stopping') return
  const children = await loadForEnd(transition, tx)
  if (task.status === 'completed') endPlan(transition, { as: 'completed', outputs: task.output ?? null }, children)
  else if (task.status === 'failed')
    endPlan(
      transition,
      { as: 'failed', problem: task.doc.problem ?? { code: 'task-failed', detail: `task ${task.key} failed` } },
      children,
    )
  else endPlan(transition, { as: 'cancelled', reason: task.doc.problem?.detail ?? 'its task was cancelled' }, children)
}
