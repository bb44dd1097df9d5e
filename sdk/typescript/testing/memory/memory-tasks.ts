import { type EventEnvelope, type Json, newUuid, toId, newTraceparent } from '@soma/kernel'
import type { Plan, Task, TaskContextValue, TaskGroup, TaskSpec } from '@soma/plans/contract'
import type { MemoryClock } from './memory-clock.ts'

/** Rows of plans, tasks and groups, by the shapes of the contract. */
export interface PlanRow {
  plan: Plan
  readonly userId: string | undefined
}

export interface TaskRow {
  task: Task
  state: Json | undefined
  readonly deadlineMs: number | undefined
  deliveryKey?: string
}

export interface GroupRow {
  readonly groupId: string
  readonly planId: string
  readonly parentTaskId: string | undefined
  readonly members: readonly string[]
  lastTaskId?: string
  readonly createdAt: string
  completedAt?: string
}

const NOTHING_SPENT = { tokens: 0, costMicros: 0, currency: 'USD', timeMs: 0, calls: 0 }
const NO_COUNTS = { total: 0, pending: 0, running: 0, delegated: 0, waiting: 0, completed: 0, failed: 0, cancelled: 0 }

export const hasEnded = ({ status }: { status: string }): boolean =>
  ['completed', 'failed', 'cancelled'].includes(status)

export function newPlan(body: Partial<Plan> & { planId: string; title: string }, clock: MemoryClock): Plan {
  return {
    driver: 'planner',
    origin: body.stateMachine === undefined ? 'intent' : 'state-machine',
    status: 'running',
    phase: 'main',
    revision: 1,
    ownerId: 'test',
    spaceId: '',
    visibility: 'private',
    rootPlanId: body.planId,
    depth: 0,
    correlationIds: [],
    traceparent: newTraceparent(),
    priority: 0,
    spent: NOTHING_SPENT,
    counts: NO_COUNTS,
    progress: 0,
    actionCount: 0,
    labels: {},
    constitutionHash: 'none',
    journal: { seq: 0, hash: '' },
    createdAt: clock.iso(),
    startedAt: clock.iso(),
    version: 1,
    ...body,
  }
}

export interface TaskOf {
  readonly spec: Partial<TaskSpec>
  readonly planId: string
  readonly parentTaskId?: string | undefined
  readonly groupId?: string | undefined
  readonly correlationId?: string | undefined
  readonly key: string
}

export function newTask(of: TaskOf, clock: MemoryClock): TaskRow {
  const { spec } = of
  const taskId = spec.taskId ?? toId('task', newUuid())
  const deadlineMs = spec.timeoutMs === undefined ? undefined : clock.nowMs() + spec.timeoutMs
  const isWait = spec.kind !== undefined && spec.kind !== 'agent'
  const task = defined({
    taskId,
    planId: of.planId,
    key: of.key,
    name: spec.name ?? of.key,
    kind: spec.kind ?? 'agent',
    status: isWait ? 'waiting' : 'pending',
    parentTaskId: of.parentTaskId,
    groupId: of.groupId,
    generation: 1,
    try: 1,
    delivery: 0,
    fence: 0,
    type: spec.type,
    capability: spec.capability,
    inputs: spec.data,
    responseType: spec.responseType,
    responseTopic: spec.responseTopic ?? 'action-results',
    correlationId: of.correlationId ?? taskId,
    deadlineAt: deadlineMs === undefined ? undefined : new Date(deadlineMs).toISOString(),
    priority: spec.priority ?? 0,
    gateId: spec.gateId,
    spent: NOTHING_SPENT,
    createdAt: clock.iso(),
    version: 1,
  }) as Task
  return { task, state: undefined, deadlineMs }
}

/** The request event of a task, as `plans` sends it. */
export const requestOf = (task: Task, attempt: number) => ({
  ...defined({ responseType: task.responseType, responseTopic: task.responseTopic, data: task.inputs }),
  id: toId('evt', newUuid()),
  type: task.type as string,
  topic: 'action-requests',
  correlationId: task.correlationId,
  planId: task.planId,
  taskId: task.taskId,
  partitionKey: `${task.taskId}${attempt === 1 ? '' : `-${attempt}`}`,
})

export const replyOf = (task: Task, ending: { ok: boolean; data: Json }) => ({
  type: task.responseType as string,
  topic: task.responseTopic ?? 'action-results',
  data: ending.data,
  outcome: ending.ok ? 'ok' : 'failed',
  correlationId: task.correlationId,
  planId: task.planId,
  taskId: task.taskId,
})

export function contextOf(row: TaskRow, subTasks: readonly TaskRow[]): TaskContextValue {
  return {
    ...row.task,
    ...(row.state === undefined ? {} : { state: row.state }),
    subTasks: Object.fromEntries(
      subTasks.map(({ task }) => [
        task.taskId,
        defined({
          type: task.type ?? task.kind,
          status: task.status,
          groupId: task.groupId,
          result: task.output,
          problem: task.problem,
        }) as TaskContextValue['subTasks'][string],
      ]),
    ),
    results: Object.fromEntries(
      subTasks.flatMap(({ task }) => (task.output === undefined ? [] : [[task.taskId, task.output] as const])),
    ),
  }
}

export function groupOf(group: GroupRow, rows: readonly TaskRow[]): TaskGroup {
  const members = rows.map(({ task }) => task)
  const completed = members.filter(({ status }) => status === 'completed').length
  const ended = members.filter(hasEnded).length
  return defined({
    groupId: group.groupId,
    planId: group.planId,
    parentTaskId: group.parentTaskId,
    members: members.map(({ taskId, key, type, status, output, problem }) =>
      defined({ taskId, key, type, status, output, problem }),
    ),
    total: members.length,
    completed,
    failed: ended - completed,
    pending: members.length - ended,
    done: ended === members.length,
    lastTaskId: group.lastTaskId,
    createdAt: group.createdAt,
    completedAt: group.completedAt,
  }) as TaskGroup
}

export const isReplyOf = (task: Task, event: EventEnvelope): boolean =>
  task.responseType === undefined ? event.correlationid === task.taskId : task.responseType === event.type

export const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
