import type { EventAttributes, EventDefinition, EventEnvelope, Json } from '@soma/kernel'
import { hashLine } from '../journal/chain.ts'
import type { GroupRow, PlanRow, TaskRow } from './rows.ts'

/** An event that leaves with the commit: a fact of ours, or an envelope of another type (a request, a reply). */
export type Outgoing =
  | { readonly definition: EventDefinition; readonly data: unknown; readonly attributes: EventAttributes }
  | { readonly envelope: Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'> }

export interface JournalWrite {
  readonly seq: number
  readonly kind: string
  readonly data: Json
  readonly hash: Uint8Array
  readonly at: Date
  readonly dedupeKey: string | undefined
}

/**
 * One change of one plan, in memory: rows that were read under the plan's lock, and everything that will be written in one commit.
 * Rules change it with plain functions (no I/O); `writeTransition` stores it. Every journal line made here is hashed over the one before.
 */
export interface Transition {
  readonly plan: PlanRow
  /** Database time of this change. */
  readonly at: Date
  /** The principal whose command or event it is. */
  readonly byId: string
  readonly tasks: Map<string, TaskRow>
  readonly groups: Map<string, GroupRow>
  readonly isNewPlan: boolean
  readonly newTasks: Set<string>
  readonly changedTasks: Set<string>
  readonly newGroups: Set<string>
  readonly changedGroups: Set<string>
  readonly lines: JournalWrite[]
  readonly outgoing: Outgoing[]
  /** Timers to set, or (undefined) to clear, by key. */
  readonly timers: Map<string, Date | undefined>
  readonly mail: { readonly planId: string; readonly kind: string; readonly data: Json; readonly dedupeKey: string }[]
  /** Which heavy columns of the plan changed. */
  readonly dirty: { doc: boolean; state: boolean; results: boolean; queue?: 'paused' | '' }
}

export function beginTransition(plan: PlanRow, options: { at: Date; byId: string; isNewPlan?: boolean }): Transition {
  return {
    plan,
    at: options.at,
    byId: options.byId,
    tasks: new Map(),
    groups: new Map(),
    isNewPlan: options.isNewPlan ?? false,
    newTasks: new Set(),
    changedTasks: new Set(),
    newGroups: new Set(),
    changedGroups: new Set(),
    lines: [],
    outgoing: [],
    timers: new Map(),
    mail: [],
    dirty: { doc: false, state: false, results: false },
  }
}

/** Appends a line to the journal of the plan; answers its seq. `undefined` members of the data are left out, as JSON does. */
export function record(
  transition: Transition,
  kind: string,
  data: Readonly<Record<string, unknown>>,
  dedupeKey?: string,
): number {
  const { plan, at } = transition
  const line = {
    seq: plan.seq + 1,
    kind,
    data: JSON.parse(JSON.stringify({ ...data, byId: transition.byId })) as Json,
    at: at.toISOString(),
  }
  const hash = hashLine(plan.head, line)
  plan.seq = line.seq
  plan.head = hash
  transition.lines.push({ seq: line.seq, kind, data: line.data, hash, at, dedupeKey })
  return line.seq
}
