import type { Transaction } from '@soma/kernel'

export interface LinkRow {
  readonly id: string
  readonly scope_key: string
  readonly owner_id: string
  readonly from_id: string
  readonly from_kind: 'fact' | 'episode'
  readonly relation: string
  readonly to_id: string
  readonly to_kind: 'fact' | 'episode'
  readonly strength: number
  readonly properties: Record<string, unknown>
  readonly valid_from: Date
  readonly created_at: Date
  readonly updated_at: Date
}

export interface LinkDraft {
  readonly id: string
  readonly scopeKey: string
  readonly ownerId: string
  readonly fromId: string
  readonly relation: string
  readonly toId: string
  /** Absent: full for a new link, more for one that is there. */
  readonly strength: number | undefined
  readonly properties: object | undefined
}

export interface NodeRow {
  readonly id: string
  readonly kind: 'fact' | 'episode'
  readonly scope_key: string
}

/** Those of these nodes that the caller may read. */
export const findNodes = (tx: Transaction, ids: readonly string[]): Promise<NodeRow[]> =>
  tx.query<NodeRow>(
    'select id, kind, scope_key from memory.nodes where tenant_id = memory.tenant() and id = any ($1)',
    [ids],
  )

const INSERT = `insert into memory.links (tenant_id, id, scope_key, owner_id, from_id, relation, to_id, strength, properties)
  values (memory.tenant(), $1, $2, $3, $4, $5, $6, coalesce($7::float8, 1), coalesce($8::jsonb, '{}')) on conflict do nothing`

const REINFORCE = `update memory.links set strength = coalesce($4::float8, strength + 0.1 * (1 - strength)), properties = coalesce($5::jsonb, properties), updated_at = statement_timestamp()
  where tenant_id = memory.tenant() and from_id = $1 and relation = $2 and to_id = $3 and valid_to is null`

// A link is seen where both its ends are (MEM-R19).
const SELECT = `select l.id, l.scope_key, l.owner_id, l.from_id, f.kind as from_kind, l.relation, l.to_id, t.kind as to_kind, l.strength, l.properties, l.valid_from, l.created_at, l.updated_at
  from memory.links l join memory.nodes f on f.tenant_id = l.tenant_id and f.id = l.from_id join memory.nodes t on t.tenant_id = l.tenant_id and t.id = l.to_id
  where l.tenant_id = memory.tenant() and l.valid_to is null`

export const insertLink = (tx: Transaction, link: LinkDraft): Promise<number> =>
  tx.execute(INSERT, [
    link.id,
    link.scopeKey,
    link.ownerId,
    link.fromId,
    link.relation,
    link.toId,
    link.strength ?? null,
    link.properties === undefined ? null : JSON.stringify(link.properties),
  ])

export const reinforceLink = (tx: Transaction, link: LinkDraft): Promise<number> =>
  tx.execute(REINFORCE, [
    link.fromId,
    link.relation,
    link.toId,
    link.strength ?? null,
    link.properties === undefined ? null : JSON.stringify(link.properties),
  ])

export const findLinkBetween = async (tx: Transaction, link: LinkDraft): Promise<LinkRow | undefined> =>
  (
    await tx.query<LinkRow>(`${SELECT} and l.from_id = $1 and l.relation = $2 and l.to_id = $3`, [
      link.fromId,
      link.relation,
      link.toId,
    ])
  )[0]

export const findLink = async (tx: Transaction, id: string): Promise<LinkRow | undefined> =>
  (await tx.query<LinkRow>(`${SELECT} and l.id = $1`, [id]))[0]

export const deleteLink = (tx: Transaction, id: string): Promise<number> =>
  tx.execute('delete from memory.links where tenant_id = memory.tenant() and id = $1', [id])

export const listLinks = (
  tx: Transaction,
  of: { fromId: string | null; toId: string | null; relation: string | null; before: string | null; limit: number },
): Promise<LinkRow[]> =>
  tx.query<LinkRow>(
    `${SELECT} and ($1::uuid is null or l.from_id = $1) and ($2::uuid is null or l.to_id = $2) and ($3::text is null or l.relation = $3)
      and ($4::uuid is null or l.id < $4) order by l.id desc limit $5`,
    [of.fromId, of.toId, of.relation, of.before, of.limit],
  )

export interface WalkRow {
  readonly id: string
  readonly kind: 'fact' | 'episode'
  readonly path: readonly string[]
  readonly score: number
}

// A lateral probe of the node a step: a plain join lets the planner hash the whole scope.
const WALK = `
with recursive walk as (
  select n.id, n.kind, array[n.id] as path, 1::float8 as score from memory.nodes n where n.tenant_id = memory.tenant() and n.id = any ($1)
  union all
  select n.id, n.kind, w.path || n.id, w.score * e.strength * 0.5
  from walk w
  cross join lateral (
    select l.to_id, l.strength from memory.links l
    where l.tenant_id = memory.tenant() and l.from_id = w.id and l.valid_to is null and ($3::text[] is null or l.relation = any ($3)) and not l.to_id = any (w.path)
    order by l.strength desc, l.to_id limit 10) e
  cross join lateral (select n.id, n.kind from memory.nodes n where n.tenant_id = (select memory.tenant()) and n.id = e.to_id limit 1) n
  where cardinality(w.path) <= $2),
best as (select distinct on (id) id, kind, path, score from walk where cardinality(path) > 1 and not id = any ($1) order by id, score desc, cardinality(path))
select id, kind, path, score from best order by score desc, id limit $4`

export const walkLinks = (
  tx: Transaction,
  of: { startIds: readonly string[]; hops: number; relations: readonly string[] | null; limit: number },
): Promise<WalkRow[]> => tx.query<WalkRow>(WALK, [of.startIds, of.hops, of.relations, of.limit])
