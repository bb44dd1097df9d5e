import type { Topic } from '@soma/kernel'
import type { GoalContext } from '../context/goal-context.ts'
import { gateDecisionType } from '../context/plan-context.ts'
import type { PlatformContext } from '../context/platform-context.ts'
import type { ResultContext } from '../context/result-context.ts'
import type { TaskContext } from '../context/task-context.ts'
import type { Machine } from '../machine/state-machine.ts'
import type { RunningAgent, StartOptions } from '../run/agent-runtime.ts'
import type { AnyEvent, EventData, ResponseInput } from './event.ts'
import type { DecisionHandler, EventContext, HandlerEntry, InvocationContext, TransitionHandler } from './handlers.ts'

export interface CapabilityOptions {
  readonly name: string
  readonly description?: string
  /** The event that asks for it. */
  readonly consumes?: AnyEvent
  /** Default: the response of `consumes`. */
  readonly produces?: readonly AnyEvent[]
  readonly tags?: readonly string[]
  readonly sideEffects?: 'none' | 'reversible' | 'irreversible'
}

export interface AgentOptions {
  /** `[a-z0-9][a-z0-9._-]{0,127}`: its name in the registry and of its group; all replicas share it. */
  readonly name: string
  readonly description: string
  /** Semver. Default 1.0.0. */
  readonly version?: string
  readonly capabilities?: readonly (string | CapabilityOptions)[]
  /** Events it handles beside those of its handlers. */
  readonly consumes?: readonly AnyEvent[]
  /** Events it publishes beside the responses of what it handles. */
  readonly produces?: readonly AnyEvent[]
  readonly tags?: readonly string[]
  /** Handlers at the same time, over all keys. Default 10. */
  readonly concurrency?: number
  /** How long a delivery stays its own without a sign of life. Default 30,000. */
  readonly leaseMs?: number
  /** How long `stop` waits for handlers in hand. Default 20,000. */
  readonly graceMs?: number
  /** How often an event is tried before it is a dead letter. Default 5. */
  readonly maxAttempts?: number
  /** Default 1 s, doubled, at most 60 s. */
  readonly backoff?: { readonly baseMs?: number; readonly factor?: number; readonly maxMs?: number }
  readonly onDeadLetter?: 'continue' | 'block'
  /** How long deliveries in hand wait for this process after its stream broke, before others get them. Default 10,000. */
  readonly memberGraceMs?: number
  /** Where its group begins to read when it is made. Default `latest`. */
  readonly startAt?: 'latest' | 'earliest'
  /** Refuse to start without a registration. Default false: it is tried again while work is taken. */
  readonly requireRegistration?: boolean
  /** Default: what the registry asks for, 30,000. */
  readonly heartbeatMs?: number
}

export type AgentKind = 'tool' | 'worker' | 'planner' | 'agent'
export type Hook = (context: HookContext) => Promise<void> | void
/** What start and stop hooks get: no event is handled, so calls have the agent's own identity and no user. */
export type HookContext = Pick<PlatformContext, 'agent' | 'registry' | 'log' | 'clock'>

/** Everything that was said about an agent. */
export interface AgentDefinition {
  readonly kind: AgentKind
  readonly options: AgentOptions
  readonly machine: Machine | undefined
  readonly entries: readonly HandlerEntry[]
  readonly startup: readonly Hook[]
  readonly shutdown: readonly Hook[]
}

export interface AgentBase {
  readonly name: string
  readonly definition: AgentDefinition
  /** Hears an event of any kind. `'*'` with a topic hears all of it. */
  onEvent<Event extends AnyEvent>(
    event: Event,
    handle: (event: EventContext<EventData<Event>>, context: PlatformContext) => Promise<void> | void,
  ): void
  onEvent(
    event: '*',
    topic: Topic,
    handle: (event: EventContext, context: PlatformContext) => Promise<void> | void,
  ): void
  onStartup(hook: Hook): void
  onShutdown(hook: Hook): void
  /** Registers, opens the stream of its group and takes work. */
  start(options?: StartOptions): Promise<RunningAgent>
  /** Ends what `start` began: no new work, handlers in hand finish or are handed back, then it deregisters. */
  stop(): Promise<void>
  /** `start`, then `stop` at SIGINT or SIGTERM and exit 0. Reads SOMA_URL, SOMA_API_KEY and SOMA_TOKEN. */
  run(options?: StartOptions): Promise<void>
}

export interface WorkerBase extends AgentBase {
  onTask<Event extends AnyEvent>(
    event: Event,
    handle: (
      task: TaskContext<EventData<Event>, ResponseInput<Event>>,
      context: PlatformContext,
    ) => Promise<void> | void,
  ): void
  /** Replies to what this agent has delegated; replies to others never reach it. */
  onResult<Event extends AnyEvent>(
    event: Event,
    handle: (result: ResultContext<EventData<Event>>, context: PlatformContext) => Promise<void> | void,
  ): void
}

export interface Tool extends AgentBase {
  /** What the handler returns is the reply. */
  onInvoke<Event extends AnyEvent>(
    event: Event,
    handle: (
      invocation: InvocationContext<EventData<Event>>,
      context: PlatformContext,
    ) => Promise<ResponseInput<Event>> | ResponseInput<Event>,
  ): void
}

export interface Planner extends AgentBase {
  onGoal<Event extends AnyEvent>(
    event: Event,
    handle: (goal: GoalContext<EventData<Event>>, context: PlatformContext) => Promise<void> | void,
  ): void
  onResult: WorkerBase['onResult']
  /** Replies that move a plan of this planner by its state machine, with the state they lead to. */
  onTransition(handle: TransitionHandler): void
  /** Decisions at gates that plans of this planner wait for. */
  onDecision(handle: DecisionHandler): void
}

/** Gathers handlers. @throws TypeError when two handlers of an agent hear the same type. */
export function createHandlerList(name: string) {
  const entries: HandlerEntry[] = []
  const add = (entry: HandlerEntry): void => {
    if (entries.some((other) => other.type === entry.type && other.topic === entry.topic)) {
      throw new TypeError(`agent "${name}" already handles "${entry.type}" on ${entry.topic}`)
    }
    entries.push(entry)
  }
  return { entries, add }
}

/** The decisions of gates as an event of the agent's own, under which they reach its group. */
export const decisionTypeOf = (name: string): { topic: Topic; type: string } => ({
  topic: 'action-results',
  type: gateDecisionType(name),
})
