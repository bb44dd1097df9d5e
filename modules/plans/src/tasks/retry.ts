import { commonProblems, toId } from '@soma/kernel'
import { hasPlanEnded } from '../statuses.ts'
import { emitTaskFact } from '../transition/facts.ts'
import { requestTask } from '../transition/replies.ts'
import type { TaskRow } from '../transition/rows.ts'
import { moveTask, touchTask } from '../transition/task-changes.ts'
import { clearTaskTimers, unguardTry } from '../transition/task-timers.ts'
import { beginTry } from '../transition/tries.ts'
import { record, type Transition } from '../transition/transition.ts'

/** An open task as its next try; a failed one of an open plan as a new generation (PLN-R52). */
export function retryTask(transition: Transition, task: TaskRow, reason: string): void {
  const { plan } = transition
  if (hasPlanEnded(plan.status) || plan.status === 'stopping')
    throw commonProblems.conflict.create(`the plan is ${plan.status}; its tasks are not retried`, {
      planStatus: plan.status,
    })
  if (task.kind !== 'agent') throw commonProblems.conflict.create(`a ${task.kind} task is not retried`)
  const { generation } = task
  if (task.status === 'failed') reopen(transition, task)
  else if (task.status === 'running') moveTask(transition, task, 'pending')
  else if (task.status === 'pending') touchTask(transition, task)
  else
    throw commonProblems.conflict.create(`task ${task.key} is ${task.status}; it cannot be retried`, {
      taskStatus: task.status,
    })
  if (task.generation === generation) beginTry(task)
  unguardTry(transition, task)
  clearTaskTimers(transition, task, ['retry'])
  task.doc.pendingFor = 'agent'
  record(transition, 'task-retried', {
    taskId: toId('task', task.id),
    key: task.key,
    generation: task.generation,
    try: task.try,
    reason,
  })
  emitTaskFact(transition, task, 'retried', { reason })
  requestTask(transition, task)
}

/** Not a change of the status table: a new generation begins, and the old one's end stays in the journal. */
function reopen(transition: Transition, task: TaskRow): void {
  const { counts } = transition.plan
  counts.failed -= 1
  counts.pending += 1
  const group = task.groupId === undefined ? undefined : transition.groups.get(task.groupId)
  if (group?.completedAt !== undefined)
    throw commonProblems.conflict.create(`the group of task ${task.key} is done; delegate it again instead`)
  if (group !== undefined) {
    group.failed -= 1
    transition.changedGroups.add(group.id)
  }
  task.generation += 1
  task.try = 0
  beginTry(task)
  task.status = 'pending'
  task.version += 1
  task.endedAt = undefined
  task.startedAt = undefined
  transition.changedTasks.add(task.id)
  delete task.doc.problem
  delete task.doc.replied
}
