import { absentAsUndefined } from '../context/absent.ts'
import { type EventEnvelope, isProblem, type Json } from '@soma/kernel'
import { openGoal } from '../context/goal-context.ts'
import { openGate } from '../context/gates.ts'
import { handledEventOf } from '../context/kept-state.ts'
import { restorePlan } from '../context/plan-context.ts'
import { createPlatformContext } from '../context/platform-context.ts'
import { openResult } from '../context/result-context.ts'
import { openTask, type OpenTask } from '../context/task-context.ts'
import type { TaskOrigin } from '../context/task-origin.ts'
import type { AgentDefinition } from '../define/agent-definition.ts'
import type { HandlerEntry } from '../define/handlers.ts'
import { parseData } from '../define/parse-data.ts'
import { nextState } from '../machine/next-state.ts'
import { sdkProblems } from '../sdk-problems.ts'
import type { Handling } from './handling.ts'
import { taskOfRequest } from './task-of-request.ts'

type EntryOf<Role extends HandlerEntry['role']> = HandlerEntry & { readonly role: Role }

/** Runs the handler of an event with the context of its role. Returning means: acknowledge; what the handler sends waits in the handling. */
export async function runHandler(definition: AgentDefinition, entry: HandlerEntry, handling: Handling): Promise<void> {
  switch (entry.role) {
    case 'task':
    case 'invoke':
      return runTask(definition, entry, handling)
    case 'goal':
      return runGoal(definition, entry, handling)
    case 'result':
      return runResult(definition, entry, handling)
    case 'transition':
      return runTransition(definition, entry, handling)
    case 'decision':
      return runDecision(definition, entry, handling)
    case 'resume':
      return runResume(definition, entry, handling)
    case 'event':
      return runEvent(definition, entry, handling)
  }
}

const parse = (entry: HandlerEntry, handling: Handling): never =>
  (entry.event === undefined ? handling.event.data : parseData(entry.event, handling.event.data)) as never

/** The data of a reply; a failed one carries a problem, whatever its type says. */
const parseReply = (entry: HandlerEntry, handling: Handling): unknown =>
  handling.event.outcome === 'failed' ? undefined : parse(entry, handling)

async function runTask(
  definition: AgentDefinition,
  entry: EntryOf<'task'> | EntryOf<'invoke'>,
  handling: Handling,
): Promise<void> {
  const data = parse(entry, handling)
  const task = await takeTask(handling, data)
  if (task === undefined) return
  const platform = createPlatformContext(handling, definition.machine)
  if (entry.role === 'task') {
    await entry.handle(task.context as never, platform)
    if (!task.hasEnded() && !task.isWaiting()) {
      task.context.fail(
        sdkProblems.taskUnfinished.create(`the handler of ${handling.event.type} returned without an end`),
      )
    }
    return
  }
  const { event } = handling
  const invocation = {
    requestId: event.id,
    type: event.type,
    data,
    correlationId: event.correlationid ?? event.id,
    responseType: event.responsetype,
    userId: event.userid,
  }
  task.context.complete((await entry.handle(invocation, platform)) as never)
}

/** Tells `plans` that the task begins, where it knows the task. Undefined: it has ended or waits for somebody else, so there is nothing to do. */
async function takeTask(handling: Handling, data: unknown): Promise<OpenTask | undefined> {
  const { event, agent, clients } = handling
  const { taskId, isPlanned } = taskOfRequest(event, agent.name)
  const origin: TaskOrigin = {
    taskId,
    type: event.type,
    data,
    planId: event.planid,
    sessionId: event.sessionid,
    goalId: event.goalid,
    correlationId: event.correlationid ?? event.id,
    causationId: event.causationid,
    responseType: event.responsetype,
    responseTopic: event.responsetopic,
    deadlineAt: event.expirytime,
  }
  const params = { taskId }
  const isRepeated = handling.attempt > 1 || handling.redelivered
  if (!isPlanned) {
    const stored = isRepeated ? await absentAsUndefined(() => clients.plans.tasks.getContext({ params })) : undefined
    if (stored !== undefined && (isOver(stored, event) || hasMovedOn(stored, event.id))) return undefined
    return openTask(handling, origin, stored ?? { version: 0 })
  }
  const body = {
    deliveryKey: `${handling.deliveryId}:${handling.attempt}`,
    agent: { name: agent.name, instanceId: agent.instanceId, version: agent.version },
  }
  const started = await absentAsUndefined(() => clients.plans.tasks.start({ params, body }))
  if (started === undefined) return openTask(handling, origin, { version: 0 })
  if (started.status !== 'running' && started.status !== 'delegated') return undefined
  const stored = started.delivery > 1 || isRepeated ? await clients.plans.tasks.getContext({ params }) : started
  return openTask(handling, { ...origin, ...parentOf(started) }, stored)
}

/** `plans` has answered the requester: a reply of ours would have taken this delivery with it. */
const isOver = ({ status }: { status: string }, { responsetype }: EventEnvelope): boolean =>
  status === 'cancelled' || (responsetype !== undefined && (status === 'completed' || status === 'failed'))

/** Later events of the task were handled since: this request is a duplicate, or its ack was lost after all it asked for was done. */
const hasMovedOn = (stored: { status: string; state?: Json | undefined }, eventId: string): boolean => {
  const handled = handledEventOf(stored.state)
  return stored.status !== 'running' && handled !== undefined && handled !== eventId
}

const parentOf = (task: { parentTaskId?: string | undefined; priority: number }) => ({
  parentTaskId: task.parentTaskId,
  priority: task.priority,
})

async function runGoal(definition: AgentDefinition, entry: EntryOf<'goal'>, handling: Handling): Promise<void> {
  const goal = openGoal(handling, parse(entry, handling))
  await entry.handle(goal as never, createPlatformContext(handling, definition.machine))
}

async function runResult(definition: AgentDefinition, entry: EntryOf<'result'>, handling: Handling): Promise<void> {
  const result = await openResult(handling, parseReply(entry, handling))
  if (result === undefined) return
  await entry.handle(result.context as never, createPlatformContext(handling, definition.machine))
}

async function runTransition(
  definition: AgentDefinition,
  entry: EntryOf<'transition'>,
  handling: Handling,
): Promise<void> {
  const data = parseReply(entry, handling)
  const result = await openResult(handling, data)
  if (result === undefined) return
  const { event } = handling
  const plan =
    (await result.context.restorePlan()) ??
    (event.planid === undefined ? undefined : await restorePlan(handling, event.planid, openGate))
  if (plan?.stateMachine === undefined || plan.currentState === undefined) return
  const { problem, outcome } = result.context
  const on = outcome === 'failed' ? `${event.type}.failed` : event.type
  const value = (outcome === 'failed' ? { problem } : data) as Json
  const scope = { goal: plan.goal, results: { ...plan.results, [on]: value }, state: plan.state }
  const to = nextState(plan.stateMachine, plan.currentState, { on, scope })
  if (to === undefined) {
    // A failed reply that no edge takes ends the plan: whoever set the goal must hear of it.
    if (problem !== undefined) plan.fail(problem)
    return
  }
  const transition = { type: event.type, on, data: value, nextState: to, outcome, problem }
  await entry.handle(transition, plan, createPlatformContext(handling, definition.machine))
}

const GATE_CODE = /^gate-(rejected|expired|cancelled)$/

async function runDecision(definition: AgentDefinition, entry: EntryOf<'decision'>, handling: Handling): Promise<void> {
  const result = await openResult(handling, handling.event.data)
  const plan = await result?.context.restorePlan()
  const taskId = result?.context.subTaskId
  if (result === undefined || plan === undefined || taskId === undefined) return
  const { gateId } = await handling.clients.plans.tasks.get({ params: { taskId } })
  if (gateId === undefined) return
  const said = (result.context.data ?? {}) as { outcome?: string; instructions?: string | null; edited?: boolean }
  const refusal = GATE_CODE.exec(result.context.problem?.code ?? '')?.[1]
  const decision = {
    gateId,
    key: result.context.key ?? gateId,
    outcome: (refusal ?? said.outcome ?? 'rejected') as 'approved',
    instructions: said.instructions ?? undefined,
    edited: said.edited === true,
    payload: async () => (await handling.clients.governance.gates.get({ params: { gateId } })).payload,
  }
  await entry.handle(decision, plan, createPlatformContext(handling, definition.machine))
}

async function runResume(definition: AgentDefinition, entry: EntryOf<'resume'>, handling: Handling): Promise<void> {
  const { planid } = handling.event
  const plan = planid === undefined ? undefined : await restorePlan(handling, planid, openGate)
  if (plan !== undefined) await entry.handle(plan, createPlatformContext(handling, definition.machine))
}

async function runEvent(definition: AgentDefinition, entry: EntryOf<'event'>, handling: Handling): Promise<void> {
  const { event } = handling
  const context = {
    type: event.type,
    topic: event.topic,
    data: event.outcome === 'failed' ? event.data : parse(entry, handling),
    eventId: event.id,
    correlationId: event.correlationid ?? event.id,
    planId: event.planid,
    sessionId: event.sessionid,
    envelope: event,
  }
  await entry.handle(context as never, createPlatformContext(handling, definition.machine))
}

/** Another handler changed the plan or task in between: the same event is handled again from what stands now. */
export const isRace = (error: unknown): boolean =>
  isProblem(error) && (error.code === 'version-conflict' || error.code === 'illegal-transition')
