import type { AgentOptions } from '../define/agent-definition.ts'
import type { AnyEvent } from '../define/event.ts'
import type { BreakerLimits } from './breakers.ts'
import type { DecisionModel } from './model.ts'

/** What answers say is kept in the plan's state: 1 MiB for all of them. */
export interface ChoreographyOptions extends AgentOptions, Partial<BreakerLimits> {
  /** What it can be asked to reach; each names the response that its requester waits for. */
  readonly goals: readonly AnyEvent[]
  /** Facts that it may wait for. They belong to a plan by `planid` or correlation. Default: none. */
  readonly facts?: readonly AnyEvent[]
  /** Default: none; the best-ranked event whose required fields are known is asked for (`by: 'builtin'`). */
  readonly model?: DecisionModel
  /** What matters, in own words; they come before everything that others wrote. */
  readonly instructions?: string
  /** How sure a decision of the model must be: 0.7, 0.4 or 0. Default `balanced`. */
  readonly strategy?: 'conservative' | 'balanced' | 'aggressive'
  /** What becomes of a plan whose breaker trips. A paused one goes on when it is resumed. Default `pause`. */
  readonly onTrip?: 'pause' | 'fail'
}
