import { type Context, isProblem, type ModuleDatabase } from '@soma/kernel'
import type { PlanProgress, TaskRecord, TimelineEntry } from '../../contract/index.ts'
import type { TrackerReads } from '../reads/service.ts'
import type { Changes } from './changes.ts'

type Snapshot = Awaited<ReturnType<TrackerReads['snapshot']>>
type Fresh = Pick<Snapshot, 'asOf' | 'lagMs' | 'stale'>
export type PlanFrame =
  | { id: string; event: 'snapshot'; data: Fresh & { plan: PlanProgress; tasks: TaskRecord[] } }
  | { id: string; event: 'plan'; data: Fresh & { plan: PlanProgress } }
  | { id: string; event: 'task'; data: Fresh & { task: TaskRecord } }
  | { id: string; event: 'timeline'; data: Fresh & { entry: TimelineEntry } }
  | { event: 'closed'; data: { reason: string } }

/** First and longest pause before rows are read again for an event that is recorded and not yet projected. */
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 1000
/** An event that is not projected by then is a dead letter or its handler stands still: the stream goes on without it. */
const GIVE_UP_MS = 10_000

interface Dependencies {
  readonly database: ModuleDatabase
  readonly reads: TrackerReads
  readonly changes: Changes
}

/**
 * A snapshot of a plan, then what changed after each event of it. Waits for events, not for time: an event rings, and the rows are read until that event is in them.
 * Ends with the signal, or with `closed` when the plan may no longer be read.
 */
export function createPlanStream({ database, reads, changes }: Dependencies) {
  return async function* stream(context: Context, planId: string, signal: AbortSignal): AsyncGenerator<PlanFrame> {
    const bell = createBell(signal)
    const end = changes.listen({ tenantId: context.tenantId, planId }, bell.ring)
    try {
      let shown = await reads.snapshot(context, planId)
      const { entries: _entries, ...start } = shown
      yield { id: shown.asOf ?? '', event: 'snapshot', data: start }
      // Facts recorded before we listened may be projected after the snapshot: one later look finds them.
      bell.ringAfter(LONGEST_PAUSE_MS)
      while (await bell.wait()) {
        const now = await readAgain(context, planId)
        if (now === undefined) {
          yield { event: 'closed', data: { reason: 'the plan can no longer be read' } }
          return
        }
        bell.settle(await appliedOf(context, bell.pending()))
        yield* changesBetween(shown, now)
        shown = now
      }
    } finally {
      end()
      bell.close()
    }
  }

  async function readAgain(context: Context, planId: string): Promise<Snapshot | undefined> {
    try {
      return await reads.snapshot(context, planId)
    } catch (error) {
      if (isProblem(error) && error.code === 'not-found') return undefined
      throw error
    }
  }

  async function appliedOf(context: Context, eventIds: readonly string[]): Promise<string[]> {
    if (eventIds.length === 0) return []
    const rows = await database.transaction(context, (tx) =>
      tx.query<{ event_id: string }>('select event_id from tracker.timeline where event_id = any($1::text[])', [
        eventIds,
      ]),
    )
    return rows.map((row) => row.event_id)
  }
}

function* changesBetween(shown: Snapshot, now: Snapshot): Generator<PlanFrame> {
  const fresh = { asOf: now.asOf, lagMs: now.lagMs, stale: now.stale }
  const id = now.asOf ?? ''
  const seen = new Set(shown.entries.map((entry) => entry.id))
  for (const entry of now.entries) if (!seen.has(entry.id)) yield { id, event: 'timeline', data: { ...fresh, entry } }
  const before = new Map(shown.tasks.map((task) => [task.taskId, JSON.stringify(task)]))
  for (const task of now.tasks)
    if (before.get(task.taskId) !== JSON.stringify(task)) yield { id, event: 'task', data: { ...fresh, task } }
  if (JSON.stringify(shown.plan) !== JSON.stringify(now.plan))
    yield { id, event: 'plan', data: { ...fresh, plan: now.plan } }
}

/** Rings for events and keeps which of them have not been seen in the rows; while some are left it rings again after growing pauses. */
function createBell(signal: AbortSignal) {
  const pending = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  let wake: (() => void) | undefined
  let rung = false
  let pauseMs = FIRST_PAUSE_MS
  const sound = () => {
    rung = true
    wake?.()
  }
  const ringAfter = (ms: number) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      sound()
    }, ms).unref()
    timers.add(timer)
  }
  signal.addEventListener('abort', sound, { once: true })
  return {
    ring: (eventId: string) => {
      pending.set(eventId, performance.now())
      pauseMs = FIRST_PAUSE_MS
      sound()
    },
    ringAfter,
    pending: () => [...pending.keys()],
    settle: (applied: readonly string[]) => {
      for (const id of applied) pending.delete(id)
      for (const [id, since] of pending) if (performance.now() - since > GIVE_UP_MS) pending.delete(id)
      if (pending.size === 0) return
      ringAfter(pauseMs)
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    },
    /** False when the caller has gone. */
    wait: async (): Promise<boolean> => {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      rung = false
      return !signal.aborted
    },
    close: () => {
      for (const timer of timers) clearTimeout(timer)
      signal.removeEventListener('abort', sound)
    },
  }
}
