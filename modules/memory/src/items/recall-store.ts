import type { Transaction } from '@soma/kernel'
import { type Item, ITEM_KINDS, type ItemKind, type RecallInput } from '../../contract/index.ts'
import { NOT_EXPIRED } from './read-store.ts'
import { SELECT_EPISODE, SELECT_FACT, SELECT_PROCEDURE } from './rows.ts'
import type { Candidate, Search } from './search-store.ts'
import { trustLevel } from './trust.ts'
import { viewEpisode, viewFact, viewProcedure } from './views.ts'

// Two clocks: what was believed at $2, and of that what held at $3. A fact that was closed after $2 was then still thought to hold.
const FACT_FITS = `${NOT_EXPIRED}
  and i.status in ('live', 'superseded') and (i.superseded_at is null or i.superseded_at > $2::timestamptz) and ($2 is null or i.recorded_at <= $2)
  and i.valid_from <= coalesce($3::timestamptz, $2, statement_timestamp())
  and (i.valid_to is null or i.closed_at > $2 or i.valid_to > coalesce($3, $2, statement_timestamp()))
  and ($4::text[] is null or i.collection = any ($4)) and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.valid_from >= $7) and ($8::timestamptz is null or i.valid_from < $8)`

const EPISODE_FITS = `${NOT_EXPIRED}
  and ($2::timestamptz is null or i.recorded_at <= $2) and ($3::text is null or i.agent_id = $3) and ($4::text is null or i.session_id = $4)
  and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.occurred_at >= $7) and ($8::timestamptz is null or i.occurred_at < $8)`

const PROCEDURE_FITS = `${NOT_EXPIRED} and i.status = 'active'
  and ($2::timestamptz is null or i.recorded_at <= $2) and ($3::text is null or i.agent_id in ($3, '*')) and ($4::text[] is null or i.type = any ($4))
  and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.recorded_at >= $7) and ($8::timestamptz is null or i.recorded_at < $8)`

const OF_KIND = {
  fact: { select: SELECT_FACT, table: 'facts', fits: FACT_FITS },
  episode: { select: SELECT_EPISODE, table: 'episodes', fits: EPISODE_FITS },
  procedure: { select: SELECT_PROCEDURE, table: 'procedures', fits: PROCEDURE_FITS },
} as const

/** What a recall filters by; of procedures by their type too. */
export type ItemFilter = Omit<RecallInput, 'minRelevance' | 'limit'> & {
  readonly types?: readonly string[] | undefined
}

/** The parameters $2 to $8 of what fits. */
function filterOf(kind: ItemKind, body: ItemFilter): unknown[] {
  const trust = body.minTrust === undefined ? 0 : trustLevel(body.minTrust)
  const common = [body.tags ?? null, trust, body.from ?? null, body.to ?? null]
  const asOf = body.asOf ?? null
  if (kind === 'fact') return [asOf, body.validAt ?? null, body.collections ?? null, ...common]
  const ofKind = kind === 'episode' ? body.sessionId : body.types
  return [asOf, body.agentId ?? null, ofKind ?? null, ...common]
}

/** Those of the candidates that the caller may read and that fit the filters, read under the policies of their tables. */
export async function readMatching(
  tx: Transaction,
  candidates: readonly Pick<Candidate, 'id' | 'kind'>[],
  body: ItemFilter,
): Promise<Map<string, Item>> {
  const found = new Map<string, Item>()
  for (const kind of ITEM_KINDS) {
    const ids = candidates.filter((candidate) => candidate.kind === kind).map(({ id }) => id)
    if (ids.length === 0) continue
    const { select, fits } = OF_KIND[kind]
    const rows = await tx.query<never>(`${select} and i.id = any ($1) ${fits}`, [ids, ...filterOf(kind, body)])
    for (const row of rows as { readonly id: string }[]) found.set(row.id, VIEWS[kind](row as never))
  }
  return found
}

const VIEWS: Readonly<Record<ItemKind, (row: never) => Item>> = {
  fact: viewFact,
  episode: viewEpisode,
  procedure: viewProcedure,
}

// Under the policies of both tables: what a filter lets through is looked at, however many items match the words better.
const bestSql = (kind: ItemKind): string => `
  select * from (
    select i.id, t.kind, coalesce(-(t.weights <#> $9::sparsevec), 0) as overlap, t.at,
      (select coalesce(sum(q.s), 0) from unnest(memory.scoped_terms(memory.tenant(), t.scope_key, $10::int4[]), $11::float8[]) q(d, s) where q.d = any (t.terms)) as share
    from memory.${OF_KIND[kind].table} i join memory.item_terms t on t.tenant_id = i.tenant_id and t.item_id = i.id
    where i.tenant_id = memory.tenant() and i.scope_key = any (coalesce($1::text[], memory.reads())) ${OF_KIND[kind].fits}
      and (t.live or $12) and ($9::sparsevec is null or (t.weights <#> $9::sparsevec) < 0)) matching
  where share >= $13 order by overlap desc, case when $9::sparsevec is null then at end desc, id limit $14`

/** The best of what fits the filters, found from the filters: what recall does where filters leave too few of the best by words. */
export async function findFitting(
  tx: Transaction,
  body: ItemFilter,
  by: { search: Search; leastShare: number; limit: number },
): Promise<Candidate[]> {
  const { words, scopeKeys, isPast } = by.search
  const found: (Candidate & { readonly at: Date })[] = []
  for (const kind of body.kinds)
    found.push(
      ...(await tx.query<Candidate & { at: Date }>(bestSql(kind), [
        scopeKeys ?? null,
        ...filterOf(kind, body),
        words?.sparse ?? null,
        words?.dimensions ?? [],
        words?.weights ?? [],
        isPast,
        by.leastShare,
        by.limit,
      ])),
    )
  const isByTime = words === undefined
  return found
    .toSorted(
      (left, right) =>
        (isByTime ? right.at.getTime() - left.at.getTime() : right.overlap - left.overlap) ||
        (left.id < right.id ? -1 : 1),
    )
    .slice(0, by.limit)
}
