import { toId, withoutUndefined } from '@soma/kernel'
import type { Plan, Task, TaskGroup } from '../contract/index.ts'
import { hex } from './journal/chain.ts'
import { NOTHING_SPENT } from './transition/facts.ts'
import { type GroupRow, type PlanRow, progressOf, type TaskRow } from './transition/rows.ts'

const iso = (date: Date | undefined): string | undefined => date?.toISOString()

/** A plan as it is answered. `brief` leaves out what may be large: the planner's state and results, inputs. */
export function viewPlan(plan: PlanRow, options: { brief?: boolean } = {}): Plan {
  const { doc } = plan
  return withoutUndefined({
    planId: toId('plan', plan.id),
    title: doc.title,
    description: doc.description,
    driver: plan.driver,
    origin: plan.origin,
    status: plan.status,
    stopReason: plan.stopReason,
    outcome: doc.outcome,
    phase: plan.phase,
    revision: plan.revision,
    inputs: options.brief ? undefined : doc.inputs,
    outputs: options.brief ? undefined : doc.outputs,
    problem: doc.problem,
    ownerId: plan.ownerId,
    userId: plan.userId,
    spaceId: plan.spaceId,
    sessionId: plan.sessionId,
    visibility: plan.visibility,
    parentPlanId: plan.parentId === undefined ? undefined : toId('plan', plan.parentId),
    parentTaskId: doc.parentTaskId,
    rootPlanId: toId('plan', plan.rootId),
    depth: plan.depth,
    goal: doc.goal,
    correlationIds: doc.correlationIds,
    traceparent: doc.traceparent,
    priority: doc.priority,
    deadlineAt: doc.deadlineAt,
    spent: NOTHING_SPENT,
    counts: plan.counts,
    progress: progressOf(plan.counts),
    currentState: doc.currentState,
    stateMachine: options.brief ? undefined : doc.stateMachine,
    state: options.brief ? undefined : plan.state,
    results: options.brief ? undefined : plan.results,
    paused: viewPause(doc.paused),
    actionCount: doc.actionCount,
    labels: doc.labels,
    constitutionHash: doc.constitutionHash,
    journal: { seq: plan.seq, hash: plan.head === undefined ? '' : hex(plan.head) },
    createdAt: plan.createdAt.toISOString(),
    startedAt: iso(plan.startedAt),
    endedAt: iso(plan.endedAt),
    version: plan.version,
  }) as Plan
}

function viewPause(paused: PlanRow['doc']['paused']): Plan['paused'] {
  if (paused === undefined) return undefined
  const { from: _from, ...rest } = paused
  return rest
}

export function viewTask(task: TaskRow): Task {
  const { doc } = task
  return withoutUndefined({
    taskId: toId('task', task.id),
    planId: toId('plan', task.planId),
    key: task.key,
    name: doc.name,
    kind: task.kind,
    status: task.status,
    outcome: task.outcome,
    waiting: doc.waiting,
    pendingFor: doc.pendingFor,
    parentTaskId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    groupId: task.groupId === undefined ? undefined : toId('grp', task.groupId),
    generation: task.generation,
    try: task.try,
    retryAt: doc.retryAt,
    delivery: task.delivery,
    fence: task.fence,
    type: doc.type,
    capability: doc.capability,
    agent: doc.agent,
    inputs: doc.inputs,
    output: task.output,
    problem: doc.problem,
    responseType: doc.responseType,
    responseTopic: doc.responseTopic,
    correlationId: doc.correlationId,
    sessionId: doc.sessionId,
    goalId: doc.goalId,
    progress: doc.progress,
    message: doc.message,
    checkpoint: doc.checkpoint,
    deadlineAt: doc.deadlineAt,
    priority: doc.priority,
    gateId: doc.gateId,
    metadata: doc.metadata,
    spent: NOTHING_SPENT,
    createdAt: task.createdAt.toISOString(),
    startedAt: iso(task.startedAt),
    endedAt: iso(task.endedAt),
    version: task.version,
  }) as Task
}

export function viewGroup(group: GroupRow, members: readonly TaskRow[]): TaskGroup {
  return withoutUndefined({
    groupId: toId('grp', group.id),
    planId: toId('plan', group.planId),
    parentTaskId: group.parentId === undefined ? undefined : toId('task', group.parentId),
    members: members.map((member) =>
      withoutUndefined({
        taskId: toId('task', member.id),
        key: member.key,
        type: member.doc.type,
        status: member.status,
        output: member.output,
        problem: member.doc.problem,
      }),
    ),
    total: group.total,
    completed: group.completed,
    failed: group.failed,
    pending: group.total - group.completed - group.failed,
    done: group.completedAt !== undefined,
    lastTaskId: group.lastTaskId === undefined ? undefined : toId('task', group.lastTaskId),
    createdAt: group.createdAt.toISOString(),
    completedAt: iso(group.completedAt),
  }) as TaskGroup
}
