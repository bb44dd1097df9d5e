import { type SqlSession, toId } from '@soma/kernel'
import { loadForEnd, enterState } from '../plans/states.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { finishLonePlan } from '../tasks/lone.ts'
import { readGroups, TASK_COLUMNS, type TaskRecord, taskOf } from '../transition/read.ts'
import { DEADLINE_TIMER, endPlan, settlePlan, STATE_TIMER } from '../transition/plan-changes.ts'
import type { TaskRow } from '../transition/rows.ts'
import { completeTask, failTask } from '../transition/task-changes.ts'
import { record, type Transition } from '../transition/transition.ts'

/** Fires one due timer of a locked plan (PLN-R64). What it guarded may have ended meanwhile: then it changes nothing. */
export async function fireTimer(transition: Transition, tx: SqlSession, key: string): Promise<void> {
  transition.timers.set(key, undefined)
  if (hasPlanEnded(transition.plan.status)) return
  if (key === DEADLINE_TIMER) return failPlan(transition, tx, 'the plan passed its deadline')
  if (key === STATE_TIMER) return leaveState(transition, tx)
  const [kind, ...rest] = key.split(':')
  const task = await taskByKey(transition, tx, rest.join(':'))
  if (task === undefined || hasTaskEnded(task.status)) return
  if (kind === 'wait' && task.status !== 'waiting') return
  endTaskByTime(transition, task)
  await finishLonePlan(transition, tx, task)
  if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
}

function endTaskByTime(transition: Transition, task: TaskRow): void {
  if (task.kind === 'timer') {
    completeTask(transition, task, { firedAt: transition.at.toISOString() }, { reply: true })
    return
  }
  const detail = `task ${task.key} did not end in time${task.doc.deadlineAt === undefined ? '' : ` (${task.doc.deadlineAt})`}`
  failTask(
    transition,
    task,
    { code: 'timeout', detail, status: 504, retryable: true },
    { reply: true, reason: 'timeout' },
  )
}

async function failPlan(transition: Transition, tx: SqlSession, detail: string): Promise<void> {
  const { plan } = transition
  if (plan.status === 'stopping') return
  const children = await loadForEnd(transition, tx)
  endPlan(
    transition,
    { as: 'failed', reason: 'timeout', problem: { code: 'timeout', detail, status: 504, retryable: false } },
    children,
  )
}

async function leaveState(transition: Transition, tx: SqlSession): Promise<void> {
  const { doc } = transition.plan
  const state = doc.currentState === undefined ? undefined : doc.stateMachine?.[doc.currentState]
  record(transition, 'state-timed-out', { state: doc.currentState, planId: toId('plan', transition.plan.id) })
  if (state?.onTimeout === undefined)
    return failPlan(transition, tx, `state "${doc.currentState}" lasted longer than ${state?.timeoutMs} ms`)
  await enterState(transition, tx, { to: state.onTimeout, on: 'timeout', result: undefined })
}

async function taskByKey(transition: Transition, tx: SqlSession, key: string): Promise<TaskRow | undefined> {
  const [row] = await tx.query<TaskRecord>(
    `select ${TASK_COLUMNS}, t.state from plans.tasks t where t.plan_id = $1 and t.key = $2`,
    [transition.plan.id, key],
  )
  if (row === undefined) return undefined
  const task = transition.tasks.get(row.id) ?? taskOf(row)
  transition.tasks.set(task.id, task)
  if (task.groupId !== undefined && !transition.groups.has(task.groupId))
    for (const group of await readGroups(tx, [task.groupId])) transition.groups.set(group.id, group)
  return task
}
