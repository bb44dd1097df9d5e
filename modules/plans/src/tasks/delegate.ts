import { commonProblems, type SqlSession, toId, uuidOf, withoutUndefined } from '@soma/kernel'
import type { TaskSpec } from '../../contract/index.ts'
import { assertStorable, digestOf } from '../storable.ts'
import { emitTaskFact } from '../transition/facts.ts'
import { runPlan } from '../transition/plan-changes.ts'
import { readGroups, readTasks } from '../transition/read.ts'
import { requestTask } from '../transition/replies.ts'
import type { GroupRow, TaskDoc, TaskLimits, TaskRow } from '../transition/rows.ts'
import { setTaskTimer } from '../transition/task-timers.ts'
import { record, type Transition } from '../transition/transition.ts'
import { decideGate } from './gate-decisions.ts'

export interface Delegation {
  readonly specs: readonly TaskSpec[]
  readonly parent: TaskRow | undefined
  /** Uuid of the group these tasks make; undefined = no group. */
  readonly groupId: string | undefined
  /** Id of a group that stands already, which these tasks join. */
  readonly joins?: string | undefined
  /** Makes ids for specs without one. */
  readonly newId: (prefix: string) => string
  readonly sessionId?: string | undefined
  readonly defaults: TaskDefaults
}

/** Of the settings, for what a spec leaves open. */
export interface TaskDefaults {
  readonly maxTries: number
  readonly tryTimeoutMs: number
}

/** Stores tasks and publishes their requests, all in the transition (PLN-R61). A repeated delegation answers the tasks it made before. */
export async function delegateTasks(
  transition: Transition,
  tx: SqlSession,
  delegation: Delegation,
): Promise<TaskRow[]> {
  const { specs } = delegation
  for (const [index, spec] of specs.entries()) checkSpec(spec, index)
  const ids = specs.map((spec) => uuidOf('task', spec.taskId ?? delegation.newId('task')))
  if (new Set(ids).size < ids.length) throw commonProblems.invalidRequest.create('two specs have the same taskId')
  const [stored, keys] = await Promise.all([readTasks(tx, ids), takenKeys(tx, transition.plan.id)])
  const known = new Map(stored.map((task) => [task.id, task]))
  if (known.size > 0) return repeated(transition, { ids, specs, known })
  assertTakesTasks(transition)
  if (transition.plan.origin !== 'task') runPlan(transition)
  if (delegation.groupId !== undefined) openGroup(transition, delegation.groupId, delegation)
  const groupId =
    delegation.joins === undefined
      ? delegation.groupId
      : await joinGroup(transition, tx, { ...delegation, joins: delegation.joins })
  const tasks = specs.map((spec, index) =>
    addTask(transition, { spec, id: ids[index] as string, keys, delegation: { ...delegation, groupId } }),
  )
  for (const task of tasks) await publish(transition, tx, task)
  return tasks
}

function checkSpec(spec: TaskSpec, index: number): void {
  const at = `/body/specs/${index}`
  const refuse = (pointer: string, detail: string) => {
    throw commonProblems.invalidRequest.create(detail, { errors: [{ pointer, code: 'invalid-spec', detail }] })
  }
  if (spec.kind === 'agent' && (spec.type === undefined) === (spec.capability === undefined))
    refuse(`${at}/type`, 'an agent task names exactly one of type and capability')
  if ((spec.kind === 'gate' || spec.kind === 'input') && spec.gateId === undefined)
    refuse(`${at}/gateId`, `a task of kind ${spec.kind} names the gate it waits for`)
  const isTried = [spec.queueTimeoutMs, spec.tryTimeoutMs, spec.heartbeatTimeoutMs, spec.retry].some(
    (limit) => limit !== undefined,
  )
  if (spec.kind !== 'agent' && isTried) refuse(at, `a task of kind ${spec.kind} has no tries to limit`)
  if (spec.kind === 'timer' && spec.timeoutMs === undefined) refuse(`${at}/timeoutMs`, 'a timer names timeoutMs')
  assertStorable(spec.data, `${at}/data`)
}

/** All of them, with the same bodies, or a conflict: never half a delegation. */
function repeated(
  transition: Transition,
  of: { ids: readonly string[]; specs: readonly TaskSpec[]; known: ReadonlyMap<string, TaskRow> },
): TaskRow[] {
  return of.ids.map((id, index) => {
    const task = of.known.get(id)
    if (
      task === undefined ||
      task.planId !== transition.plan.id ||
      task.doc.digest !== digestOf({ ...of.specs[index], taskId: undefined })
    ) {
      throw commonProblems.conflict.create(
        `${toId('task', id)} exists with another body, or some of the specs were delegated before and some were not`,
      )
    }
    return task
  })
}

async function takenKeys(tx: SqlSession, planId: string): Promise<Set<string>> {
  const rows = await tx.query<{ key: string }>('select key from plans.tasks where plan_id = $1', [planId])
  return new Set(rows.map((row) => row.key))
}

function openGroup(transition: Transition, groupId: string, delegation: Delegation): void {
  const group: GroupRow = {
    id: groupId,
    planId: transition.plan.id,
    parentId: delegation.parent?.id,
    total: delegation.specs.length,
    completed: 0,
    failed: 0,
    createdAt: transition.at,
    completedAt: undefined,
    lastTaskId: undefined,
  }
  transition.groups.set(groupId, group)
  transition.newGroups.add(groupId)
}

/** @throws not-found for a group of another plan or parent, as for none; conflict once it is done: one answer alone sees a group complete (PLN-R61) */
async function joinGroup(
  transition: Transition,
  tx: SqlSession,
  { joins, parent, specs }: Delegation & { joins: string },
): Promise<string> {
  const [group] = await readGroups(tx, [uuidOf('grp', joins)])
  if (group === undefined || group.planId !== transition.plan.id || group.parentId !== parent?.id)
    throw commonProblems.notFound.create(`no group ${joins}`)
  if (group.completedAt !== undefined) throw commonProblems.conflict.create(`the group ${joins} is done`)
  group.total += specs.length
  transition.groups.set(group.id, group)
  transition.changedGroups.add(group.id)
  return group.id
}

function addTask(
  transition: Transition,
  of: { spec: TaskSpec; id: string; keys: Set<string>; delegation: Delegation },
): TaskRow {
  const { spec, id, delegation } = of
  const { plan } = transition
  const key = freeKey(spec, of.keys)
  of.keys.add(key)
  plan.counts.total += 1
  plan.counts.pending += 1
  const task: TaskRow = {
    id,
    planId: plan.id,
    key,
    ord: plan.counts.total,
    kind: spec.kind,
    status: 'pending',
    outcome: undefined,
    parentId: delegation.parent?.id,
    groupId: delegation.groupId,
    generation: 1,
    try: 1,
    delivery: 0,
    fence: 0,
    resultSeq: undefined,
    output: undefined,
    doc: docOf(transition, spec, { id, key, delegation }),
    state: undefined,
    version: 1,
    createdAt: transition.at,
    startedAt: undefined,
    endedAt: undefined,
  }
  transition.tasks.set(id, task)
  transition.newTasks.add(id)
  if (task.doc.deadlineAt !== undefined) setTaskTimer(transition, 'task', { task, at: new Date(task.doc.deadlineAt) })
  return task
}

function docOf(
  transition: Transition,
  spec: TaskSpec,
  of: { id: string; key: string; delegation: Delegation },
): TaskDoc {
  return withoutUndefined({
    name: spec.name ?? of.key,
    type: spec.type,
    capability: spec.capability,
    inputs: spec.data,
    pendingFor: spec.kind === 'agent' ? ('agent' as const) : undefined,
    responseType: spec.responseType,
    responseTopic: spec.responseTopic,
    correlationId: toId('task', of.id),
    sessionId: of.delegation.sessionId ?? transition.plan.sessionId,
    goalId: transition.plan.doc.goal?.eventId,
    deadlineAt:
      spec.timeoutMs === undefined ? undefined : new Date(transition.at.getTime() + spec.timeoutMs).toISOString(),
    priority: spec.priority,
    limits: spec.kind === 'agent' ? limitsOf(spec, of.delegation.defaults) : undefined,
    gateId: spec.gateId,
    metadata: spec.metadata,
    digest: digestOf({ ...spec, taskId: undefined }),
  }) as TaskDoc
}

const limitsOf = (spec: TaskSpec, defaults: TaskDefaults): TaskLimits =>
  withoutUndefined({
    maxTries: spec.retry?.maxTries ?? defaults.maxTries,
    retryBaseMs: spec.retry?.baseMs ?? 1000,
    retryOn: spec.retry?.on ?? [],
    retryExcept: spec.retry?.except ?? [],
    tryTimeoutMs: spec.tryTimeoutMs ?? defaults.tryTimeoutMs,
    queueTimeoutMs: spec.queueTimeoutMs,
    heartbeatTimeoutMs: spec.heartbeatTimeoutMs,
  })

/** The asked key must be free; a derived one gets a number. */
function freeKey(spec: TaskSpec, taken: ReadonlySet<string>): string {
  if (spec.key !== undefined) {
    if (taken.has(spec.key)) throw commonProblems.conflict.create(`the plan has a task "${spec.key}"`)
    return spec.key
  }
  const base = (spec.type ?? spec.capability ?? spec.kind)
    .replace(/\.requested$/, '')
    .replaceAll(/[^A-Za-z0-9._:[\]/-]/g, '-')
  if (!taken.has(base)) return base
  let number = 2
  while (taken.has(`${base}-${number}`)) number += 1
  return `${base}-${number}`
}

async function publish(transition: Transition, tx: SqlSession, task: TaskRow): Promise<void> {
  record(transition, 'task-created', {
    taskId: toId('task', task.id),
    key: task.key,
    kind: task.kind,
    type: task.doc.type,
    capability: task.doc.capability,
    data: task.doc.inputs,
    parentTaskId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    groupId: task.groupId === undefined ? undefined : toId('grp', task.groupId),
    gateId: task.doc.gateId,
    deadlineAt: task.doc.deadlineAt,
  })
  emitTaskFact(transition, task, 'created')
  if (task.kind === 'agent') requestTask(transition, task)
  else await decideGate(transition, tx, task)
}

/** @throws conflict: nothing new begins in a plan that is paused, stopping, ended or not started. */
export function assertTakesTasks(transition: Transition): void {
  const { status } = transition.plan
  if (status === 'running' || status === 'waiting' || status === 'pending') return
  throw commonProblems.conflict.create(`the plan is ${status}; it takes no new task`, { planStatus: status })
}
