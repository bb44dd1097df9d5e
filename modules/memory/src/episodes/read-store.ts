import type { Transaction } from '@soma/kernel'
import { NOT_EXPIRED } from '../items/read-store.ts'
import { type EpisodeRow, SELECT_EPISODE } from '../items/rows.ts'

/** Absent filters are null. */
export interface EpisodeWindow {
  readonly agentId: string | null
  readonly sessionId: string | null
  readonly planId: string | null
  /** The scope of the plan: all in it is the plan's. */
  readonly planScope: string | null
  readonly role: string | null
  readonly from: string | null
  readonly to: string | null
}

// Each readable scope is an index of its own, and so is an agent in it.
const inOrderSql = (direction: 'asc' | 'desc', ofAgent: boolean): string => `
  select page.* from unnest(memory.reads()) k(scope)
  cross join lateral (${SELECT_EPISODE} and i.scope_key = k.scope ${ofAgent ? 'and i.agent_id = $2' : 'and $2::text is null'} ${NOT_EXPIRED}
    and ($3::text is null or i.session_id = $3) and ($4::text is null or i.plan_id = $4 or i.scope_key = $5) and ($6::text is null or i.role = $6)
    and ($7::timestamptz is null or i.occurred_at >= $7) and ($8::timestamptz is null or i.occurred_at < $8)
    and ($9::timestamptz is null or (i.occurred_at, i.seq) ${direction === 'desc' ? '<' : '>'} ($9, $10::int8))
    order by i.occurred_at ${direction}, i.seq ${direction} limit $1) page
  order by occurred_at ${direction}, seq ${direction} limit $1`

/** Episodes by when they occurred, then in the order of recording. */
export const listInOrder = (
  tx: Transaction,
  of: EpisodeWindow,
  page: { limit: number; place: readonly [string, number] | undefined; isNewestFirst: boolean },
): Promise<EpisodeRow[]> =>
  tx.query<EpisodeRow>(inOrderSql(page.isNewestFirst ? 'desc' : 'asc', of.agentId !== null), [
    page.limit,
    of.agentId,
    of.sessionId,
    of.planId,
    of.planScope,
    of.role,
    of.from,
    of.to,
    page.place?.[0] ?? null,
    page.place?.[1] ?? null,
  ])

const neighboursSql = (sign: '<' | '>', direction: 'asc' | 'desc'): string => `${SELECT_EPISODE} ${NOT_EXPIRED}
  and i.scope_key = $1 and i.agent_id = $2 and i.session_id is not distinct from $3 and (i.occurred_at, i.seq) ${sign} ($4::timestamptz, $5::int8)
  order by i.occurred_at ${direction}, i.seq ${direction} limit $6`

/** The nearest of the same scope, agent and session: so many after it, or before it where `count` is negative, the nearest first. */
export const readNeighbours = (tx: Transaction, row: EpisodeRow, count: number): Promise<EpisodeRow[]> =>
  tx.query<EpisodeRow>(count < 0 ? neighboursSql('<', 'desc') : neighboursSql('>', 'asc'), [
    row.scope_key,
    row.agent_id,
    row.session_id,
    row.occurred_at,
    row.seq,
    Math.abs(count),
  ])
