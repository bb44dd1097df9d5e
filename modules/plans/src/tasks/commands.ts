import { type Context, commonProblems, type SqlSession } from '@soma/kernel'
import type { Task } from '../../contract/index.ts'
import { assertControl, mayRead } from '../access.ts'
import { hasTaskEnded } from '../statuses.ts'
import { readGroups, readOpenTasks } from '../transition/read.ts'
import type { TaskRow } from '../transition/rows.ts'
import { cancelTask } from '../transition/task-changes.ts'
import type { Transition } from '../transition/transition.ts'
import { viewTask } from '../views.ts'
import type { ChangeTask } from './change-task.ts'
import { finishLonePlan } from './lone.ts'
import { retryTask } from './retry.ts'

/** The commands of people on one task. */
export function createTaskCommands({ changeTask }: { changeTask: ChangeTask }) {
  const control = (
    context: Context,
    taskId: string,
    work: Parameters<typeof changeTask<Task>>[2]['work'],
  ): Promise<Task> =>
    changeTask(context, taskId, {
      allow: (plan) => {
        if (!mayRead(context, plan)) return false
        assertControl(context, plan)
        return true
      },
      work,
    })

  return {
    cancel: (context: Context, taskId: string, reason: string): Promise<Task> =>
      control(context, taskId, async (transition, task, tx) => {
        if (task.status === 'cancelled') return viewTask(task)
        if (hasTaskEnded(task.status))
          throw commonProblems.conflict.create(`task ${task.key} is ${task.status}; it cannot be cancelled`, {
            taskStatus: task.status,
          })
        await cancelWithSubTasks(transition, tx, { task, reason })
        await finishLonePlan(transition, tx, task)
        return viewTask(task)
      }),

    retry: (context: Context, taskId: string, reason: string): Promise<Task> =>
      control(context, taskId, (transition, task) => {
        retryTask(transition, task, reason)
        return viewTask(task)
      }),
  }
}

/** Sub-tasks first, to any depth: what a cancelled task has asked for is wanted no more. */
async function cancelWithSubTasks(
  transition: Transition,
  tx: SqlSession,
  of: { task: TaskRow; reason: string },
): Promise<void> {
  const open = await readOpenTasks(tx, transition.plan.id)
  const below = descendantsOf(of.task.id, open)
  for (const task of below) transition.tasks.set(task.id, task)
  const groupIds = [...new Set(below.flatMap((task) => task.groupId ?? []))].filter((id) => !transition.groups.has(id))
  for (const group of await readGroups(tx, groupIds)) transition.groups.set(group.id, group)
  for (const task of below.toReversed()) cancelTask(transition, task, of.reason)
  cancelTask(transition, of.task, of.reason)
}

function descendantsOf(taskId: string, tasks: readonly TaskRow[]): TaskRow[] {
  const children = tasks.filter((task) => task.parentId === taskId)
  return children.flatMap((child) => [child, ...descendantsOf(child.id, tasks)])
}
