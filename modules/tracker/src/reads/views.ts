import { toId, withoutUndefined } from '@soma/kernel'
import type { PlanProgress, TaskRecord, TimelineEntry } from '../../contract/index.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'

/** What is computed from the rows of a plan's tasks, never counted up (TRK-R1). */
export interface TaskSummary {
  readonly counts: PlanProgress['counts']
  readonly progress: number
  readonly agents: readonly string[]
  readonly blockers: number
  readonly scopeChangedAt: string | undefined
  readonly updatedAt: string | undefined
}

export const NO_TASKS: TaskSummary = {
  counts: { total: 0, pending: 0, running: 0, delegated: 0, waiting: 0, completed: 0, failed: 0, cancelled: 0 },
  progress: 0,
  agents: [],
  blockers: 0,
  scopeChangedAt: undefined,
  updatedAt: undefined,
}

export function viewPlan(plan: PlanModel, tasks: TaskSummary): PlanProgress {
  const { doc } = plan
  const updatedAt = [plan.asOf, tasks.updatedAt]
    .filter((at) => at !== undefined)
    .sort()
    .at(-1) as string
  return withoutUndefined({
    planId: toId('plan', plan.id),
    name: doc.name ?? 'unknown plan',
    driver: doc.driver,
    origin: plan.origin,
    status: plan.status,
    currentState: doc.currentState,
    progress: plan.status === 'completed' ? 1 : tasks.progress,
    counts: tasks.counts,
    createdAt: plan.createdAt,
    startedAt: plan.startedAt,
    updatedAt,
    completedAt: plan.endedAt,
    problem: doc.problem,
    stopReason: doc.stopReason,
    parentPlanId: plan.parentId === undefined ? undefined : toId('plan', plan.parentId),
    parentTaskId: doc.parentTaskId,
    rootPlanId: plan.rootId === undefined ? undefined : toId('plan', plan.rootId),
    sessionId: plan.sessionId,
    traceId: doc.traceId,
    goal: doc.goalType === undefined ? undefined : { type: doc.goalType },
    agents: [...tasks.agents],
    cost: costOf(plan),
    blockers: tasks.blockers,
    scopeChangedAt: scopeChangedAt(plan, tasks),
    ownerId: plan.ownerId,
    constitutionHash: doc.constitutionHash,
    kept: plan.kept || undefined,
    version: plan.version,
  }) as PlanProgress
}

/** When tasks were added or opened again last. */
const scopeChangedAt = ({ generation, doc }: PlanModel, tasks: TaskSummary): string | undefined =>
  [tasks.scopeChangedAt, generation > 1 ? doc.openedAt : undefined]
    .filter((at) => at !== undefined)
    .sort()
    .at(-1)

export function costOf(plan: PlanModel): PlanProgress['cost'] {
  const spent = plan.doc.spent
  return {
    tokens: spent?.tokens ?? 0,
    costMicros: spent?.costMicros ?? 0,
    currency: spent?.currency ?? 'USD',
    calls: spent?.calls ?? 0,
  }
}

export function viewTask(task: TaskModel): TaskRecord {
  const { doc } = task
  return withoutUndefined({
    taskId: toId('task', task.id),
    planId: toId('plan', task.planId),
    key: doc.key,
    name: doc.name ?? 'unknown task',
    kind: doc.kind,
    type: doc.type ?? doc.capability,
    state: task.status,
    waitingFor: doc.waiting?.reason ?? doc.pendingFor,
    generation: task.generation,
    agent: doc.agent,
    parentTaskId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    groupId: task.groupId === undefined ? undefined : toId('grp', task.groupId),
    gateId: doc.gateId,
    attempts: task.attempts,
    progress: task.progress,
    message: doc.message,
    queuedMs: doc.queuedMs,
    runMs: doc.runMs,
    createdAt: task.createdAt,
    startedAt: task.startedAt,
    completedAt: task.endedAt,
    updatedAt: task.asOf,
    problem: doc.problem,
    kept: task.kept || undefined,
    version: task.version,
  }) as TaskRecord
}

export interface EntryRecord {
  event_id: string
  plan_id: string | null
  task_id: string | null
  at: Date
  sequence: string
  topic: string
  kind: TimelineEntry['kind']
  type: string
  actor: string | null
  causation_id: string | null
  correlation_id: string | null
  trace_id: string | null
  reply: boolean
  attempt: number | null
  duration_ms: number | null
  outcome: string | null
  summary: string
  ignored: boolean
  kept: boolean
}

export function viewEntry(row: EntryRecord): TimelineEntry {
  return withoutUndefined({
    at: row.at.toISOString(),
    kind: row.kind,
    id: row.event_id,
    type: row.type,
    actor: row.actor ?? undefined,
    planId: row.plan_id === null ? undefined : toId('plan', row.plan_id),
    taskId: row.task_id === null ? undefined : toId('task', row.task_id),
    causationId: row.causation_id ?? undefined,
    correlationId: row.correlation_id ?? undefined,
    traceId: row.trace_id ?? undefined,
    attempt: row.attempt ?? undefined,
    durationMs: row.duration_ms ?? undefined,
    outcome: row.outcome ?? undefined,
    summary: row.summary,
    ignored: row.ignored,
    kept: row.kept || undefined,
  }) as TimelineEntry
}
