import { type Clock, commonProblems, type Logger, type SqlSession } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'
import { createQuota, type Quota } from './quota.ts'

const DAY_MS = 86_400_000
/** Of the quota of a day that a process takes out at a time. */
const SHARE_OF_DAY = 1 / 1000
/** Another process may have given back what it did not use. */
const REST_MS = 1000

/** What tenants publish on a day (UTC), over all processes and restarts. */
export interface DailyBytes {
  /** @throws rate-limited until the day is over, when the tenant would be over its quota; unavailable when that cannot be read */
  take(tenantId: string, bytes: number): Promise<void>
  /** Gives back what was taken out and not used. */
  close(): Promise<void>
}

/** Never over the quota, whatever dies: bytes are counted before they are let through. A process holds up to 0.15 % of it unused, which a crash loses until the day is over. */
export function createDailyBytes(
  options: Pick<EventsPorts, 'busTransaction'> & { clock: Clock; log: Logger; quotaBytes: number },
): DailyBytes {
  const { busTransaction, clock, log, quotaBytes } = options
  const nowMs = () => clock.now().getTime()
  const quotaOf = (day: string): Quota =>
    createQuota({
      chunk: Math.ceil(quotaBytes * SHARE_OF_DAY),
      log,
      restMs: REST_MS,
      refuse: () =>
        commonProblems.rateLimited.create(`the tenant may publish ${quotaBytes} bytes a day (UTC)`, {
          retryAfterMs: DAY_MS - (nowMs() % DAY_MS),
        }),
      draw: (tenantId, bytes) => busTransaction((session) => drawBytes(session, { tenantId, day, bytes }, quotaBytes)),
    })
  let today = ''
  let quota: Quota | undefined
  return {
    take: (tenantId, bytes) => {
      const day = new Date(nowMs()).toISOString().slice(0, 10)
      if (quota === undefined || day !== today) quota = quotaOf((today = day))
      return quota.take(tenantId, bytes)
    },
    close: async () => {
      const unused = quota?.unused() ?? []
      await busTransaction((session) => giveBack(session, today, unused)).catch((error: unknown) =>
        log.warn('unused parts of the quotas of today cannot be given back', { error }),
      )
    },
  }
}

async function drawBytes(
  session: SqlSession,
  row: { readonly tenantId: string; readonly day: string; readonly bytes: number },
  quotaBytes: number,
): Promise<boolean> {
  const rows = await session.query(
    `insert into events.usage as u (tenant_id, day, bytes) select $1, $2::date, $3::int8 where $3 <= $4::int8
     on conflict (tenant_id, day) do update set bytes = u.bytes + excluded.bytes where u.bytes + excluded.bytes <= $4
     returning tenant_id`,
    [row.tenantId, row.day, row.bytes, quotaBytes],
  )
  return rows.length > 0
}

/** In the order of tenants, so that two processes never wait for each other in a circle. */
async function giveBack(session: SqlSession, day: string, unused: ReturnType<Quota['unused']>): Promise<void> {
  const inOrder = unused.filter(({ count }) => count > 0).toSorted((a, b) => (a.tenantId < b.tenantId ? -1 : 1))
  for (const { tenantId, count } of inOrder)
    await session.execute('update events.usage set bytes = bytes - $3::int8 where tenant_id = $1 and day = $2::date', [
      tenantId,
      day,
      count,
    ])
}
