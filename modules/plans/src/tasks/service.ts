import { type Context, commonProblems, type ModuleDatabase, type SqlSession, toId, uuidOf } from '@soma/kernel'
import type * as z from 'zod'
import type { plansOperations, Task, tasksOperations } from '../../contract/index.ts'
import { assertControl, isOwn, mayRead, mayWork } from '../access.ts'
import { hasPlanEnded, hasTaskEnded } from '../statuses.ts'
import { digestOf } from '../storable.ts'
import type { ChangePlan } from '../transition/change.ts'
import { emitPlanFact, emitTaskFact } from '../transition/facts.ts'
import { settlePlan } from '../transition/plan-changes.ts'
import { readGroups, readOpenTasks, readTasks } from '../transition/read.ts'
import { requestTask } from '../transition/replies.ts'
import type { TaskRow } from '../transition/rows.ts'
import { cancelTask, moveTask } from '../transition/task-changes.ts'
import { beginTransition, record, type Transition } from '../transition/transition.ts'
import { orFindAgain, writeTransition } from '../transition/write.ts'
import { viewTask } from '../views.ts'
import type { ChangeTask } from './change-task.ts'
import { delegateTasks } from './delegate.ts'
import { finishLonePlan } from './lone.ts'
import { newLonePlan } from './outside.ts'

type CreateBody = z.output<(typeof tasksOperations.create)['body']>
type DelegateBody = z.output<(typeof plansOperations.delegate)['body']>
type TaskDelegateBody = z.output<(typeof tasksOperations.delegate)['body']>
type NewId = (prefix: string) => string

interface Dependencies {
  readonly database: ModuleDatabase
  readonly changePlan: ChangePlan
  readonly changeTask: ChangeTask
}

interface Delegated {
  readonly taskIds: string[]
  readonly groupId?: string
  readonly tasks: Task[]
}

/** Handing tasks out, and the commands of people on one task. */
export function createTaskService({ database, changePlan, changeTask }: Dependencies) {
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
    create: (context: Context, body: CreateBody, newId: NewId): Promise<Task> => {
      const { planId, parentTaskId, groupId: _groupId, sessionId, ...spec } = body
      const taskId = spec.taskId ?? newId('task')
      if (parentTaskId !== undefined) {
        return changeTask(context, parentTaskId, {
          allow: (plan) => mayWork(context, plan),
          work: async (transition, parent, tx) =>
            viewTask(
              one(
                await delegateTasks(transition, tx, {
                  specs: [{ ...spec, taskId }],
                  parent,
                  groupId: undefined,
                  newId,
                  sessionId,
                }),
              ),
            ),
        })
      }
      if (planId === undefined) return createLone(context, { spec: { ...spec, taskId }, sessionId, newId })
      return changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          const task = one(
            await delegateTasks(transition, tx, {
              specs: [{ ...spec, taskId }],
              parent: undefined,
              groupId: undefined,
              newId,
              sessionId,
            }),
          )
          settlePlan(transition)
          return viewTask(task)
        },
      })
    },

    delegateOfPlan: (context: Context, planId: string, of: { body: DelegateBody; newId: NewId }): Promise<Delegated> =>
      changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          const groupId = groupOf(of.body, of.newId)
          const tasks = await delegateTasks(transition, tx, {
            specs: of.body.specs,
            parent: undefined,
            groupId,
            newId: of.newId,
          })
          settlePlan(transition)
          return answerOf(tasks)
        },
      }),

    delegateOfTask: (
      context: Context,
      taskId: string,
      of: { body: TaskDelegateBody; newId: NewId },
    ): Promise<Delegated> =>
      changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, parent, tx) => {
          if (hasTaskEnded(parent.status))
            throw commonProblems.conflict.create(`task ${parent.key} is ${parent.status}; it delegates nothing`, {
              taskStatus: parent.status,
            })
          const groupId = groupOf(of.body, of.newId)
          const tasks = await delegateTasks(transition, tx, { specs: of.body.specs, parent, groupId, newId: of.newId })
          if (parent.status === 'running') {
            moveTask(transition, parent, 'delegated')
            record(transition, 'task-delegated', {
              taskId,
              key: parent.key,
              to: tasks.map((task) => toId('task', task.id)),
            })
            emitTaskFact(transition, parent, 'delegated')
          }
          return answerOf(tasks)
        },
      }),

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

  async function createLone(
    context: Context,
    of: {
      spec: Omit<CreateBody, 'planId' | 'parentTaskId' | 'groupId' | 'sessionId'> & { taskId: string }
      sessionId: string | undefined
      newId: NewId
    },
  ): Promise<Task> {
    const id = uuidOf('task', of.spec.taskId)
    const digest = digestOf({ ...of.spec, taskId: undefined })
    return orFindAgain(() =>
      database.asWorker(context, async (tx) => {
        const [known] = await readTasks(tx, [id])
        if (known !== undefined) {
          if (known.doc.digest !== digest)
            throw commonProblems.conflict.create(`${of.spec.taskId} exists with another body`)
          return viewTask(known)
        }
        const [time] = await tx.query<{ at: Date }>("select date_trunc('milliseconds', statement_timestamp()) as at")
        if (time === undefined) throw new TypeError('the database told no time')
        const plan = newLonePlan(context, {
          taskUuid: id,
          at: time.at,
          title: of.spec.name ?? of.spec.type ?? of.spec.capability ?? of.spec.kind,
          sessionId: of.sessionId,
          digest,
        })
        const transition = beginTransition(plan, { at: time.at, byId: context.principal.id, isNewPlan: true })
        record(transition, 'plan-created', { origin: 'task', digest })
        emitPlanFact(transition, 'created')
        const task = one(
          await delegateTasks(transition, tx, {
            specs: [of.spec],
            parent: undefined,
            groupId: undefined,
            newId: of.newId,
            sessionId: of.sessionId,
          }),
        )
        await writeTransition(tx, transition)
        return viewTask(task)
      }),
    )
  }
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

function one(tasks: readonly TaskRow[]): TaskRow {
  const [task] = tasks
  if (task === undefined) throw new TypeError('one spec made no task')
  return task
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

/** An open task as its next try; a failed one of an open plan as a new generation (PLN-R52). */
function retryTask(transition: Transition, task: TaskRow, reason: string): void {
  const { plan } = transition
  if (hasPlanEnded(plan.status) || plan.status === 'stopping')
    throw commonProblems.conflict.create(`the plan is ${plan.status}; its tasks are not retried`, {
      planStatus: plan.status,
    })
  if (task.kind !== 'agent') throw commonProblems.conflict.create(`a ${task.kind} task is not retried`)
  const { generation } = task
  if (task.status === 'failed') reopen(transition, task)
  else if (task.status === 'running') moveTask(transition, task, 'pending')
  else if (task.status !== 'pending')
    throw commonProblems.conflict.create(`task ${task.key} is ${task.status}; it cannot be retried`, {
      taskStatus: task.status,
    })
  if (task.generation === generation) task.try += 1
  delete task.doc.deliveryKey
  task.doc.pendingFor = 'agent'
  transition.changedTasks.add(task.id)
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
  task.try = 1
  task.delivery = 0
  task.status = 'pending'
  task.version += 1
  task.endedAt = undefined
  task.startedAt = undefined
  delete task.doc.problem
  delete task.doc.replied
}
