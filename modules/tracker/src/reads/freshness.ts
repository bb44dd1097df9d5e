import type { Clock, SqlSession } from '@soma/kernel'
import type { TrackerPorts } from '../ports.ts'

export interface Freshness {
  readonly asOf: string | null
  readonly lagMs: number
  readonly stale: boolean
}

/** One look at the log serves so long: it costs as much as a read. */
const LOOK_EVERY_MS = 250
/** Tenants whose last look is kept. */
const MOST_TENANTS = 1000

interface Options {
  readonly oldestWaiting: TrackerPorts['oldestWaiting']
  readonly clock: Clock
  readonly staleMs: number
}

/** How far the read models are behind the log (TRK-R4): what waits makes them late, also while nobody projects. Call it outside a transaction; what it answers is called inside. */
export function createFreshness({ oldestWaiting = async () => undefined, clock, staleMs }: Options) {
  const looks = new Map<string, { readonly at: number; readonly oldest: Promise<Date | undefined> }>()
  const look = (tenantId: string): Promise<Date | undefined> => {
    const now = clock.now().getTime()
    const last = looks.get(tenantId)
    if (last !== undefined && Math.abs(now - last.at) < LOOK_EVERY_MS) return last.oldest
    const oldest = oldestWaiting(tenantId)
    oldest.catch(() => looks.delete(tenantId))
    looks.delete(tenantId)
    looks.set(tenantId, { at: now, oldest })
    for (const known of looks.keys()) if (looks.size > MOST_TENANTS) looks.delete(known)
    return oldest
  }
  return async (tenantId: string): Promise<(tx: SqlSession) => Promise<Freshness>> => {
    const oldest = await look(tenantId)
    const lagMs = oldest === undefined ? 0 : Math.max(0, clock.now().getTime() - oldest.getTime())
    return async (tx) => ({ asOf: await newestApplied(tx), lagMs, stale: lagMs > staleMs })
  }
}

async function newestApplied(tx: SqlSession): Promise<string | null> {
  const [row] = await tx.query<{ at: Date }>('select e.at from tracker.timeline e order by e.at desc limit 1')
  return row?.at.toISOString() ?? null
}
