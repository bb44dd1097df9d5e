import {
  type Context,
  commonProblems,
  type Json,
  type ModuleDatabase,
  toId,
  type Transaction,
  uuidOf,
  withoutUndefined,
} from '@soma/kernel'
import type { Task, TaskContextValue } from '../../contract/index.ts'
import { isOwn, mayWork } from '../access.ts'
import { hasTaskEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import type { ChangePlan } from '../transition/change.ts'
import {
  findPlanOfTask,
  lockPlan,
  readTasks,
  TASK_COLUMNS,
  TASK_OUTPUT,
  type TaskRecord,
  taskOf,
} from '../transition/read.ts'
import type { TaskRow } from '../transition/rows.ts'
import { touchTask } from '../transition/task-changes.ts'
import { record } from '../transition/transition.ts'
import { orFindAgain } from '../transition/write.ts'
import { viewTask } from '../views.ts'
import type { ChangeTask } from './change-task.ts'
import { adoptTask, createLonePlan, type SaveContext } from './outside.ts'

interface Dependencies {
  readonly database: ModuleDatabase
  readonly changePlan: ChangePlan
  readonly changeTask: ChangeTask
}

/** The saved context of tasks (PLN-R60): state by compare-and-set, sub-task results each in a row of their own. */
export function createTaskContexts({ database, changePlan, changeTask }: Dependencies) {
  return {
    get: (context: Context, taskId: string): Promise<TaskContextValue> =>
      database.asWorker(context, async (tx) => {
        const id = uuidOf('task', taskId)
        const planId = await findPlanOfTask(tx, id)
        const locked = planId === undefined ? undefined : await lockPlan(tx, planId)
        const [task] = await readTasks(tx, [id])
        if (locked === undefined || task === undefined || !mayWork(context, locked.plan))
          throw commonProblems.notFound.create(`no task ${taskId}`)
        return viewContext(tx, task)
      }),

    put: (context: Context, taskId: string, save: { body: SaveContext; version: number }): Promise<TaskContextValue> =>
      orFindAgain(() => put(context, taskId, save)),
    delete: async (context: Context, taskId: string): Promise<undefined> => {
      await changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: (transition, task) => {
          if (task.state === undefined) return
          task.state = undefined
          touchTask(transition, task)
          record(transition, 'task-state-dropped', { taskId, key: task.key, version: task.version })
        },
      })
      return undefined
    },
  }

  async function put(
    context: Context,
    taskId: string,
    save: { body: SaveContext; version: number },
  ): Promise<TaskContextValue> {
    assertStorable(save.body.state, '/body/state')
    assertStorable(save.body.task?.data, '/body/task/data')
    const id = uuidOf('task', taskId)
    const planId = await database.asWorker(context, (tx) => findPlanOfTask(tx, id))
    if (planId === undefined) return create(context, { taskId, id, save })
    return changeTask(context, taskId, {
      allow: (plan) => mayWork(context, plan),
      work: (transition, task, tx) => {
        if (task.version !== save.version)
          throw commonProblems.versionConflict.create(
            `task ${task.key} stands at version ${task.version}, not ${save.version}`,
            { version: task.version },
          )
        if (hasTaskEnded(task.status))
          throw commonProblems.conflict.create(`task ${task.key} is ${task.status}; its context is final`, {
            taskStatus: task.status,
          })
        task.state = save.body.state
        touchTask(transition, task)
        record(transition, 'task-state-put', { taskId, key: task.key, version: task.version })
        return viewContext(tx, task)
      },
    })
  }

  async function create(
    context: Context,
    of: { taskId: string; id: string; save: { body: SaveContext; version: number } },
  ): Promise<TaskContextValue> {
    const { body, version } = of.save
    const outside = body.task
    if (outside === undefined || version !== 0) throw commonProblems.notFound.create(`no task ${of.taskId}`)
    const fields = { id: of.id, state: body.state as Json, task: outside }
    const { planId, parentTaskId } = outside
    if (planId === undefined && parentTaskId === undefined)
      return withoutSubTasks(await createLonePlan({ database }, context, fields))
    const owner =
      planId === undefined
        ? await database.asWorker(context, (tx) => findPlanOfTask(tx, uuidOf('task', parentTaskId as string)))
        : uuidOf('plan', planId)
    const missing = planId === undefined ? `no task ${parentTaskId}` : `no plan ${planId}`
    if (owner === undefined) throw commonProblems.notFound.create(missing)
    return changePlan(context, owner, {
      missing,
      allow: (plan) => isOwn(context, plan) || mayWork(context, plan),
      work: async (transition, tx) => {
        const task = await adoptTask(transition, tx, fields)
        return withoutSubTasks(task)
      },
    })
  }
}

const withoutSubTasks = (task: TaskRow): TaskContextValue =>
  withoutUndefined({ ...viewTask(task), state: task.state, subTasks: {}, results: {} }) as TaskContextValue

/** The context with its sub-tasks as of now. */
async function viewContext(tx: Pick<Transaction, 'query'>, task: TaskRow): Promise<TaskContextValue> {
  const rows = await tx.query<TaskRecord>(
    `select ${TASK_COLUMNS}, ${TASK_OUTPUT} from plans.tasks t where t.parent_id = $1 order by t.ord`,
    [task.id],
  )
  const subTasks = rows.map(taskOf)
  return withoutUndefined({
    ...(viewTask(task) satisfies Task),
    state: task.state,
    subTasks: Object.fromEntries(
      subTasks.map((sub) => [
        toId('task', sub.id),
        withoutUndefined({
          type: sub.doc.type ?? sub.doc.capability ?? sub.kind,
          status: sub.status,
          groupId: sub.groupId === undefined ? undefined : toId('grp', sub.groupId),
          result: sub.output,
          problem: sub.doc.problem,
        }),
      ]),
    ),
    results: Object.fromEntries(
      subTasks.flatMap((sub) => (sub.output === undefined ? [] : [[toId('task', sub.id), sub.output] as const])),
    ),
  }) as TaskContextValue
}
