import { type Clock, commonProblems, type Logger, type SqlSession } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'

const DAY_MS = 86_400_000
/** Counting waits this long, so that publishing pays one statement a second for it and not one an event. */
const FLUSH_MS = 1000

/** What tenants publish on a day (UTC), over all processes. */
export interface DailyBytes {
  /** @throws rate-limited until the day is over, when the tenant would be over its quota */
  take(tenantId: string, bytes: number): Promise<void>
  /** Writes what was counted. */
  close(): Promise<void>
}

interface Count {
  /** As last heard from the database, with what is being written. */
  known: number
  /** Not written yet. */
  own: number
}

/** What other processes let through in the second before is not known here: a tenant may get over its quota by as much. */
export function createDailyBytes(
  options: Pick<EventsPorts, 'busTransaction'> & { clock: Clock; log: Logger; quotaBytes: number },
): DailyBytes {
  const { busTransaction, clock, quotaBytes } = options
  const counts = new Map<string, { readonly day: string; readonly loading: Promise<Count> }>()
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> = Promise.resolve()

  const load = async (tenantId: string, day: string): Promise<Count> => {
    try {
      const [known = 0] = await busTransaction((session) => addBytes(session, [{ tenantId, day, bytes: 0 }]))
      return { known, own: 0 }
    } catch (cause) {
      counts.delete(tenantId)
      throw commonProblems.unavailable.create('the quota of the tenant cannot be read', { cause, retryAfterMs: 1000 })
    }
  }
  const countOf = (tenantId: string, day: string): Promise<Count> => {
    const known = counts.get(tenantId)
    if (known?.day === day) return known.loading
    const loading = load(tenantId, day)
    counts.set(tenantId, { day, loading })
    return loading
  }
  const flush = async () => {
    const all = await Promise.all(
      [...counts].map(async ([tenantId, { day, loading }]) => ({ tenantId, day, count: await loading })),
    )
    const grown = all.flatMap(({ count, ...of }) => (count.own === 0 ? [] : [{ ...of, count, bytes: count.own }]))
    if (grown.length === 0) return
    for (const { count, bytes } of grown) Object.assign(count, { own: count.own - bytes, known: count.known + bytes })
    try {
      const totals = await busTransaction((session) => addBytes(session, grown))
      for (const [index, { count }] of grown.entries()) count.known = Math.max(count.known, totals[index] ?? 0)
    } catch (error) {
      for (const { count, bytes } of grown) Object.assign(count, { own: count.own + bytes, known: count.known - bytes })
      throw error
    }
  }
  const flushNow = () => {
    timer = undefined
    flushing = flush().catch((error: unknown) => {
      options.log.warn('published bytes cannot be counted; the next count takes them', { error })
    })
  }
  const flushSoon = () => {
    timer ??= setTimeout(flushNow, FLUSH_MS).unref()
  }
  return {
    take: async (tenantId, bytes) => {
      const now = clock.now().getTime()
      const count = await countOf(tenantId, new Date(now).toISOString().slice(0, 10))
      if (count.known + count.own + bytes > quotaBytes)
        throw commonProblems.rateLimited.create(`the tenant may publish ${quotaBytes} bytes a day (UTC)`, {
          retryAfterMs: DAY_MS - (now % DAY_MS),
        })
      count.own += bytes
      flushSoon()
    },
    close: async () => {
      clearTimeout(timer)
      await flushing
      flushNow()
      await flushing
    },
  }
}

/** Answers the totals in the order of the rows. In the order of tenants, so that two processes never wait for each other in a circle. */
async function addBytes(
  session: SqlSession,
  rows: readonly { readonly tenantId: string; readonly day: string; readonly bytes: number }[],
): Promise<number[]> {
  const totals = await session.query<{ tenant_id: string; bytes: number }>(
    `insert into events.usage as u (tenant_id, day, bytes)
     select * from unnest($1::text[], $2::date[], $3::int8[]) as w (tenant_id, day, bytes) order by w.tenant_id
     on conflict (tenant_id, day) do update set bytes = u.bytes + excluded.bytes returning u.tenant_id, u.bytes`,
    [rows.map(({ tenantId }) => tenantId), rows.map(({ day }) => day), rows.map(({ bytes }) => bytes)],
  )
  const byTenant = new Map(totals.map(({ tenant_id, bytes }) => [tenant_id, bytes]))
  return rows.map(({ tenantId }) => byTenant.get(tenantId) ?? 0)
}
