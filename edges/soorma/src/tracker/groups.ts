import type { trackerContract } from '@soma/tracker/contract'
import { type Client, isProblem } from '@soma/kernel'
import { documentOr } from '../memory/foreign-ids.ts'
import type { createTaskContexts } from '../memory/task-contexts.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'

export interface GroupOptions {
  readonly tracker: Client<typeof trackerContract>
  readonly contexts: Pick<ReturnType<typeof createTaskContexts>, 'get'>
}

/** A group of ours by its id; by the name of a task, the sub-tasks that its worker handed out. */
export function createGroups({ tracker, contexts }: GroupOptions) {
  return async (caller: Caller, groupId: string) => {
    if (groupId.startsWith('grp_')) {
      const params = { groupId }
      const found = await tracker.delegationGroups.get(caller.context, { params }).catch(ignoreNotFound)
      if (found !== undefined) {
        const { parentTaskId = null, planId = null, total, completed, createdAt = null } = found.group
        return {
          group_id: groupId,
          parent_task_id: parentTaskId,
          plan_id: planId,
          total_tasks: total,
          completed_tasks: completed,
          created_at: createdAt,
        }
      }
    }
    const task = await contexts.get(caller, groupId).catch((error: unknown) => {
      throw isProblem(error) && error.status === 404 ? refusal(404, `Delegation group ${groupId} not found`) : error
    })
    const states = documentOr<Record<string, unknown>>((task.state as { _sub_tasks?: unknown })._sub_tasks, {})
    return {
      group_id: groupId,
      parent_task_id: task.taskId,
      plan_id: task.planId,
      total_tasks: task.subTasks.length,
      completed_tasks: task.subTasks.filter((id) => isCompleted(states[id])).length,
      created_at: `${task.createdAt}Z`,
    }
  }
}

const isCompleted = (subTask: unknown): boolean => documentOr<{ status?: unknown }>(subTask, {}).status === 'completed'
