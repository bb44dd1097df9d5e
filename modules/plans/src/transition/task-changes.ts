import { type Json, toId } from '@soma/kernel'
import type { ProblemValue, TaskStatus } from '../../contract/index.ts'
import { assertTaskChange, hasTaskEnded } from '../statuses.ts'
import { emitTaskFact } from './facts.ts'
import { replyForTask } from './replies.ts'
import type { TaskRow } from './rows.ts'
import { clearTaskTimers, guardTry, unguardTry } from './task-timers.ts'
import { record, type Transition } from './transition.ts'

/** Moves a task to a status of the table, with the counts of its plan; clears what only held in the old status. */
export function moveTask(transition: Transition, task: TaskRow, to: TaskStatus): void {
  assertTaskChange(task.status, to)
  recount(transition, task.status, to)
  if (task.status === 'running' && (to === 'waiting' || to === 'delegated')) unguardTry(transition, task)
  task.status = to
  task.version += 1
  if (to !== 'waiting') delete task.doc.waiting
  if (to !== 'pending') {
    delete task.doc.pendingFor
    delete task.doc.retryAt
  }
  transition.changedTasks.add(task.id)
}

/** A change of a task that leaves its status. */
export function touchTask(transition: Transition, task: TaskRow): void {
  task.version += 1
  transition.changedTasks.add(task.id)
}

function recount(transition: Transition, from: TaskStatus, to: TaskStatus): void {
  transition.plan.counts[from] -= 1
  transition.plan.counts[to] += 1
}

/** Hands a task to a delivery. On a running task it first notes that the former holder was lost. */
export function startTask(
  transition: Transition,
  task: TaskRow,
  by: { deliveryKey?: string; agent?: TaskRow['doc']['agent'] },
): void {
  if (task.status === 'running') loseDelivery(transition, task)
  moveTask(transition, task, 'running')
  task.delivery += 1
  task.fence += 1
  task.startedAt ??= transition.at
  if (by.deliveryKey !== undefined) task.doc.deliveryKey = by.deliveryKey
  if (by.agent !== undefined) task.doc.agent = by.agent
  task.doc.holders = [...(task.doc.holders ?? []), by.agent?.instanceId ?? by.agent?.name ?? transition.byId].slice(-20)
  guardTry(transition, task)
  record(transition, 'task-started', {
    taskId: toId('task', task.id),
    key: task.key,
    try: task.try,
    delivery: task.delivery,
    fence: task.fence,
    agent: task.doc.agent,
  })
  emitTaskFact(transition, task, 'started')
}

/** A running task whose holder was lost is pending again. */
export function loseDelivery(transition: Transition, task: TaskRow): void {
  moveTask(transition, task, 'pending')
  task.doc.pendingFor = 'retry'
  record(transition, 'task-lost', {
    taskId: toId('task', task.id),
    key: task.key,
    delivery: task.delivery,
    fence: task.fence,
  })
  emitTaskFact(transition, task, 'retried', { reason: 'lease-lost' })
}

/** A running task is taken from its holder, who is fenced from now on. */
export function takeBack(transition: Transition, task: TaskRow, reason: string): void {
  moveTask(transition, task, 'pending')
  task.fence += 1
  task.doc.pendingFor = 'start'
  delete task.doc.deliveryKey
  unguardTry(transition, task)
  record(transition, 'task-retried', { taskId: toId('task', task.id), key: task.key, fence: task.fence, reason })
  emitTaskFact(transition, task, 'retried', { reason })
}

/** Makes a fact of the progress that stands in the task. */
export function tellProgress(transition: Transition, task: TaskRow): void {
  if (task.doc.isProgressHeld !== true) return
  delete task.doc.isProgressHeld
  transition.changedTasks.add(task.id)
  task.doc.progressFactAt = transition.at.toISOString()
  clearTaskTimers(transition, task, ['progress'])
  record(transition, 'task-progressed', { key: task.key, progress: task.doc.progress, message: task.doc.message })
  emitTaskFact(transition, task, 'progressed')
}

/** Ends a task, its timers and, with the last member, its group. Answers whether this was that member. */
export function completeTask(
  transition: Transition,
  task: TaskRow,
  output: Json,
  options: { reply: boolean; dedupeKey?: string },
): boolean {
  moveTask(transition, task, 'completed')
  task.outcome = 'succeeded'
  task.output = output
  task.doc.progress = 1
  task.resultSeq = record(
    transition,
    'task-completed',
    { taskId: toId('task', task.id), key: task.key, output },
    options.dedupeKey,
  )
  return endTask(transition, task, { verb: 'completed', reply: options.reply ? { ok: true, data: output } : undefined })
}

export function failTask(
  transition: Transition,
  task: TaskRow,
  problem: ProblemValue,
  options: { reply: boolean; reason?: string; dedupeKey?: string },
): boolean {
  moveTask(transition, task, 'failed')
  task.doc.problem = problem
  record(transition, 'task-failed', { taskId: toId('task', task.id), key: task.key, problem }, options.dedupeKey)
  return endTask(transition, task, {
    verb: 'failed',
    reply: options.reply ? { ok: false, problem: problem as unknown as Json } : undefined,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  })
}

export function cancelTask(transition: Transition, task: TaskRow, reason: string): boolean {
  moveTask(transition, task, 'cancelled')
  task.doc.problem = {
    code: 'cancelled',
    detail: `task ${task.key} was cancelled: ${reason}`,
    status: 409,
    retryable: false,
  }
  record(transition, 'task-cancelled', { taskId: toId('task', task.id), key: task.key, reason })
  return endTask(transition, task, {
    verb: 'cancelled',
    reply: { ok: false, problem: task.doc.problem as unknown as Json },
    reason,
  })
}

function endTask(
  transition: Transition,
  task: TaskRow,
  ending: {
    verb: 'completed' | 'failed' | 'cancelled'
    reply: Parameters<typeof replyForTask>[2] | undefined
    reason?: string
  },
): boolean {
  task.endedAt = transition.at
  clearTaskTimers(transition, task)
  const groupDone = countMember(transition, task)
  emitTaskFact(transition, task, ending.verb, {
    ...(groupDone ? { groupDone } : {}),
    ...(ending.reason === undefined ? {} : { reason: ending.reason }),
  })
  if (ending.reply === undefined) task.doc.replied = true
  else replyForTask(transition, task, ending.reply)
  return groupDone
}

/** Counts an ended member under the plan's lock, so that one change alone sees the group complete. */
function countMember(transition: Transition, task: TaskRow): boolean {
  if (task.groupId === undefined) return false
  const group = transition.groups.get(task.groupId)
  if (group === undefined) throw new TypeError(`group ${task.groupId} of task ${task.key} was not loaded`)
  if (task.status === 'completed') group.completed += 1
  else group.failed += 1
  transition.changedGroups.add(group.id)
  if (group.completedAt !== undefined || group.completed + group.failed < group.total) return false
  group.completedAt = transition.at
  group.lastTaskId = task.id
  return true
}

/** Parks a task; `waiting` says what ends it. */
export function parkTask(transition: Transition, task: TaskRow, wait: NonNullable<TaskRow['doc']['waiting']>): void {
  if (task.status === 'waiting') touchTask(transition, task)
  else moveTask(transition, task, 'waiting')
  task.doc.waiting = wait
  record(transition, 'task-waiting', {
    taskId: toId('task', task.id),
    key: task.key,
    waiting: wait,
    gateId: task.doc.gateId,
  })
  emitTaskFact(transition, task, 'waiting')
}

/** What a task waited for has come: it may be handed out again. */
export function resumeTask(transition: Transition, task: TaskRow, cause: string): void {
  moveTask(transition, task, 'pending')
  task.doc.pendingFor = 'agent'
  clearTaskTimers(transition, task, ['wait'])
  record(transition, 'task-resumed', { taskId: toId('task', task.id), key: task.key, cause })
  emitTaskFact(transition, task, 'resumed', { reason: cause })
}

export const isOpen = (task: TaskRow): boolean => !hasTaskEnded(task.status)
