import type { TaskRow } from './rows.ts'
import type { Transition } from './transition.ts'

/** What a timer of a task guards; its key in `plans.work` is `<kind>:<task key>`. */
const TIMER_KINDS = ['task', 'wait', 'queue', 'try', 'beat', 'retry', 'progress'] as const
export type TaskTimer = (typeof TIMER_KINDS)[number]

const keyOf = (kind: TaskTimer, task: Pick<TaskRow, 'key'>): string => `${kind}:${task.key}`

export function setTaskTimer(transition: Transition, kind: TaskTimer, of: { task: TaskRow; at: Date }): void {
  transition.timers.set(keyOf(kind, of.task), of.at)
}

export function clearTaskTimers(
  transition: Transition,
  task: TaskRow,
  kinds: readonly TaskTimer[] = TIMER_KINDS,
): void {
  for (const kind of kinds) transition.timers.set(keyOf(kind, task), undefined)
}

/** The inverse of a timer's key; undefined for the timers of a plan. */
export function parseTaskTimer(timer: string): { kind: TaskTimer; key: string } | undefined {
  const end = timer.indexOf(':')
  const kind = TIMER_KINDS.find((known) => known === timer.slice(0, Math.max(0, end)))
  return kind === undefined ? undefined : { kind, key: timer.slice(end + 1) }
}

/** Timers of a try that begins to run. */
export function guardTry(transition: Transition, task: TaskRow): void {
  const { doc } = task
  const { tryTimeoutMs, queueTimeoutMs } = doc.limits ?? {}
  if (queueTimeoutMs !== undefined) clearTaskTimers(transition, task, ['queue'])
  if (tryTimeoutMs !== undefined && doc.tryDeadlineAt === undefined) {
    const at = new Date(transition.at.getTime() + tryTimeoutMs)
    doc.tryDeadlineAt = at.toISOString()
    setTaskTimer(transition, 'try', { task, at })
  }
  hearTry(transition, task)
}

/** A sign of life of a running try. */
export function hearTry(transition: Transition, task: TaskRow): void {
  const { heartbeatTimeoutMs } = task.doc.limits ?? {}
  if (heartbeatTimeoutMs !== undefined && task.status === 'running')
    setTaskTimer(transition, 'beat', { task, at: new Date(transition.at.getTime() + heartbeatTimeoutMs) })
}

/** A task that does not run any more, or waits, uses up no time of its try. */
export function unguardTry(transition: Transition, task: TaskRow): void {
  if (task.doc.tryDeadlineAt !== undefined) clearTaskTimers(transition, task, ['try'])
  if (task.doc.limits?.heartbeatTimeoutMs !== undefined) clearTaskTimers(transition, task, ['beat'])
  delete task.doc.tryDeadlineAt
}
