import { canonicalJson } from '@soma/kernel'
import type { DecisionRecord, NextAction } from './decision.ts'

/** Where a planner that runs away is stopped. */
export interface BreakerLimits {
  /** Actions of one plan. Default 20. */
  readonly maxActions: number
  /** Time since the goal, or since the plan was resumed. Default 3,600,000. */
  readonly maxWallMs: number
  /** The same action with the same data, so often among the last 20. Default 3. */
  readonly maxRepeats: number
  /** Failed actions and unusable decisions in a row. Default 3. */
  readonly maxFailures: number
  /** Decisions in a row without a new result. Default 5. */
  readonly maxStalls: number
}

export const breakerDefaults: BreakerLimits = {
  maxActions: 20,
  maxWallMs: 3_600_000,
  maxRepeats: 3,
  maxFailures: 3,
  maxStalls: 5,
}

/** The counters of a plan since it was begun or resumed; they are a member of its state, so all replicas and restarts share them. */
export interface Counters {
  readonly lastFailure?: string
  readonly since: string
  readonly actions: number
  /** The last ones. */
  readonly decisions: readonly DecisionRecord[]
  readonly failures: number
  readonly stalls: number
}

/** A breaker that has tripped, in words. */
export interface Trip {
  readonly breaker: keyof BreakerLimits
  readonly detail: string
}

/** What keeps the planner from deciding at all. */
export function tripBefore(counters: Counters, limits: BreakerLimits, now: number): Trip | undefined {
  const { failures, stalls, since, lastFailure } = counters
  const last = lastFailure === undefined ? '' : `, the last: ${lastFailure}`
  if (failures >= limits.maxFailures) return { breaker: 'maxFailures', detail: `${failures} failures in a row${last}` }
  if (stalls >= limits.maxStalls)
    return { breaker: 'maxStalls', detail: `${stalls} decisions without a new result${last}` }
  const wallMs = now - Date.parse(since)
  if (wallMs >= limits.maxWallMs) return { breaker: 'maxWallMs', detail: `${wallMs} ms since ${since}` }
  return undefined
}

/** What keeps the planner from doing what was decided. An end is always let through. */
export function tripAt(action: NextAction, counters: Counters, limits: BreakerLimits): Trip | undefined {
  const { actions, decisions } = counters
  if (action.action === 'complete') return undefined
  if (actions >= limits.maxActions) return { breaker: 'maxActions', detail: `${actions} actions` }
  const same = canonicalJson(action as never)
  const repeats = decisions.filter(({ decision }) => canonicalJson(decision.nextAction as never) === same).length
  if (repeats < limits.maxRepeats) return undefined
  return { breaker: 'maxRepeats', detail: `the same ${action.action} ${repeats} times` }
}
