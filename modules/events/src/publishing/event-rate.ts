import { commonProblems, type Logger } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'
import { createQuota, type Quota } from './quota.ts'

/** Of the quota of a second that a process takes out at a time: a tenant at its limit costs 20 small statements a second, in all processes together. */
const SHARE_OF_SECOND = 1 / 20

/**
 * `perSecond` events a second with a burst of as many, dated by the database. In any T seconds N processes let through at most perSecond × (1 + T) events, and what they held
 * when these began: perSecond × 0.075 each (an event and a half where perSecond is below 20). A batch larger than the burst passes when nothing is used, and is paid back afterwards.
 */
export function createEventRate({
  busTransaction,
  perSecond,
  log,
}: Pick<EventsPorts, 'busTransaction'> & { perSecond: number; log: Logger }): Quota {
  const chunk = Math.ceil(perSecond * SHARE_OF_SECOND)
  return createQuota({
    chunk,
    log,
    restMs: (chunk / perSecond) * 1000,
    refuse: (count) =>
      commonProblems.rateLimited.create(`the tenant may publish ${perSecond} events a second`, {
        retryAfterMs: Math.ceil((Math.min(count, perSecond) / perSecond) * 1000),
      }),
    draw: async (tenantId, count) => {
      const rows = await busTransaction((session) =>
        session.query(
          `insert into events.rates as r (tenant_id, tokens, at) values ($1, $2::float8 - $3::float8, clock_timestamp())
           on conflict (tenant_id) do update set at = excluded.at,
             tokens = least($2, r.tokens + $2 * greatest(0, extract(epoch from excluded.at - r.at))) - $3
           where least($2, r.tokens + $2 * greatest(0, extract(epoch from excluded.at - r.at))) >= least($2, $3)
           returning tenant_id`,
          [tenantId, perSecond, count],
        ),
      )
      return rows.length > 0
    },
  })
}
