import { type Context, commonProblems, type Transaction, uuidOf } from '@soma/kernel'
import type { ChangePlanOf } from '../transition/change.ts'
import { settlePlan } from '../transition/plan-changes.ts'
import { findPlanOfTask, readGroups, readTasks } from '../transition/read.ts'
import type { PlanRow, TaskRow } from '../transition/rows.ts'
import type { Transition } from '../transition/transition.ts'
import { hasPlanEnded } from '../statuses.ts'

export interface TaskChange<T> {
  readonly allow: (plan: PlanRow) => boolean
  readonly work: (transition: Transition, task: TaskRow, tx: Transaction) => Promise<T> | T
}

/** Runs one change of one task under its plan's lock, with its group loaded; running and waiting of the plan are settled after it. */
export function createTaskChanger({ changePlanOf }: { changePlanOf: ChangePlanOf }) {
  return async <T>(context: Context, taskId: string, change: TaskChange<T>): Promise<T> => {
    const id = uuidOf('task', taskId)
    return changePlanOf(context, id, {
      missing: `no task ${taskId}`,
      allow: change.allow,
      beside: (tx) => readTasks(tx, [id]),
      work: async (transition, tx, [read]) => {
        const task = await holdTask(transition, tx, read)
        if (task === undefined) throw commonProblems.notFound.create(`no task ${taskId}`)
        const answer = await change.work(transition, task, tx)
        if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
        return answer
      },
    })
  }
}
export type ChangeTask = ReturnType<typeof createTaskChanger>

/** The uuid of a task that a caller names beside its plan. @throws not-found when it is of another plan, as when there is none */
export async function taskWithin(tx: Pick<Transaction, 'query'>, planId: string, taskId: string): Promise<string> {
  const id = uuidOf('task', taskId)
  if ((await findPlanOfTask(tx, id)) !== planId) throw commonProblems.notFound.create(`no task ${taskId}`)
  return id
}

/** A task of the locked plan with its group. */
export async function loadTask(
  transition: Transition,
  tx: Pick<Transaction, 'query'>,
  id: string,
): Promise<TaskRow | undefined> {
  const [task] = await readTasks(tx, [id])
  return holdTask(transition, tx, task)
}

async function holdTask(
  transition: Transition,
  tx: Pick<Transaction, 'query'>,
  task: TaskRow | undefined,
): Promise<TaskRow | undefined> {
  if (task === undefined || task.planId !== transition.plan.id) return undefined
  transition.tasks.set(task.id, task)
  if (task.groupId !== undefined)
    for (const group of await readGroups(tx, [task.groupId])) transition.groups.set(group.id, group)
  return task
}
