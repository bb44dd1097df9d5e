import type { Transaction } from '@soma/kernel'
import { NOT_EXPIRED } from './read-store.ts'
import {
  type EpisodeRow,
  type FactRow,
  type ProcedureRow,
  SELECT_EPISODE,
  SELECT_FACT,
  SELECT_PROCEDURE,
} from './rows.ts'

/** Absent filters are null. */
export interface ListFilter {
  readonly scopeTypes: readonly string[] | null
  readonly tag: string | null
  readonly sourceRef: string | null
  readonly from: string | null
  readonly to: string | null
}

export interface FactFilter extends ListFilter {
  readonly status: string | null
  readonly collection: string | null
  readonly externalId: string | null
  readonly subject: string | null
  readonly predicate: string | null
}

export interface EpisodeFilter extends ListFilter {
  readonly agentId: string | null
  readonly sessionId: string | null
  readonly planId: string | null
  readonly role: string | null
}

export interface ProcedureFilter extends ListFilter {
  readonly agentId: string | null
  readonly name: string | null
  readonly type: string | null
  readonly status: string | null
}

/** Where a page goes on: the time of the last row, then what tells rows of one time apart. */
export type Place = readonly [time: string, id: string] | undefined

// Each readable scope is an index of its own: so many rows of each at most, whatever the tenant has.
const perScope = (select: string, order: string): string => `
  select page.* from unnest(memory.reads()) k(scope)
  cross join lateral (${select} and i.scope_key = k.scope order by ${order} limit $1) page
  where $2::text[] is null or split_part(k.scope, ':', 1) = any ($2)`

const FILTER = `${NOT_EXPIRED} and ($3::text is null or i.tags @> array[$3]) and ($4::text is null or s.ref = $4)`

const FACTS = `${perScope(
  `${SELECT_FACT} ${FILTER} and ($5::timestamptz is null or i.valid_from >= $5) and ($6::timestamptz is null or i.valid_from < $6)
    and ($7::timestamptz is null or (i.recorded_at, i.id) < ($7, $8::uuid))
    and ($9::text is null or i.status = $9) and ($10::text is null or i.collection = $10) and ($11::text is null or i.external_id = $11)
    and ($12::text is null or i.subject = $12) and ($13::text is null or i.predicate = $13)`,
  'i.recorded_at desc, i.id desc',
)} order by recorded_at desc, id desc limit $1`

const EPISODES = `${perScope(
  `${SELECT_EPISODE} ${FILTER} and ($5::timestamptz is null or i.occurred_at >= $5) and ($6::timestamptz is null or i.occurred_at < $6)
    and ($7::timestamptz is null or (i.occurred_at, i.id) < ($7, $8::uuid))
    and ($9::text is null or i.agent_id = $9) and ($10::text is null or i.session_id = $10) and ($11::text is null or i.plan_id = $11 or i.scope_key = $12)
    and ($13::text is null or i.role = $13)`,
  'i.occurred_at desc, i.id desc',
)} order by occurred_at desc, id desc limit $1`

const PROCEDURES = `${perScope(
  `${SELECT_PROCEDURE} ${FILTER} and ($5::timestamptz is null or i.recorded_at >= $5) and ($6::timestamptz is null or i.recorded_at < $6)
    and ($7::timestamptz is null or (i.recorded_at, i.id) < ($7, $8::uuid))
    and ($9::text is null or i.agent_id = $9) and ($10::text is null or i.name = $10) and ($11::text is null or i.type = $11)
    and ($12::text is null or i.status = $12)`,
  'i.recorded_at desc, i.id desc',
)} order by recorded_at desc, id desc limit $1`

const filterOf = (of: ListFilter, place: Place) => [
  of.scopeTypes,
  of.tag,
  of.sourceRef,
  of.from,
  of.to,
  place?.[0] ?? null,
  place?.[1] ?? null,
]

/** Newest recorded first. */
export const listFacts = (tx: Transaction, of: FactFilter, page: { limit: number; place: Place }): Promise<FactRow[]> =>
  tx.query<FactRow>(FACTS, [
    page.limit,
    ...filterOf(of, page.place),
    of.status,
    of.collection,
    of.externalId,
    of.subject,
    of.predicate,
  ])

/** Newest occurred first. */
export const listEpisodes = (
  tx: Transaction,
  of: EpisodeFilter,
  page: { limit: number; place: Place; planScope: string | null },
): Promise<EpisodeRow[]> =>
  tx.query<EpisodeRow>(EPISODES, [
    page.limit,
    ...filterOf(of, page.place),
    of.agentId,
    of.sessionId,
    of.planId,
    page.planScope,
    of.role,
  ])

/** Newest recorded first. */
export const listProcedures = (
  tx: Transaction,
  of: ProcedureFilter,
  page: { limit: number; place: Place },
): Promise<ProcedureRow[]> =>
  tx.query<ProcedureRow>(PROCEDURES, [page.limit, ...filterOf(of, page.place), of.agentId, of.name, of.type, of.status])
