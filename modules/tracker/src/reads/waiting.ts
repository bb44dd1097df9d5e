import type { Context, ModuleDatabase } from '@soma/kernel'
import type { Freshness } from './freshness.ts'

/** How long a read waits for a fact; later it answers with what there is. */
const LONGEST_WAIT_MS = 5000
/** First and longest pause between two looks. */
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100

interface Call {
  readonly query: { readonly waitFor?: string | undefined }
}

/** Reads that wait until an event is applied, whichever process applies it (TRK-R4). One that was not applied in time makes the answer stale. */
export function createWaiting({ database }: { database: ModuleDatabase }) {
  const isApplied = async (context: Context, eventId: string): Promise<boolean> => {
    const rows = await database.transaction(context, (tx) =>
      tx.query('select 1 from tracker.timeline where event_id = $1', [eventId]),
    )
    return rows.length > 0
  }
  const applied = async (context: Context, eventId: string): Promise<boolean> => {
    const until = performance.now() + LONGEST_WAIT_MS
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (await isApplied(context, eventId)) return true
      if (performance.now() + pauseMs > until) return false
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  return <C extends Call, Answer extends Freshness>(read: (context: Context, call: C) => Promise<Answer>) =>
    async (context: Context, call: C): Promise<Answer> => {
      const { waitFor } = call.query
      if (waitFor === undefined || (await applied(context, waitFor))) return read(context, call)
      return { ...(await read(context, call)), stale: true }
    }
}
