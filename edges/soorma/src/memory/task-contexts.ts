import type { plansContract, TaskContextValue } from '@soma/plans/contract'
import { type Client, commonProblems, isProblem, type ModuleDatabase, newId, type Problem } from '@soma/kernel'
import { type EventTypes, toForeignType } from '../events/types.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import {
  amendRecord,
  deleteNames,
  deleteRecord,
  deleteRecordsOf,
  type RecordRow,
  selectRecord,
  upsertNames,
} from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { type Document, MAXIMUM_SUB_TASKS, type TaskContextCreate, type TaskContextUpdate } from './dtos.ts'
import { documentOr, naiveTime, sameId, standInId } from './foreign-ids.ts'
import { type createPlans, ownType } from './plans.ts'
import { mergeStates } from './sub-tasks.ts'

/** What the dialect says of a task and ours has no word for. */
interface TaskDetail {
  readonly planId: string | null
  readonly responseEvent: string | null
  readonly responseTopic: string
  readonly subTasks: readonly string[]
  /** Whether the task began with its context: then it ends with it. */
  readonly isMade: boolean
}

interface KnownTask {
  readonly taskId: string
  readonly task: TaskContextValue
  readonly record: RecordRow<TaskDetail> | undefined
}

export interface TaskContextOptions {
  readonly tasks: Client<typeof plansContract>['tasks']
  readonly database: ModuleDatabase
  readonly types: EventTypes
}

/** A save that lost a race is done again on what the winner left. */
const ATTEMPTS = 10

export const taskNames = ({ serviceUser }: Caller) => ({ kind: 'task', userId: serviceUser }) as const
/** What a sub-task's name stands for is the name of its task. */
const subTaskNames = ({ serviceUser }: Caller) => ({ kind: 'sub-task', userId: serviceUser }) as const

/** Contexts of tasks: the state that a worker saves while others do parts of the work. */
export function createTaskContexts(
  { tasks, database, types }: TaskContextOptions,
  plans: Pick<ReturnType<typeof createPlans>, 'find' | 'readAnywhere'>,
) {
  /** Only of the own space: a user may be at home in several. A plan that the caller does not see is one without a user, of which workers of its space see the tasks. */
  const read = async ({ context }: Caller, taskId: string): Promise<TaskContextValue | undefined> => {
    const task = await tasks.getContext(context, { params: { taskId } }).catch(ignoreNotFound)
    const plan = task && (await plans.readAnywhere(context, task.planId))
    return plan !== undefined && plan.spaceId !== context.spaceId ? undefined : task
  }

  const find = async (caller: Caller, taskId: string): Promise<KnownTask | undefined> => {
    const record = await database.transaction(caller.context, (tx) =>
      selectRecord<TaskDetail>(tx, taskNames(caller), taskId),
    )
    const ownId = record?.own_id ?? sameId('task', taskId)
    const task = ownId === undefined ? undefined : await read(caller, ownId)
    return task && { taskId, task, record }
  }

  const required = async (caller: Caller, taskId: string): Promise<KnownTask> => {
    const known = await find(caller, taskId)
    if (known === undefined) throw refusal(404, `Task context not found: ${taskId}`)
    return known
  }

  /** In the plan that it names where that takes tasks, else alone. */
  const createOwn = async (caller: Caller, ownId: string, body: TaskContextCreate): Promise<TaskContextValue> => {
    const { eventType, data, responseEvent, responseTopic, state } = body
    const isOwnTopic = responseTopic === 'action-results' || responseTopic === 'business-facts'
    const plan = body.planId ? await plans.find(caller, body.planId) : undefined
    const put = (planId?: string) =>
      tasks.putContext(caller.context, {
        params: { taskId: ownId },
        ifMatch: 0,
        body: {
          state,
          task: {
            type: ownType(types, eventType),
            data,
            ...(planId === undefined ? {} : { planId }),
            ...(responseEvent ? { responseType: ownType(types, responseEvent) } : {}),
            ...(isOwnTopic ? { responseTopic } : {}),
          },
        },
      })
    if (plan === undefined) return put()
    return put(plan.plan.planId).catch((error: unknown) => {
      if (!isProblem(error) || error.code !== 'conflict') throw error
      return put()
    })
  }

  /** A task of this name, made now. A UUID that somebody else's task has gets a stand-in, and the name of one that has ended another task. */
  const make = async (caller: Caller, body: TaskContextCreate): Promise<TaskContextValue> => {
    const standIn = standInId('task', caller, body.taskId)
    let refused: Problem | undefined
    for (const ownId of new Set([sameId('task', body.taskId) ?? standIn, standIn, newId('task')])) {
      const task = await createOwn(caller, ownId, body).catch((error: unknown) => {
        if (!isProblem(error) || !TAKEN.has(error.code)) throw error
        refused = error
        return read(caller, ownId)
      })
      if (task !== undefined && task.endedAt === undefined) return task
    }
    throw refused ?? commonProblems.conflict.create(`task ${body.taskId} cannot be made`)
  }

  const saveState = async (caller: Caller, taskId: string, change: (before: Document) => Document): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const { task } = await required(caller, taskId)
      const params = { taskId: task.taskId }
      const state = change(documentOr<Document>(task.state, {}))
      try {
        await tasks.putContext(caller.context, { params, ifMatch: task.version, body: { state } })
        return
      } catch (error) {
        if (!isProblem(error) || error.code !== 'version-conflict' || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Sub-tasks that are said no more find their task no longer. */
  const saveDetail = (caller: Caller, taskId: string, save: { ownId: string; change: ChangeDetail }) =>
    database.transaction(caller.context, async (tx) => {
      const { before, detail } = await amendRecord(tx, taskNames(caller), { foreignId: taskId, ...save })
      const [now, then] = [new Set(detail.subTasks), new Set(before?.subTasks)]
      const names = subTaskNames(caller)
      await upsertNames(
        tx,
        names,
        taskId,
        [...now].filter((id) => !then.has(id)),
      )
      await deleteNames(
        tx,
        names,
        taskId,
        [...then].filter((id) => !now.has(id)),
      )
    })

  return {
    /** Makes a context, or changes what a second save may: what two replicas save at once is merged by sub-task. */
    put: async (caller: Caller, body: TaskContextCreate) => {
      const { taskId, planId = null, responseEvent = null, responseTopic, subTasks, state } = body
      const before = await find(caller, taskId)
      const task = before?.task ?? (await make(caller, body))
      await saveDetail(caller, taskId, {
        ownId: task.taskId,
        change: (known) => ({
          ...{ responseEvent, responseTopic, isMade: before === undefined },
          ...known,
          planId,
          subTasks: withAll(known?.subTasks ?? [], subTasks),
        }),
      })
      await saveState(caller, taskId, (saved) => mergeStates(saved, state))
      return viewOf(caller, await required(caller, taskId))
    },

    get: async (caller: Caller, taskId: string) => viewOf(caller, await required(caller, taskId)),

    update: async (caller: Caller, taskId: string, { subTasks, state }: TaskContextUpdate) => {
      const { task, record } = await required(caller, taskId)
      if (state) await saveState(caller, taskId, () => state)
      await saveDetail(caller, taskId, {
        ownId: task.taskId,
        change: (known) => ({
          ...(known ?? record?.detail ?? UNSAID),
          ...(subTasks ? { subTasks } : {}),
        }),
      })
      return viewOf(caller, await required(caller, taskId))
    },

    bySubTask: async (caller: Caller, subTaskId: string) => {
      const parent = await database.transaction(caller.context, (tx) =>
        selectRecord(tx, subTaskNames(caller), subTaskId),
      )
      const known = parent && (await find(caller, parent.own_id))
      if (known === undefined) throw refusal(404, `Parent task not found for sub-task: ${subTaskId}`)
      return viewOf(caller, known)
    },

    /** A task that began with its context is done: its worker has answered by itself. */
    remove: async (caller: Caller, taskId: string): Promise<undefined> => {
      const { task, record } = await required(caller, taskId)
      const params = { taskId: task.taskId }
      if (record?.detail.isMade === true)
        await tasks.complete(caller.context, { params, body: { reply: false } }).catch(ignoreEnded)
      else await tasks.deleteContext(caller.context, { params })
      await database.transaction(caller.context, async (tx) => {
        await deleteRecord(tx, taskNames(caller), taskId)
        await deleteRecordsOf(tx, subTaskNames(caller), taskId)
      })
    },
  }
}

type ChangeDetail = (known: TaskDetail | undefined) => TaskDetail

/** Replicas add to what each other said. @throws 422 for more than 1,000 */
function withAll(known: readonly string[], added: readonly string[]): string[] {
  const all = [...new Set([...known, ...added])]
  if (all.length > MAXIMUM_SUB_TASKS)
    throw refusal(422, `a task has at most ${MAXIMUM_SUB_TASKS} sub-tasks; with these it would have ${all.length}`)
  return all
}

const TAKEN = new Set(['conflict', 'not-found', 'version-conflict'])
const UNSAID: TaskDetail = {
  planId: null,
  responseEvent: null,
  responseTopic: 'action-results',
  subTasks: [],
  isMade: false,
}

const ignoreEnded = (error: unknown): undefined => {
  if (!isProblem(error) || error.status !== 409) throw error
}

function viewOf(caller: Caller, { taskId, task, record }: KnownTask) {
  const { planId, responseEvent, responseTopic, subTasks } = record?.detail ?? UNSAID
  const ownResponse = task.responseType === undefined ? null : toForeignType(task.responseType)
  return {
    tenantId: caller.platformTenant,
    userId: caller.serviceUser,
    taskId,
    planId: planId ?? (record === undefined ? task.planId : null),
    eventType: toForeignType(task.type ?? task.name),
    responseEvent: responseEvent ?? ownResponse,
    responseTopic,
    data: documentOr(task.inputs, {}),
    subTasks: [...subTasks],
    state: documentOr(task.state, {}),
    createdAt: naiveTime(record?.created_at ?? new Date(task.createdAt)),
    updatedAt: naiveTime(record?.updated_at ?? new Date(task.createdAt)),
  }
}
