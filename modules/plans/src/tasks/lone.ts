import type { SqlSession } from '@soma/kernel'
import { loadForEnd } from '../plans/states.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { loadTask } from './change-task.ts'
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

/** The task of a lone plan may have ended while the plan was paused: then the plan ends with its resume. */
export async function resumeLonePlan(transition: Transition, tx: SqlSession): Promise<void> {
  const { plan } = transition
  if (plan.origin !== 'task') return
  const [root] = await tx.query<{ id: string }>(
    'select id from plans.tasks where plan_id = $1 and parent_id is null order by ord limit 1',
    [plan.id],
  )
  const task = root === undefined ? undefined : await loadTask(transition, tx, root.id)
  if (task !== undefined) await finishLonePlan(transition, tx, task)
}
