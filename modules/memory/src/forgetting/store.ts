import type { Transaction } from '@soma/kernel'
import type { ItemKind } from '../../contract/index.ts'

export interface Selected {
  readonly id: string
  readonly kind: ItemKind
}

/** How many go in one transaction. */
export const BATCH = 1000

const NODE = 'select n.id, n.kind from memory.nodes n where n.tenant_id = memory.tenant()'
/** Locking asks the policies for changing, so these are rows that the caller may erase. */
const TO_ERASE = `order by n.id limit ${BATCH} for update`

export const selectOwnByIds = (tx: Transaction, ids: readonly string[]): Promise<Selected[]> =>
  tx.query<Selected>(`${NODE} and n.id = any ($1) ${TO_ERASE}`, [ids])

export const selectBySession = (tx: Transaction, sessionId: string, after: string): Promise<Selected[]> =>
  tx.query<Selected>(
    `${NODE} and n.id > $2 and n.id in (select e.id from memory.episodes e where e.tenant_id = memory.tenant() and e.session_id = $1) ${TO_ERASE}`,
    [sessionId, after],
  )

export const selectByPlan = (
  tx: Transaction,
  plan: { planId: string; scopeKey: string },
  after: string,
): Promise<Selected[]> =>
  tx.query<Selected>(
    `${NODE} and n.id > $3 and (n.scope_key = $2 or n.id in (select e.id from memory.episodes e where e.tenant_id = memory.tenant() and e.plan_id = $1)) ${TO_ERASE}`,
    [plan.planId, plan.scopeKey, after],
  )

export const selectBySource = (tx: Transaction, ref: string, after: string): Promise<Selected[]> =>
  tx.query<Selected>(
    `${NODE} and n.id > $2 and n.id in (
      select i.id from memory.sources s join memory.facts i on i.tenant_id = s.tenant_id and i.source_id = s.id where s.tenant_id = memory.tenant() and s.ref = $1
      union all
      select i.id from memory.sources s join memory.episodes i on i.tenant_id = s.tenant_id and i.source_id = s.id where s.tenant_id = memory.tenant() and s.ref = $1
      union all
      select i.id from memory.sources s join memory.procedures i on i.tenant_id = s.tenant_id and i.source_id = s.id where s.tenant_id = memory.tenant() and s.ref = $1) ${TO_ERASE}`,
    [ref, after],
  )

/** Everything that a person wrote, as the worker. */
export const selectByOwners = (tx: Transaction, owners: readonly string[], after: string): Promise<Selected[]> =>
  tx.query<Selected>(`${NODE} and n.id > $2 and n.owner_id = any ($1) ${TO_ERASE}`, [owners, after])

/** Everything that people of a space wrote, or with null of the tenant, as the worker. */
export const selectByOwnersOfSpace = (tx: Transaction, space: string | null, after: string): Promise<Selected[]> =>
  tx.query<Selected>(
    `${NODE} and n.id > $2 and ($1::text is null or split_part(n.owner_id, '/', 1) = $1) ${TO_ERASE}`,
    [space, after],
  )

/** The person of a principal in each space that has something of it. */
export const ownersOf = async (tx: Transaction, encodedId: string): Promise<string[]> =>
  (
    await tx.query<{ owner_id: string }>(
      `select owner_id from memory.nodes where tenant_id = memory.tenant() and split_part(owner_id, '/', 2) = $1
       union select owner_id from memory.working_items where tenant_id = memory.tenant() and split_part(owner_id, '/', 2) = $1`,
      [encodedId],
    )
  ).map(({ owner_id }) => owner_id)

/** Items, words and links go with their nodes. */
export const deleteNodes = (tx: Transaction, ids: readonly string[]): Promise<number> =>
  tx.execute('delete from memory.nodes where tenant_id = memory.tenant() and id = any ($1)', [ids])

export const sourcesOf = async (tx: Transaction, ids: readonly string[]): Promise<string[]> =>
  (
    await tx.query<{ source_id: string }>(
      `select source_id from memory.facts where tenant_id = memory.tenant() and id = any ($1) and source_id is not null
       union select source_id from memory.episodes where tenant_id = memory.tenant() and id = any ($1) and source_id is not null
       union select source_id from memory.procedures where tenant_id = memory.tenant() and id = any ($1) and source_id is not null`,
      [ids],
    )
  ).map(({ source_id }) => source_id)

/** Those of these sources that nothing comes from any more. */
export const deleteBareSources = (tx: Transaction, ids: readonly string[]): Promise<number> =>
  tx.execute(
    `delete from memory.sources s where s.tenant_id = memory.tenant() and s.id = any ($1)
      and not exists (select from memory.facts f where f.tenant_id = s.tenant_id and f.source_id = s.id)
      and not exists (select from memory.episodes e where e.tenant_id = s.tenant_id and e.source_id = s.id)
      and not exists (select from memory.procedures p where p.tenant_id = s.tenant_id and p.source_id = s.id)`,
    [ids],
  )

export const deleteScopes = async (tx: Transaction, scopeKeys: readonly string[]): Promise<number> => {
  const working = await tx.execute(
    'delete from memory.working_items where tenant_id = memory.tenant() and scope_key = any ($1)',
    [scopeKeys],
  )
  for (const table of ['lexicon', 'scope_counts'])
    await tx.execute(`delete from memory.${table} where tenant_id = memory.tenant() and scope_key = any ($1)`, [
      scopeKeys,
    ])
  return working
}

/** Working items and words of the people of a space, and of the space; with null of the tenant. Answers how many working items there were. */
export const deleteScopesOfSpace = async (tx: Transaction, space: string | null): Promise<number> => {
  const working = await tx.execute(
    `delete from memory.working_items where tenant_id = memory.tenant() and ($1::text is null or split_part(owner_id, '/', 1) = $1)`,
    [space],
  )
  for (const table of ['lexicon', 'scope_counts'])
    await tx.execute(
      `delete from memory.${table} where tenant_id = memory.tenant() and ($1::text is null or scope_key = 'space:' || $1 or starts_with(scope_key, 'user:' || $1 || '/'))`,
      [space],
    )
  return working
}

/** All rows of the tenant, table by table. Answers how many items there were. */
export async function deleteTenant(tx: Transaction): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of [
    'facts',
    'episodes',
    'procedures',
    'links',
    'working_items',
    'nodes',
    'sources',
    'lexicon',
    'scope_counts',
    'closed_scopes',
  ])
    counts[table] = await tx.execute(`delete from memory.${table} where tenant_id = memory.tenant()`)
  return counts
}
