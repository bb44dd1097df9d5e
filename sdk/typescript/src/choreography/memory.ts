import { canonicalJson, type Json, type Topic } from '@soma/kernel'
import type { PlanContext } from '../context/plan-context.ts'
import type { Counters } from './breakers.ts'
import type { DecisionRecord, PlannerDecision } from './decision.ts'

/** What was asked for and not answered yet. */
export interface OpenAction {
  readonly type: string
  readonly reply?: { readonly type: string; readonly topic: Topic }
}

/** What a choreography planner knows of a plan. It is a member of the plan's state, so it is durable and shared by all replicas. */
export interface Memory extends Counters {
  since: string
  actions: number
  decisions: DecisionRecord[]
  failures: number
  stalls: number
  /** Questions asked so far, also before the last resume. */
  asked: number
  /** By event type, oldest first. */
  results: Record<string, Json>
  lastFailure?: string
  /** What it waits for: by task, a question by its key. */
  open: Record<string, OpenAction>
  waiting?: { readonly taskId: string; readonly type: string }
  /** What was decided for an event and is not done yet: a repeat of the handler, or else the next event, does it and decides nothing. */
  pending?: { readonly eventId: string; readonly decision: PlannerDecision }
}

const MEMBER = 'choreography'
/** Decisions that are kept in full: a plan's state has 1 MiB for these and all results. */
const KEPT_DECISIONS = 20

/** Begins the memory of a plan that has none; what is changed in it is saved with the plan's state. */
export function beginMemory(plan: Pick<PlanContext, 'state'>, now: Date): void {
  plan.state[MEMBER] ??= { ...freshCounters(now), asked: 0, results: {}, open: {} } as unknown as Json
}

/** Saving replaces the members of a state, so this is read anew after it. */
export const memoryOf = (plan: Pick<PlanContext, 'state'>): Memory => plan.state[MEMBER] as unknown as Memory

/** False until the first decision of a plan is stored: before that the handler of its goal alone decides, whatever else is heard of the plan. */
export const hasMemory = (plan: Pick<PlanContext, 'state'>): boolean => plan.state[MEMBER] !== undefined

/** Something that was asked for is not answered yet, and its answer goes on with the plan. */
export const isUnderWay = (plan: Pick<PlanContext, 'state'>): boolean =>
  hasMemory(plan) && Object.keys(memoryOf(plan).open).length > 0

const freshCounters = (now: Date) => ({
  since: now.toISOString(),
  actions: 0,
  decisions: [] as DecisionRecord[],
  failures: 0,
  stalls: 0,
})

export function noteDecision(memory: Memory, made: DecisionRecord, eventId: string): void {
  memory.actions += 1
  memory.stalls += 1
  memory.decisions = [...memory.decisions, made].slice(-KEPT_DECISIONS)
  memory.pending = { eventId, decision: made.decision }
}

/** A result that says something new counts as progress. */
export function noteResult(memory: Memory, type: string, data: Json): void {
  const before = memory.results[type]
  if (before === undefined || canonicalJson(before) !== canonicalJson(data)) memory.stalls = 0
  delete memory.results[type]
  memory.results[type] = data
  memory.failures = 0
}

export function noteFailure(memory: Memory, detail: string): void {
  memory.failures += 1
  memory.lastFailure = detail.slice(0, 500)
}

/** Somebody looked at the plan and let it go on: the breakers begin anew. */
export const restartCounters = (memory: Memory, now: Date): void => void Object.assign(memory, freshCounters(now))
