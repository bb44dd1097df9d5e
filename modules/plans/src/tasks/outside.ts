import { type Context, type Json, type ModuleDatabase, type SqlSession, toId, withoutUndefined } from '@soma/kernel'
import type * as z from 'zod'
import type { tasksOperations } from '../../contract/index.ts'
import { digestOf } from '../storable.ts'
import { emitPlanFact, emitTaskFact } from '../transition/facts.ts'
import { settlePlan } from '../transition/plan-changes.ts'
import { derivedUuid } from '../transition/replies.ts'
import { emptyCounts, type PlanRow, type TaskDoc, type TaskRow } from '../transition/rows.ts'
import { startTask } from '../transition/task-changes.ts'
import { setTaskTimer } from '../transition/task-timers.ts'
import { beginTransition, record, type Transition } from '../transition/transition.ts'
import { writeTransition } from '../transition/write.ts'
import { taskWithin } from './change-task.ts'
import { assertTakesTasks } from './delegate.ts'

export type SaveContext = z.output<(typeof tasksOperations.putContext)['body']>

export interface OutsideTask {
  readonly id: string
  readonly state: Json
  readonly task: NonNullable<SaveContext['task']>
}

/** The plan of a lone task has an id that follows from the task's, so that two savers make one. */
export const lonePlanIdOf = (taskUuid: string): string => derivedUuid('lone-plan', taskUuid)

/** A task that came to its worker as an event, not from here: its first save makes it, as a plan of one task (PLN-R8, R60). */
export async function createLonePlan(
  { database }: { database: ModuleDatabase },
  context: Context,
  outside: OutsideTask,
): Promise<TaskRow> {
  return database.asWorker(context, async (tx) => {
    const [time] = await tx.query<{ at: Date }>("select date_trunc('milliseconds', statement_timestamp()) as at")
    if (time === undefined) throw new TypeError('the database told no time')
    const plan = newLonePlan(context, {
      taskUuid: outside.id,
      at: time.at,
      title: outside.task.type,
      sessionId: outside.task.sessionId,
      digest: digestOf(outside.task),
    })
    const transition = beginTransition(plan, { at: time.at, byId: context.principal.id, isNewPlan: true })
    record(transition, 'plan-created', { origin: 'task', digest: plan.doc.digest })
    emitPlanFact(transition, 'created')
    const task = await adoptTask(transition, tx, outside)
    await writeTransition(tx, transition)
    return task
  })
}

/** A plan row of one task. */
export function newLonePlan(
  context: Context,
  of: { taskUuid: string; at: Date; title: string; sessionId: string | undefined; digest: string },
): PlanRow {
  const id = lonePlanIdOf(of.taskUuid)
  return {
    id,
    rootId: id,
    parentId: undefined,
    depth: 0,
    driver: 'planner',
    origin: 'task',
    status: 'pending',
    phase: 'main',
    stopReason: undefined,
    spaceId: context.spaceId,
    userId: context.userId,
    ownerId: context.principal.id,
    sessionId: of.sessionId ?? context.cause?.sessionId,
    visibility: 'private',
    revision: 1,
    counts: emptyCounts(),
    seq: 0,
    head: undefined,
    version: 1,
    doc: {
      title: of.title,
      labels: {},
      correlationIds: [],
      traceparent: context.traceparent,
      priority: 0,
      actionCount: 0,
      constitutionHash: context.constitutionHash,
      digest: of.digest,
    },
    state: undefined,
    results: undefined,
    createdAt: of.at,
    startedAt: undefined,
    endedAt: undefined,
  }
}

/** Adds a task whose request was not ours, already in the hands of its worker. */
export async function adoptTask(transition: Transition, tx: SqlSession, outside: OutsideTask): Promise<TaskRow> {
  const { plan } = transition
  const { task: fields } = outside
  const parentId = fields.parentTaskId === undefined ? undefined : await taskWithin(tx, plan.id, fields.parentTaskId)
  assertTakesTasks(transition)
  const key = await freeKey(tx, plan.id, fields.key ?? fields.type.replace(/\.requested$/, ''))
  plan.counts.total += 1
  plan.counts.pending += 1
  const task: TaskRow = {
    id: outside.id,
    planId: plan.id,
    key,
    ord: plan.counts.total,
    kind: 'agent',
    status: 'pending',
    outcome: undefined,
    parentId,
    groupId: undefined,
    generation: 1,
    try: 1,
    delivery: 0,
    fence: 0,
    resultSeq: undefined,
    output: undefined,
    doc: docOf(transition, outside, key),
    state: outside.state,
    version: 1,
    createdAt: transition.at,
    startedAt: undefined,
    endedAt: undefined,
  }
  transition.tasks.set(task.id, task)
  transition.newTasks.add(task.id)
  if (task.doc.deadlineAt !== undefined) setTaskTimer(transition, 'task', { task, at: new Date(task.doc.deadlineAt) })
  record(transition, 'task-created', {
    taskId: toId('task', task.id),
    key,
    kind: 'agent',
    type: fields.type,
    data: fields.data,
    fromOutside: true,
  })
  emitTaskFact(transition, task, 'created')
  startTask(transition, task, fields.agent === undefined ? {} : { agent: fields.agent })
  settlePlan(transition)
  return task
}

function docOf(transition: Transition, outside: OutsideTask, key: string): TaskDoc {
  const { task: fields } = outside
  return withoutUndefined({
    name: key,
    type: fields.type,
    agent: fields.agent,
    inputs: fields.data,
    responseType: fields.responseType,
    responseTopic: fields.responseTopic,
    correlationId: fields.correlationId ?? toId('task', outside.id),
    sessionId: fields.sessionId ?? transition.plan.sessionId,
    goalId: fields.goalId,
    deadlineAt:
      fields.timeoutMs === undefined ? undefined : new Date(transition.at.getTime() + fields.timeoutMs).toISOString(),
    priority: fields.priority ?? 0,
    digest: digestOf(fields),
  }) as TaskDoc
}

async function freeKey(tx: SqlSession, planId: string, base: string): Promise<string> {
  const rows = await tx.query<{ key: string }>('select key from plans.tasks where plan_id = $1 and key like $2', [
    planId,
    `${base.replaceAll(/[%_\\]/g, '\\$&')}%`,
  ])
  const taken = new Set(rows.map((row) => row.key))
  if (!taken.has(base)) return base
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`
}
