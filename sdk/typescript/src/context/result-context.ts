import { absentAsUndefined } from './absent.ts'
import type { EventEnvelope, Json } from '@soma/kernel'
import type { Task } from '@soma/plans/contract'
import type { Handling } from '../run/handling.ts'
import { ignoringConflict } from './delegation.ts'
import { type ProblemValue, toProblemValue } from './failure.ts'
import { openGate } from './gates.ts'
import { isOfPlanner, openPlan, type PlanContext } from './plan-context.ts'
import { type GroupView, type OpenTask, restoreTask, type TaskContext, toGroupView } from './task-context.ts'

/** The reply to something this agent asked for. */
export interface ResultContext<Data = unknown> {
  readonly type: string
  /** What the reply says; undefined when it failed. */
  readonly data: Data
  readonly outcome: 'ok' | 'failed'
  readonly problem: ProblemValue | undefined
  /** The task that was delegated. Undefined for replies to plain events. */
  readonly subTaskId: string | undefined
  /** Key of that task in its plan. */
  readonly key: string | undefined
  readonly groupId: string | undefined
  /** Where the group of the task stands; `done` is true in the result of the member that ended last, and in no other. */
  readonly group: GroupView | undefined
  readonly correlationId: string
  /** The task that delegated it, with its state. Undefined when it was not a task of this agent. */
  restoreTask(): Promise<TaskContext | undefined>
  /** The plan of this planner that it belongs to. Undefined when there is none, or it has ended. */
  restorePlan(): Promise<PlanContext | undefined>
}

/** A reply with what it belongs to. Undefined: the reply is for another agent. */
export interface OpenResult {
  readonly context: ResultContext
  /** Set once `restoreTask` was called. */
  readonly restored: () => OpenTask | undefined
}

export async function openResult(handling: Handling, data: unknown): Promise<OpenResult | undefined> {
  const { event } = handling
  const subTask = await subTaskOf(handling)
  if (subTask === 'foreign') return undefined
  const owner = subTask === undefined ? {} : await ownerOf(handling, subTask)
  if (owner === undefined) return undefined
  const group = subTask === undefined ? undefined : await groupOf(handling, subTask)
  let restored: OpenTask | undefined
  const context: ResultContext = {
    type: event.type,
    data,
    outcome: event.outcome ?? 'ok',
    problem: event.outcome === 'failed' ? toProblemValue(event.data) : undefined,
    subTaskId: subTask?.taskId,
    key: subTask?.key,
    groupId: subTask?.groupId,
    group,
    correlationId: event.correlationid ?? event.id,
    async restoreTask() {
      if (subTask?.parentTaskId === undefined) return undefined
      const known = { subTaskId: subTask.taskId, subTask: endedSubTask(subTask, event) }
      restored ??= await restoreTask(handling, subTask.parentTaskId, known)
      return restored?.context
    },
    restorePlan: async () => owner.plan?.(),
  }
  return { context, restored: () => restored }
}

const endedSubTask = (subTask: Task, event: EventEnvelope) => ({
  type: subTask.type ?? subTask.kind,
  status: event.outcome === 'failed' ? 'failed' : 'completed',
  ...(event.outcome === 'failed' ? { problem: toProblemValue(event.data) } : { result: (event.data ?? null) as Json }),
})

/** The delegated task that a reply answers: its correlation is the task's id. Undefined for a reply to a plain event. */
async function subTaskOf(handling: Handling): Promise<Task | 'foreign' | undefined> {
  const { correlationid } = handling.event
  if (correlationid?.startsWith('task_') !== true) return undefined
  const taskId = correlationid
  const { tasks } = handling.clients.plans
  const task = await absentAsUndefined(() => tasks.get({ params: { taskId } }))
  if (task === undefined) return 'foreign'
  return hasEnded(task) ? task : recordEnd(handling, task)
}

const hasEnded = (task: Task): boolean => ['completed', 'failed', 'cancelled'].includes(task.status)

/** The reply was faster here than at `plans`: it is told, so that everything read from now on contains it. */
async function recordEnd(handling: Handling, task: Task): Promise<Task> {
  const { event, clients } = handling
  const params = { taskId: task.taskId }
  const recorded = await ignoringConflict(() =>
    event.outcome === 'failed'
      ? clients.plans.tasks.fail({ params, body: { problem: toProblemValue(event.data), reply: false } })
      : clients.plans.tasks.complete({ params, body: { output: (event.data ?? null) as Json, reply: false } }),
  )
  return recorded?.task ?? clients.plans.tasks.get({ params })
}

/** Undefined: the task was delegated by another agent. */
async function ownerOf(handling: Handling, subTask: Task): Promise<{ plan?: () => PlanContext } | undefined> {
  const { clients, agent } = handling
  if (subTask.parentTaskId !== undefined) {
    const taskId = subTask.parentTaskId
    const parent = await absentAsUndefined(() => clients.plans.tasks.get({ params: { taskId } }))
    return parent?.agent?.name === agent.name ? {} : undefined
  }
  const plan = await absentAsUndefined(() => clients.plans.plans.get({ params: { planId: subTask.planId } }))
  if (plan === undefined || !isOfPlanner(plan, handling)) return undefined
  let opened: PlanContext | undefined
  return { plan: () => (opened ??= openPlan(handling, plan, openGate)) }
}

async function groupOf(handling: Handling, subTask: Task): Promise<GroupView | undefined> {
  const { groupId, parentTaskId, planId } = subTask
  if (groupId === undefined) return undefined
  const { groups } = handling.clients.plans
  const group =
    parentTaskId === undefined
      ? await groups.ofPlan({ params: { planId, groupId } })
      : await groups.get({ params: { taskId: parentTaskId, groupId } })
  return { ...toGroupView(group), done: group.done && group.lastTaskId === subTask.taskId }
}
