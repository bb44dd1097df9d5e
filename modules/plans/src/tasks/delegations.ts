import { type Context, commonProblems, toId, uuidOf } from '@soma/kernel'
import type * as z from 'zod'
import type { plansOperations, Task, tasksOperations } from '../../contract/index.ts'
import { isOwn, mayWork } from '../access.ts'
import { storeStateBeside } from '../plans/planner.ts'
import { hasTaskEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import type { ChangePlan } from '../transition/change.ts'
import { emitTaskFact } from '../transition/facts.ts'
import { settlePlan } from '../transition/plan-changes.ts'
import type { TaskRow } from '../transition/rows.ts'
import { moveTask } from '../transition/task-changes.ts'
import { record, type Transition } from '../transition/transition.ts'
import { viewTask } from '../views.ts'
import type { ChangeTask } from './change-task.ts'
import { delegateTasks, type TaskDefaults } from './delegate.ts'

type DelegateBody = z.output<(typeof plansOperations.delegate)['body']>
type TaskDelegateBody = z.output<(typeof tasksOperations.delegate)['body']>
type NewId = (prefix: string) => string

interface Delegated {
  readonly taskIds: string[]
  readonly groupId?: string
  readonly tasks: Task[]
}

/** Handing out several tasks at once, by a plan's owner or by the holder of a task. */
export function createDelegations({
  changePlan,
  changeTask,
  defaults,
}: {
  changePlan: ChangePlan
  changeTask: ChangeTask
  defaults: TaskDefaults
}) {
  return {
    ofPlan: (context: Context, planId: string, of: { body: DelegateBody; newId: NewId }): Promise<Delegated> => {
      assertStorable(of.body.state, '/body/state')
      return changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          storeStateBeside(transition, of.body)
          const groupId = groupOf(of.body, of.newId)
          const tasks = await delegateTasks(transition, tx, {
            specs: of.body.specs,
            parent: undefined,
            groupId,
            newId: of.newId,
            defaults,
          })
          settlePlan(transition)
          return answerOf(tasks)
        },
      })
    },

    ofTask: (context: Context, taskId: string, of: { body: TaskDelegateBody; newId: NewId }): Promise<Delegated> =>
      changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, parent, tx) => {
          if (hasTaskEnded(parent.status))
            throw commonProblems.conflict.create(`task ${parent.key} is ${parent.status}; it delegates nothing`, {
              taskStatus: parent.status,
            })
          const groupId = groupOf(of.body, of.newId)
          const tasks = await delegateTasks(transition, tx, {
            specs: of.body.specs,
            parent,
            groupId,
            newId: of.newId,
            defaults,
          })
          if (parent.status === 'running') markDelegated(transition, parent, tasks)
          return answerOf(tasks)
        },
      }),
  }
}

function markDelegated(transition: Transition, parent: TaskRow, tasks: readonly TaskRow[]): void {
  moveTask(transition, parent, 'delegated')
  const to = tasks.map((task) => toId('task', task.id))
  record(transition, 'task-delegated', { taskId: toId('task', parent.id), key: parent.key, to })
  emitTaskFact(transition, parent, 'delegated')
}

const groupOf = (body: { group: boolean; groupId?: string | undefined }, newId: NewId): string | undefined =>
  body.group || body.groupId !== undefined ? uuidOf('grp', body.groupId ?? newId('grp')) : undefined

function answerOf(tasks: readonly TaskRow[]): Delegated {
  const group = tasks[0]?.groupId
  return {
    taskIds: tasks.map((task) => toId('task', task.id)),
    ...(group === undefined ? {} : { groupId: toId('grp', group) }),
    tasks: tasks.map(viewTask),
  }
}
