import type { SqlSession } from '@soma/kernel'

export interface Freshness {
  readonly asOf: string | null
  readonly lagMs: number
  readonly stale: boolean
}

/** How fresh the read models of the tenant are: the newest applied fact, and how long after its recording it was applied. */
export async function readFreshness(tx: SqlSession, staleMs: number): Promise<Freshness> {
  const [row] = await tx.query<{ at: Date; lag_ms: number }>(
    `select at, greatest(0, floor(extract(epoch from (applied_at - at)) * 1000))::int8 as lag_ms from tracker.timeline order by at desc limit 1`,
  )
  return row === undefined
    ? { asOf: null, lagMs: 0, stale: false }
    : { asOf: row.at.toISOString(), lagMs: row.lag_ms, stale: row.lag_ms > staleMs }
}
