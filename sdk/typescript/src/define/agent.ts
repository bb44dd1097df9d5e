import type { Topic } from '@soma/kernel'
import type { GoalContext } from '../context/goal-context.ts'
import { gateDecisionType } from '../context/plan-context.ts'
import type { PlatformContext } from '../context/platform-context.ts'
import type { ResultContext } from '../context/result-context.ts'
import type { TaskContext } from '../context/task-context.ts'
import type { RunningAgent, StartOptions } from '../run/agent-runtime.ts'
import type { AgentDefinition, Hook } from './agent-definition.ts'
import type { AnyEvent, EventData, ResponseInput } from './event.ts'
import type {
  DecisionHandler,
  EventContext,
  HandlerEntry,
  InvocationContext,
  ResumeHandler,
  TransitionHandler,
} from './handlers.ts'

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
  /** `start`, then `stop` at SIGINT or SIGTERM and exit 0. Reads SOMA_URL, SOMA_API_KEY and SOMA_TOKEN; without a `log` it tells on stderr what a person should know. */
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
  /** Plans of this planner that were paused and go on. */
  onResume(handle: ResumeHandler): void
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

/** Somebody let a plan go on. */
export const PLAN_RESUMED: { topic: Topic; type: string } = { topic: 'plan-events', type: 'plan.resumed' }

/** The decisions of gates as an event of the agent's own, under which they reach its group. */
export const decisionTypeOf = (name: string): { topic: Topic; type: string } => ({
  topic: 'action-results',
  type: gateDecisionType(name),
})
