import { type Json, withoutUndefined } from '@soma/kernel'
import type { TaskContextValue, TaskGroup } from '@soma/plans/contract'
import type { AnyEvent, DataInput } from '../define/event.ts'
import { follow, type Handling } from '../run/handling.ts'
import { derivedId } from '../run/derived-ids.ts'
import { sdkProblems } from '../sdk-problems.ts'
import {
  createDelegations,
  type DelegateOptions,
  type Delegations,
  type DelegationSpec,
  ignoringConflict,
} from './delegation.ts'
import { failedData, type FailureInput, toProblemValue } from './failure.ts'
import { absentAsUndefined } from './absent.ts'
import { type Asked, askAtGate, type Question } from './ask.ts'
import type { State } from './kept-state.ts'
import { createStateKeeper, type StateKeeper } from './state-keeper.ts'
import type { TaskOrigin } from './task-origin.ts'

export interface SubTask {
  readonly type: string
  readonly status: string
  readonly groupId?: string | undefined
  readonly result?: Json | undefined
  readonly problem?: { readonly code: string; readonly detail: string } | undefined
}

export interface GroupView {
  readonly groupId: string
  readonly done: boolean
  readonly total: number
  /** Outputs of the completed members, in the order in which they were delegated. */
  readonly results: readonly Json[]
  readonly problems: readonly { readonly code: string; readonly detail: string }[]
}

/** A task in the hands of a worker. Nothing it sends leaves before the handler has returned; a handler that throws sends nothing. */
export interface TaskContext<Data = unknown, Result = unknown> {
  readonly taskId: string
  readonly type: string
  readonly data: Data
  readonly planId: string | undefined
  readonly sessionId: string | undefined
  readonly goalId: string | undefined
  readonly parentTaskId: string | undefined
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly responseType: string | undefined
  readonly responseTopic: string
  readonly userId: string | undefined
  readonly attempt: number
  readonly deadlineAt: string | undefined
  readonly priority: number
  /** Yours; saved by `save`, and with the end of a handler that leaves the task open. At most 1 MiB of JSON. */
  readonly state: State
  readonly subTasks: Readonly<Record<string, SubTask>>
  /** Outputs of ended sub-tasks by their id and by the type of their request. */
  readonly results: Readonly<Record<string, Json>>
  readonly version: number
  /** Writes the state now. When another wrote other members in between, both are kept. @throws Problem `version-conflict` */
  save(): Promise<void>
  /** Hands a sub-task to whoever handles the event; its reply comes to `onResult`. Answers its id. */
  delegate<Event extends AnyEvent>(event: Event, data: DataInput<Event>, options?: DelegateOptions): string
  /** Hands out up to 100 sub-tasks at once. `onResult` of the member that ends last sees `group.done`. */
  delegateParallel(specs: readonly DelegationSpec[]): string
  group(groupId: string): Promise<GroupView>
  /** 0–1 with a message of at most 500 characters. Shown; changes nothing. */
  reportProgress(progress: number, message?: string): Promise<void>
  /** Runs `work` once for this task: its result is stored before the handler goes on, and answered on every later run. */
  once<Value extends Json>(label: string, work: () => Promise<Value> | Value): Promise<Value>
  /**
   * Asks a person. Undefined: the question is open, return now; the handler runs again with the answer. The answer is what the decider
   * sent, by the schema. @throws Problem `gate-rejected` and the like when nobody answered.
   */
  ask<Answer extends Json>(question: Question): Promise<Answer | undefined>
  /** Ends the task with a result in the type its requester asked for. @throws Problem `task-ended` */
  complete(result: Result): void
  /** Ends the task with a failed reply. @throws Problem `task-ended` */
  fail(failure: FailureInput): void
}

/** What the runtime needs of a task beside what its handler sees. */
export interface OpenTask {
  readonly context: TaskContext
  readonly hasEnded: () => boolean
  /** Sub-tasks are open, or it waits for an answer. */
  readonly isWaiting: () => boolean
}

/** As `plans` holds a task; version 0 = it does not know it yet. */
export interface StoredTask {
  readonly version: number
  /** Counts from 1; one more each time a failed task is opened again. */
  readonly generation?: number | undefined
  readonly state?: Json | undefined
  readonly subTasks?: TaskContextValue['subTasks'] | undefined
}

export function openTask(handling: Handling, origin: TaskOrigin, stored: StoredTask): OpenTask {
  const keeper = keepTaskState(handling, origin, stored)
  const delegations = createDelegations(handling)
  const subTasks = { ...(stored.subTasks as Record<string, SubTask> | undefined) }
  const life: Life = {}
  const end = (as: 'completed' | 'failed', data: unknown) => {
    if (life.ended !== undefined) throw sdkProblems.taskEnded.create(`task ${origin.taskId} was already ${life.ended}`)
    life.ended = as
    const isStored = keeper.version() > 0
    const { generation = 1 } = stored
    if (origin.responseType !== undefined)
      handling.emits.push(replyEvent(handling, origin, { as, data, isStored, generation }))
    else if (isStored) handling.effects.push(() => endSilently(handling, origin.taskId, { as, data }))
  }
  handling.effects.push(() => writeTask(handling, origin, { keeper, delegations, life }))
  const context: TaskContext = {
    ...fieldsOf(handling, origin),
    state: keeper.state,
    subTasks,
    get results() {
      return resultsOf(subTasks)
    },
    get version() {
      return keeper.version()
    },
    save: keeper.save,
    delegate: (event, data, options = {}) => delegations.add(event, data, options),
    delegateParallel: (specs) => delegations.addGroup(specs),
    group: async (groupId) =>
      toGroupView(await handling.clients.plans.groups.get({ params: { taskId: origin.taskId, groupId } })),
    async reportProgress(progress, message) {
      if (keeper.version() === 0) return
      const body = { progress, ...(message === undefined ? {} : { message }) }
      await handling.clients.plans.tasks.progress({ params: { taskId: origin.taskId }, body })
    },
    once: (label, work) => runOnce(keeper, label, work),
    async ask<Answer extends Json>(question: Question) {
      const asked = await askAtGate<Answer>(handling, origin, question)
      if (asked.answer === undefined) life.asked = asked
      return asked.answer
    },
    complete: (result) => end('completed', result),
    fail: (failure) => end('failed', failedData(failure)),
  }
  return {
    context,
    hasEnded: () => life.ended !== undefined,
    isWaiting: () =>
      life.asked !== undefined ||
      delegations.batches.length > 0 ||
      Object.values(subTasks).some((sub) => !['completed', 'failed', 'cancelled'].includes(sub.status)),
  }
}

function keepTaskState(handling: Handling, origin: TaskOrigin, stored: StoredTask): StateKeeper {
  const { tasks } = handling.clients.plans
  const params = { taskId: origin.taskId }
  return createStateKeeper(stored, {
    eventId: handling.event.id,
    put: (state, version) =>
      tasks.putContext({
        params,
        ifMatch: version,
        body: { state, ...(version === 0 ? { task: requestOf(handling, origin) } : {}) },
      }),
    reload: async () => (await absentAsUndefined(() => tasks.getContext({ params }))) ?? { version: 0 },
  })
}

/** How the handler left the task. */
interface Life {
  ended?: 'completed' | 'failed'
  asked?: Asked<unknown>
}

/** What the handler left: its state while the task stays open, its delegations, the gate it waits for. */
async function writeTask(
  handling: Handling,
  origin: TaskOrigin,
  left: { keeper: StateKeeper; delegations: Delegations; life: Life },
): Promise<void> {
  const { keeper, delegations, life } = left
  const { tasks } = handling.clients.plans
  const params = { taskId: origin.taskId }
  const isNeeded = (delegations.batches.length > 0 || life.asked !== undefined) && keeper.version() === 0
  if (life.ended === undefined && (keeper.isChanged() || isNeeded)) await keeper.saveEnd()
  for (const { specs, groupId } of delegations.batches) {
    const body = { specs: specs as never, group: groupId !== undefined, ...(groupId === undefined ? {} : { groupId }) }
    await ignoringConflict(() => tasks.delegate({ params, body }))
  }
  if (life.asked !== undefined && life.ended === undefined) {
    await tasks.wait({ params, body: { reason: 'input', gateId: life.asked.gateId } })
    await life.asked.open?.()
  }
}

const fieldsOf = (handling: Handling, origin: TaskOrigin) => ({
  taskId: origin.taskId,
  type: origin.type,
  data: origin.data,
  planId: origin.planId,
  sessionId: origin.sessionId,
  goalId: origin.goalId,
  parentTaskId: origin.parentTaskId,
  correlationId: origin.correlationId,
  causationId: origin.causationId,
  responseType: origin.responseType,
  responseTopic: origin.responseTopic ?? 'action-results',
  userId: handling.event.userid,
  attempt: handling.attempt,
  deadlineAt: origin.deadlineAt,
  priority: origin.priority ?? 0,
})

/** Results of `once` live in the task's state, under a name that handlers do not use. */
async function runOnce<Value extends Json>(
  keeper: StateKeeper,
  label: string,
  work: () => Promise<Value> | Value,
): Promise<Value> {
  await keeper.look()
  const done = (keeper.state.$once ?? {}) as Record<string, Json>
  if (label in done) return done[label] as Value
  const value = await work()
  await keeper.note('$once', { ...done, [label]: value })
  return value
}

const requestOf = (handling: Handling, origin: TaskOrigin) =>
  withoutUndefined({
    type: origin.type,
    data: origin.data as Json,
    correlationId: origin.correlationId,
    sessionId: origin.sessionId,
    goalId: origin.goalId,
    responseType: origin.responseType,
    responseTopic: origin.responseTopic as 'action-results' | undefined,
    agent: { name: handling.agent.name, instanceId: handling.agent.instanceId, version: handling.agent.version },
  })

/** The reply: to the requester's type, topic and correlation; its id is the same on every run of one generation. */
function replyEvent(
  handling: Handling,
  origin: TaskOrigin,
  ending: { as: 'completed' | 'failed'; data: unknown; isStored: boolean; generation: number },
) {
  const type = origin.responseType as string
  const again = ending.generation > 1 ? [ending.generation] : []
  return follow(
    handling,
    {
      id: derivedId('evt', origin.taskId, handling.agent.name, 'reply', type, ...again),
      type,
      topic: origin.responseTopic ?? 'action-results',
      data: ending.data,
    },
    {
      correlationId: origin.correlationId,
      ...(ending.isStored ? { taskId: origin.taskId } : {}),
      outcome: ending.as === 'completed' ? 'ok' : 'failed',
      ...(origin.planId === undefined ? {} : { planId: origin.planId }),
    },
  )
}

/** Nobody waits for a reply, but the plan shows the task: it is ended there. */
async function endSilently(handling: Handling, taskId: string, ending: { as: 'completed' | 'failed'; data: unknown }) {
  const { tasks } = handling.clients.plans
  const params = { taskId }
  await ignoringConflict(() =>
    ending.as === 'completed'
      ? tasks.complete({ params, body: { output: (ending.data ?? null) as Json, reply: false } })
      : tasks.fail({ params, body: { problem: toProblemValue(ending.data), reply: false } }),
  )
}

function resultsOf(subTasks: Readonly<Record<string, SubTask>>): Record<string, Json> {
  const results: Record<string, Json> = {}
  for (const [id, sub] of Object.entries(subTasks)) {
    if (sub.result === undefined) continue
    results[id] = sub.result
    results[sub.type] = sub.result
  }
  return results
}

export function toGroupView(group: TaskGroup): GroupView {
  return {
    groupId: group.groupId,
    done: group.done,
    total: group.total,
    results: group.members.flatMap((member) => (member.output === undefined ? [] : [member.output])),
    problems: group.members.flatMap((member) => (member.problem === undefined ? [] : [member.problem])),
  }
}

/** Restores a task that this agent saved or was given. Undefined when there is none, or it is not the caller's. */
export async function restoreTask(
  handling: Handling,
  taskId: string,
  known: { subTaskId?: string; subTask?: SubTask } = {},
): Promise<OpenTask | undefined> {
  const value = await absentAsUndefined(() => handling.clients.plans.tasks.getContext({ params: { taskId } }))
  if (value === undefined) return undefined
  const subTasks = { ...value.subTasks }
  if (known.subTaskId !== undefined && known.subTask !== undefined) {
    subTasks[known.subTaskId] = { ...subTasks[known.subTaskId], ...known.subTask } as never
  }
  const origin: TaskOrigin = {
    taskId,
    type: value.type ?? value.capability ?? value.kind,
    data: value.inputs,
    planId: value.planId,
    sessionId: value.sessionId,
    goalId: value.goalId,
    parentTaskId: value.parentTaskId,
    correlationId: value.correlationId,
    responseType: value.responseType,
    responseTopic: value.responseTopic,
    deadlineAt: value.deadlineAt,
    priority: value.priority,
  }
  return openTask(handling, origin, { ...value, subTasks })
}
