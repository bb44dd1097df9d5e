import { absentAsUndefined } from './absent.ts'
import { type Clock, type EventEnvelope, type Logger, withoutUndefined } from '@soma/kernel'
import type { AgentRecord, EventDefinitionRecord } from '@soma/registry/contract'
import { createEventToolkit, type EventToolkit } from '../choreography/event-toolkit.ts'
import type { AnyEvent, DataInput } from '../define/event.ts'
import { parseData } from '../define/parse-data.ts'
import type { Machine } from '../machine/state-machine.ts'
import type { AgentClients } from '../run/agent-clients.ts'
import { derivedId } from '../run/derived-ids.ts'
import { type AgentIdentity, follow, type Handling, type PublishOptions, responseOf } from '../run/handling.ts'
import { sdkProblems } from '../sdk-problems.ts'
import { type GateOptions, openGate } from './gates.ts'
import { createIdentityContext, type IdentityContext } from './identity-context.ts'
import { createMemoryContext, type MemoryContext } from './memory-context.ts'
import { createPlanFromGoal, type GoalContext, type PlanOptions } from './goal-context.ts'
import { type PlanContext, restorePlan } from './plan-context.ts'
import { publishNow } from './publish-now.ts'
import { request } from './request.ts'
import { restoreTask, type TaskContext } from './task-context.ts'
import { createTrackerContext, type TrackerContext } from './tracker-context.ts'
import { createWorkingMemory, type WorkingMemory } from './working-memory.ts'

/** What an agent can use while it handles an event; every call acts for the event's user, session, plan and task. */
export interface PlatformContext {
  readonly agent: AgentIdentity
  readonly event: EventEnvelope
  readonly bus: BusContext
  readonly plans: PlansContext
  readonly gates: GatesContext
  readonly registry: RegistryContext
  /** What agent and user remember, and the shared values of the plan. */
  readonly memory: MemoryContext
  /** How far plans, tasks and agents are. */
  readonly tracker: TrackerContext
  readonly identity: IdentityContext
  /** The working memory of a plan that this agent works in. */
  shared(planId: string): WorkingMemory
  /** For agents that let a model, or words, choose what to publish. */
  readonly toolkit: EventToolkit
  /** Aborts at cancel, lost lease, and when the agent stops and its grace is over. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly clock: Clock
}

export interface BusContext {
  /** Leaves with the ack, after everything that was published before it; `immediate` sends it at once. Answers the event's id. */
  publish<Event extends AnyEvent>(
    event: Event,
    data: DataInput<Event>,
    options?: PublishOptions & { readonly immediate?: boolean },
  ): Promise<string>
  /** Publishes now and waits here for the reply; undefined when none came in time. Default 30 s. */
  request<Event extends AnyEvent>(
    event: Event,
    data: DataInput<Event>,
    options?: { readonly timeoutMs?: number },
  ): Promise<EventEnvelope | undefined>
  /** Answers the handled event: type, topic and correlation are the requester's. @throws Problem `no-response-type` */
  respond(data: unknown): void
  /** Publishes a fact. */
  announce<Event extends AnyEvent>(event: Event, data: DataInput<Event>): Promise<string>
}

export interface PlansContext {
  createFromGoal(goal: GoalContext, options?: PlanOptions): Promise<PlanContext>
  restore(planId: string): Promise<PlanContext | undefined>
  restoreByCorrelation(correlationId: string): Promise<PlanContext | undefined>
  restoreTask(taskId: string): Promise<TaskContext | undefined>
}

export interface GatesContext {
  /** Opens a gate about a plan without waiting for it as a task; see `plan.openGate`. */
  open(planId: string, gate: GateOptions): Promise<string>
  get(gateId: string): Promise<{ readonly status: string; readonly payload: unknown } | undefined>
}

export interface RegistryContext {
  agents(filter?: Readonly<Record<string, string>>): Promise<readonly AgentRecord[]>
  agent(name: string): Promise<AgentRecord | undefined>
  event(topic: string, type: string): Promise<EventDefinitionRecord | undefined>
}

export function createPlatformContext(handling: Handling, machine: Machine | undefined): PlatformContext {
  const { clients } = handling
  return {
    agent: handling.agent,
    event: handling.event,
    bus: createBus(handling),
    plans: {
      createFromGoal: (goal, options = {}) => createPlanFromGoal(handling, goal, { ...options, machine }),
      restore: (planId) => restorePlan(handling, planId, openGate),
      async restoreByCorrelation(correlationId) {
        const params = { correlationId }
        const found = await absentAsUndefined(() => clients.plans.plans.byCorrelation({ params }))
        return found === undefined ? undefined : restorePlan(handling, found.plan.planId, openGate)
      },
      restoreTask: async (taskId) => (await restoreTask(handling, taskId))?.context,
    },
    gates: {
      open: (planId, gate) => openGate(handling, planId, gate),
      get: (gateId) => absentAsUndefined(() => clients.governance.gates.get({ params: { gateId } })),
    },
    registry: createRegistryContext(clients),
    memory: createMemoryContext(handling),
    tracker: createTrackerContext(handling),
    identity: createIdentityContext(handling),
    shared: (planId) => createWorkingMemory(handling, planId),
    toolkit: createEventToolkit(clients),
    signal: handling.signal,
    log: handling.log,
    clock: handling.clock,
  }
}

export const createRegistryContext = (clients: AgentClients): RegistryContext => ({
  agents: async (filter = {}) => (await clients.registry.agents.list({ query: filter })).items,
  agent: (name) => absentAsUndefined(() => clients.registry.agents.get({ params: { name } })),
  event: (topic, type) => absentAsUndefined(() => clients.registry.events.get({ params: { topic, type } })),
})

function createBus(handling: Handling): BusContext {
  const outgoing = (event: AnyEvent, data: unknown, options: PublishOptions = {}) =>
    follow(
      handling,
      { type: event.type, topic: event.topic, data: parseData(event, data) },
      withoutUndefined({ ...responseOf(event), ...options }),
    )
  const publish: BusContext['publish'] = async (event, data, options = {}) => {
    const { immediate, ...attributes } = options
    const made = outgoing(event, data, attributes)
    if (immediate === true) await publishNow(handling, made)
    else handling.emits.push(made)
    return made.id
  }
  return {
    publish,
    announce: publish,
    request: (event, data, options = {}) => {
      const id = handling.id('evt', event.type)
      const made = outgoing(event, data, { correlationId: id })
      return request(handling, { ...made, id }, options.timeoutMs ?? 30_000)
    },
    respond(data) {
      const { event } = handling
      if (event.responsetype === undefined) {
        throw sdkProblems.noResponseType.create(`${event.type} ${event.id} has no responsetype`)
      }
      handling.emits.push(
        follow(
          handling,
          {
            id: derivedId('evt', event.id, handling.agent.name, 'reply', event.responsetype),
            type: event.responsetype,
            topic: event.responsetopic ?? 'action-results',
            data,
          },
          { outcome: 'ok' },
        ),
      )
    },
  }
}
