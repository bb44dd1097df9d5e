import { toId } from '@soma/kernel'
import type { ProblemValue } from '../../contract/index.ts'
import { emitTaskFact } from './facts.ts'
import type { TaskRow } from './rows.ts'
import { failTask, moveTask, touchTask } from './task-changes.ts'
import { setTaskTimer, unguardTry } from './task-timers.ts'
import { record, type Transition } from './transition.ts'

const MAX_RETRY_MS = 60_000

/** Ends a try with a problem: another try follows where one is allowed (PLN-R28), else the task has failed and its requester hears. Answers whether that completed its group. */
export function failTry(
  transition: Transition,
  task: TaskRow,
  failure: { problem: ProblemValue; reason?: string },
): boolean {
  const retryAt = nextTryAt(transition, task, failure.problem)
  if (retryAt === undefined)
    return failTask(transition, task, failure.problem, {
      reply: true,
      ...(failure.reason === undefined ? {} : { reason: failure.reason }),
    })
  if (task.status === 'running') moveTask(transition, task, 'pending')
  else touchTask(transition, task)
  unguardTry(transition, task)
  beginTry(task)
  task.doc.pendingFor = 'retry'
  task.doc.retryAt = retryAt.toISOString()
  setTaskTimer(transition, 'retry', { task, at: retryAt })
  record(transition, 'task-retried', {
    taskId: toId('task', task.id),
    key: task.key,
    try: task.try,
    retryAt: task.doc.retryAt,
    problem: failure.problem,
  })
  emitTaskFact(transition, task, 'retried', { reason: failure.problem.code })
  return false
}

/** The next try of a task: its deliveries count anew, and the holders of the former one are fenced. */
export function beginTry(task: TaskRow): void {
  task.try += 1
  task.delivery = 0
  task.fence += 1
  delete task.doc.deliveryKey
  delete task.doc.holders
}

function nextTryAt({ plan, at }: Transition, task: TaskRow, problem: ProblemValue): Date | undefined {
  const { limits, deadlineAt } = task.doc
  if (limits === undefined || task.try >= limits.maxTries) return undefined
  if (task.status !== 'running' && task.status !== 'pending') return undefined
  if (limits.retryExcept.includes(problem.code)) return undefined
  if (problem.retryable !== true && !limits.retryOn.includes(problem.code)) return undefined
  const maxMs = Math.min(MAX_RETRY_MS, limits.retryBaseMs * 2 ** (task.try - 1))
  const retryAt = new Date(at.getTime() + Math.ceil(Math.random() * maxMs))
  const isTooLate = [deadlineAt, plan.doc.deadlineAt].some(
    (limit) => limit !== undefined && retryAt.getTime() >= Date.parse(limit),
  )
  return isTooLate ? undefined : retryAt
}
