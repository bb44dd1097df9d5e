import { type SqlSession, toId } from '@soma/kernel'
import { loadForEnd, enterState } from '../plans/states.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { finishLonePlan } from '../tasks/lone.ts'
import { readGroups, TASK_COLUMNS, type TaskRecord, taskOf } from '../transition/read.ts'
import { DEADLINE_TIMER, endPlan, settlePlan, STATE_TIMER } from '../transition/plan-changes.ts'
import type { TaskRow } from '../transition/rows.ts'
import { requestTask } from '../transition/replies.ts'
import { completeTask, failTask, tellProgress, touchTask } from '../transition/task-changes.ts'
import { parseTaskTimer, type TaskTimer } from '../transition/task-timers.ts'
import { failTry } from '../transition/tries.ts'
import type { ProblemValue } from '../../contract/index.ts'
import { record, type Transition } from '../transition/transition.ts'

/** Fires one due timer of a locked plan (PLN-R64). What it guarded may have ended meanwhile: then it changes nothing. */
export async function fireTimer(transition: Transition, tx: SqlSession, key: string): Promise<void> {
  transition.timers.set(key, undefined)
  if (hasPlanEnded(transition.plan.status)) return
  if (key === DEADLINE_TIMER)
    return failPlan(transition, tx, { code: 'deadline-exceeded', detail: 'the plan passed its deadline' })
  if (key === STATE_TIMER) return leaveState(transition, tx)
  const timer = parseTaskTimer(key)
  const task = timer === undefined ? undefined : await taskByKey(transition, tx, timer.key)
  if (timer === undefined || task === undefined || hasTaskEnded(task.status)) return
  fireTaskTimer(transition, task, timer.kind)
  await finishLonePlan(transition, tx, task)
  if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
}

function fireTaskTimer(transition: Transition, task: TaskRow, kind: TaskTimer): void {
  switch (kind) {
    case 'task':
      return endTaskByTime(transition, task)
    case 'wait':
      if (task.status === 'waiting') endTaskByTime(transition, task)
      return
    case 'queue':
      if (task.status === 'pending') endByLimit(transition, task, 'queue-timeout')
      return
    case 'try':
    case 'beat':
      if (task.status === 'running' || task.status === 'pending')
        failTry(transition, task, { problem: limitProblem(task, kind === 'try' ? 'try-timeout' : 'heartbeat-timeout') })
      return
    case 'retry':
      if (task.status !== 'pending') return
      return askAgain(transition, task)
    case 'progress':
      return tellProgress(transition, task)
  }
}

function askAgain(transition: Transition, task: TaskRow): void {
  touchTask(transition, task)
  const { key, version } = task
  record(transition, 'task-asked-again', { taskId: toId('task', task.id), key, try: task.try, version })
  requestTask(transition, task)
}

const LIMITS = {
  'queue-timeout': 'was taken by nobody',
  'try-timeout': 'ran longer than one try may',
  'heartbeat-timeout': 'gave no sign of life',
} as const

function limitProblem(task: TaskRow, code: keyof typeof LIMITS): ProblemValue {
  const { queueTimeoutMs, tryTimeoutMs, heartbeatTimeoutMs } = task.doc.limits ?? {}
  const limitMs = {
    'queue-timeout': queueTimeoutMs,
    'try-timeout': tryTimeoutMs,
    'heartbeat-timeout': heartbeatTimeoutMs,
  }
  return { code, detail: `task ${task.key} ${LIMITS[code]}: ${limitMs[code]} ms`, status: 504, retryable: true }
}

function endByLimit(transition: Transition, task: TaskRow, code: keyof typeof LIMITS): void {
  failTask(transition, task, limitProblem(task, code), { reply: true, reason: code })
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

async function failPlan(
  transition: Transition,
  tx: SqlSession,
  late: { code: 'timeout' | 'deadline-exceeded'; detail: string },
): Promise<void> {
  const { plan } = transition
  if (plan.status === 'stopping') return
  const children = await loadForEnd(transition, tx)
  // A draft has not run, so it cannot fail.
  if (plan.status === 'draft') return endPlan(transition, { as: 'cancelled', reason: late.code }, children)
  endPlan(
    transition,
    { as: 'failed', reason: late.code, problem: { ...late, status: 504, retryable: false } },
    children,
  )
}

async function leaveState(transition: Transition, tx: SqlSession): Promise<void> {
  const { doc } = transition.plan
  const state = doc.currentState === undefined ? undefined : doc.stateMachine?.[doc.currentState]
  record(transition, 'state-timed-out', { state: doc.currentState, planId: toId('plan', transition.plan.id) })
  if (state?.onTimeout === undefined)
    return failPlan(transition, tx, {
      code: 'timeout',
      detail: `state "${doc.currentState}" lasted longer than ${state?.timeoutMs} ms`,
    })
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
