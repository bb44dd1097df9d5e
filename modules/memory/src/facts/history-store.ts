import type { Transaction } from '@soma/kernel'
import { type FactRow, SELECT_FACT } from '../items/rows.ts'

// A statement for each kind of key, so that each finds its index.
const KEYED = {
  external: `join one on i.scope_key = one.scope_key and i.external_id = one.external_id`,
  slot: `join one on i.scope_key = one.scope_key and i.subject = one.subject and i.predicate = one.predicate`,
  content: `join one on i.id = one.id`,
} as const

const KEY = `select case when external_id is not null then 'external' when subject is not null then 'slot' else 'content' end as key
  from memory.facts where tenant_id = memory.tenant() and id = $1`

const ONE = `with one as (select id, scope_key, external_id, subject, predicate from memory.facts where tenant_id = memory.tenant() and id = $1)`

const historySql = (key: keyof typeof KEYED): string =>
  `${ONE} ${SELECT_FACT.replace(' where ', ` ${KEYED[key]} where `)}
    and ($2::timestamptz is null or (i.recorded_at, i.id) < ($2, $3::uuid)) order by i.recorded_at desc, i.id desc limit $4`

/** All values of the key of a fact, newest first: those of its external id, else of its slot. */
export async function historyOf(
  tx: Transaction,
  id: string,
  page: { limit: number; place: readonly [string, string] | undefined },
): Promise<FactRow[]> {
  const [row] = await tx.query<{ key: keyof typeof KEYED }>(KEY, [id])
  if (row === undefined) return []
  return tx.query<FactRow>(historySql(row.key), [id, page.place?.[0] ?? null, page.place?.[1] ?? null, page.limit])
}
