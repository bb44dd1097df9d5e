import { type Context, commonProblems, type ModuleDatabase, type Transaction, uuidOf } from '@soma/kernel'
import type * as z from 'zod'
import type { Task, tasksOperations } from '../../contract/index.ts'
import { isOwn, mayWork } from '../access.ts'
import { digestOf } from '../storable.ts'
import type { ChangePlan } from '../transition/change.ts'
import { emitPlanFact } from '../transition/facts.ts'
import { settlePlan } from '../transition/plan-changes.ts'
import { readTasks } from '../transition/read.ts'
import type { TaskRow } from '../transition/rows.ts'
import { beginTransition, record, type Transition } from '../transition/transition.ts'
import { orFindAgain, writeTransition } from '../transition/write.ts'
import { viewTask } from '../views.ts'
import type { ChangeTask } from './change-task.ts'
import { delegateTasks, type TaskDefaults } from './delegate.ts'
import { newLonePlan } from './outside.ts'

type CreateBody = z.output<(typeof tasksOperations.create)['body']>
type NewId = (prefix: string) => string

interface Dependencies {
  readonly database: ModuleDatabase
  readonly changePlan: ChangePlan
  readonly changeTask: ChangeTask
  readonly defaults: TaskDefaults
}

/** One task with its id fixed, and where it goes. */
interface Asked {
  readonly spec: Omit<CreateBody, 'planId' | 'parentTaskId' | 'groupId' | 'sessionId'> & { readonly taskId: string }
  readonly groupId: string | undefined
  readonly sessionId: string | undefined
  readonly newId: NewId
  readonly defaults: TaskDefaults
}

/** Hands out one task: under a task, in a plan, or alone. */
export function createTaskCreator({ database, changePlan, changeTask, defaults }: Dependencies) {
  return (context: Context, body: CreateBody, newId: NewId): Promise<Task> => {
    const { planId, parentTaskId, groupId, sessionId, ...spec } = body
    const asked = { spec: { ...spec, taskId: spec.taskId ?? newId('task') }, groupId, sessionId, newId, defaults }
    if (parentTaskId !== undefined) return createUnder(context, { planId, parentTaskId, asked })
    if (planId !== undefined) return createIn(context, planId, asked)
    return orFindAgain(() => database.asWorker(context, (tx) => createLone(tx, context, asked)))
  }

  function createUnder(
    context: Context,
    { planId, parentTaskId, asked }: { planId: string | undefined; parentTaskId: string; asked: Asked },
  ): Promise<Task> {
    return changeTask(context, parentTaskId, {
      allow: (plan) => mayWork(context, plan),
      work: async (transition, parent, tx) => {
        if (planId !== undefined && uuidOf('plan', planId) !== parent.planId)
          throw commonProblems.notFound.create(`no task ${parentTaskId}`)
        return viewTask(await delegateOne(transition, tx, { asked, parent }))
      },
    })
  }

  function createIn(context: Context, planId: string, asked: Asked): Promise<Task> {
    return changePlan(context, uuidOf('plan', planId), {
      missing: `no plan ${planId}`,
      allow: (plan) => isOwn(context, plan),
      work: async (transition, tx) => {
        const task = await delegateOne(transition, tx, { asked, parent: undefined })
        settlePlan(transition)
        return viewTask(task)
      },
    })
  }
}

async function createLone(tx: Transaction, context: Context, asked: Asked): Promise<Task> {
  const { spec, sessionId } = asked
  const id = uuidOf('task', spec.taskId)
  const digest = digestOf({ ...spec, taskId: undefined })
  const [known] = await readTasks(tx, [id])
  if (known !== undefined) {
    if (known.doc.digest !== digest) throw commonProblems.conflict.create(`${spec.taskId} exists with another body`)
    return viewTask(known)
  }
  const [time] = await tx.query<{ at: Date }>("select date_trunc('milliseconds', statement_timestamp()) as at")
  if (time === undefined) throw new TypeError('the database told no time')
  const title = spec.name ?? spec.type ?? spec.capability ?? spec.kind
  const plan = newLonePlan(context, { taskUuid: id, at: time.at, title, sessionId, digest })
  const transition = beginTransition(plan, { at: time.at, byId: context.principal.id, isNewPlan: true })
  record(transition, 'plan-created', { origin: 'task', digest })
  emitPlanFact(transition, 'created')
  const task = await delegateOne(transition, tx, { asked, parent: undefined })
  await writeTransition(tx, transition)
  return viewTask(task)
}

async function delegateOne(
  transition: Transition,
  tx: Transaction,
  { asked, parent }: { asked: Asked; parent: TaskRow | undefined },
): Promise<TaskRow> {
  const { spec, groupId: joins, sessionId, newId, defaults } = asked
  const delegation = { specs: [spec], parent, groupId: undefined, joins, newId, sessionId, defaults }
  const [task] = await delegateTasks(transition, tx, delegation)
  if (task === undefined) throw new TypeError(`the spec of ${spec.taskId} made no task`)
  return task
}
