import type { EventEnvelope, Topic } from '@soma/kernel'
import type { GoalContext } from '../context/goal-context.ts'
import type { PlanContext, Trigger } from '../context/plan-context.ts'
import type { PlatformContext } from '../context/platform-context.ts'
import type { ProblemValue } from '../context/failure.ts'
import type { ResultContext } from '../context/result-context.ts'
import type { TaskContext } from '../context/task-context.ts'
import type { AnyEvent } from './event.ts'

/** A request to a tool; what the handler returns is the reply. */
export interface InvocationContext<Data = unknown> {
  readonly requestId: string
  readonly type: string
  readonly data: Data
  readonly correlationId: string
  readonly responseType: string | undefined
  readonly userId: string | undefined
}

/** A fact or any other event that an agent listens to. */
export interface EventContext<Data = unknown> {
  readonly type: string
  readonly topic: Topic
  readonly data: Data
  readonly eventId: string
  readonly correlationId: string
  readonly planId: string | undefined
  readonly sessionId: string | undefined
  readonly envelope: EventEnvelope
}

/** A reply that moves one of the planner's plans. Give it to `plan.executeNext`. */
export interface TransitionContext extends Trigger {
  readonly type: string
  readonly outcome: 'ok' | 'failed'
  readonly problem: ProblemValue | undefined
}

/** What was decided at a gate that a plan of this planner waits for. */
export interface DecisionContext {
  readonly gateId: string
  /** The key under which the gate was opened. */
  readonly key: string
  readonly outcome: 'approved' | 'rejected' | 'revise' | 'expired' | 'cancelled'
  /** What to do otherwise, with `revise`. */
  readonly instructions: string | undefined
  /** True when the decider changed the payload. */
  readonly edited: boolean
  /** What was approved, with the changes of the decider. */
  payload(): Promise<unknown>
}

export type TaskHandler = (task: TaskContext<never, never>, context: PlatformContext) => Promise<void> | void
export type ResultHandler = (result: ResultContext<never>, context: PlatformContext) => Promise<void> | void
export type GoalHandler = (goal: GoalContext<never>, context: PlatformContext) => Promise<void> | void
export type InvokeHandler = (invocation: InvocationContext<never>, context: PlatformContext) => unknown
export type EventHandler = (event: EventContext<never>, context: PlatformContext) => Promise<void> | void
export type TransitionHandler = (
  transition: TransitionContext,
  plan: PlanContext,
  context: PlatformContext,
) => Promise<void> | void
export type DecisionHandler = (
  decision: DecisionContext,
  plan: PlanContext,
  context: PlatformContext,
) => Promise<void> | void

export type ResumeHandler = (plan: PlanContext, context: PlatformContext) => Promise<void> | void

/** One handler with what it listens to. `event` is absent for `*`, which hears every type of its topic. */
export type HandlerEntry = { readonly topic: Topic; readonly type: string; readonly event?: AnyEvent } & (
  | { readonly role: 'task'; readonly handle: TaskHandler }
  | { readonly role: 'result'; readonly handle: ResultHandler }
  | { readonly role: 'goal'; readonly handle: GoalHandler }
  | { readonly role: 'invoke'; readonly handle: InvokeHandler }
  | { readonly role: 'event'; readonly handle: EventHandler }
  | { readonly role: 'transition'; readonly handle: TransitionHandler }
  | { readonly role: 'decision'; readonly handle: DecisionHandler }
  | { readonly role: 'resume'; readonly handle: ResumeHandler }
)
