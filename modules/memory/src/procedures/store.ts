import type { Transaction } from '@soma/kernel'
import type { Procedure, ProcedureInput } from '../../contract/index.ts'
import type { PreparedItem } from '../items/prepare.ts'
import { NOT_EXPIRED } from '../items/read-store.ts'
import { type ProcedureRow, SELECT_PROCEDURE } from '../items/rows.ts'

export type PreparedProcedure = PreparedItem<ProcedureInput>

/** What names a procedure, of which each version is a row. */
export interface ProcedureKey {
  readonly scopeKey: string
  readonly agentId: string
  readonly name: string
}

const OF_KEY = 'p.tenant_id = memory.tenant() and p.scope_key = $1 and p.agent_id = $2 and p.name = $3'

/** Versions of one name are written and decided by one at a time. */
export const lockKeyOf = ({ scopeKey, agentId, name }: ProcedureKey): string =>
  JSON.stringify([scopeKey, 'procedure', agentId, name])

export const lockKeyOfProcedure = ({ scopeKey, input }: PreparedProcedure): string =>
  lockKeyOf({ scopeKey, agentId: input.agentId, name: input.name })

// The words of a draft are searched from its activation on.
const STORE = `
with time as (select date_trunc('milliseconds', statement_timestamp()) as now),
newest as (select p.* from memory.procedures p where ${OF_KEY} order by p.version desc limit 1),
same as (
  select n.id, n.version, n.status from newest n where n.id = $4
    or (n.content_hash = $8 and n.type = $5 and n.trigger = $6 and n.tags = $11 and n.parameters is not distinct from $9::jsonb
      and n.trial_share is not distinct from $15::float8 and n.metadata = $12::jsonb)),
node as (
  insert into memory.nodes (tenant_id, id, scope_key, owner_id, kind)
  select memory.tenant(), $4, $1, $16, 'procedure' where not exists (select from same) returning id),
stored as (
  insert into memory.procedures (tenant_id, id, scope_key, owner_id, agent_id, name, version, type, trigger, content, content_hash, parameters, language, tags, metadata, importance,
    trust, trial_share, source_id, recorded_at, updated_at, expires_at)
  select memory.tenant(), node.id, $1, $16, $2, $3, coalesce((select n.version from newest n), 0) + 1, $5, $6, $7, $8, $9::jsonb, $10, $11, $12::jsonb, $13, $14, $15, $17,
    time.now, time.now, $18 from node, time returning id, version, status, recorded_at),
words as (
  insert into memory.item_terms (tenant_id, item_id, scope_key, owner_id, kind, live, at, terms, weights)
  select memory.tenant(), stored.id, $1, $16, 'procedure', false, stored.recorded_at, memory.scoped_terms(memory.tenant(), $1, $19::int4[]), $20::sparsevec
  from stored returning item_id)
select coalesce(stored.id, same.id) as id, coalesce(stored.version, same.version) as version, coalesce(stored.status, same.status) as status, stored.id is not null as is_new,
  (select count(*) from words) as words
from (select 1) one left join stored on true left join same on true`

export interface StoredProcedure {
  readonly id: string
  readonly version: number
  readonly status: Procedure['status']
  readonly is_new: boolean
}

/** One statement. What is the same as the newest version, which it is compared with under the lock of its key, is that one. */
export async function storeProcedure(
  tx: Transaction,
  { input, ...procedure }: PreparedProcedure,
  sourceId: string,
): Promise<StoredProcedure> {
  const [row] = await tx.query<StoredProcedure>(STORE, [
    procedure.scopeKey,
    input.agentId,
    input.name,
    procedure.id,
    input.type,
    input.trigger,
    procedure.content,
    procedure.contentHash,
    input.parameters === undefined ? null : JSON.stringify(input.parameters),
    input.language,
    input.tags,
    JSON.stringify(input.metadata),
    input.importance,
    procedure.provenance.trust,
    input.trialShare ?? null,
    procedure.ownerId,
    sourceId,
    input.expiresAt ?? null,
    procedure.dimensions,
    procedure.weights,
  ])
  return row as StoredProcedure
}

/** The active version of a name, be it expired. */
export const findActive = async (tx: Transaction, of: ProcedureKey): Promise<ProcedureRow | undefined> =>
  (
    await tx.query<ProcedureRow>(
      `${SELECT_PROCEDURE} and i.scope_key = $1 and i.agent_id = $2 and i.name = $3 and i.status = 'active'`,
      [of.scopeKey, of.agentId, of.name],
    )
  )[0]

const SET_STATUS = `
with changed as (
  update memory.procedures set status = $2, updated_at = date_trunc('milliseconds', statement_timestamp()),
    approved_by = coalesce($3, approved_by), activated_at = case when $2 = 'active' then date_trunc('milliseconds', statement_timestamp()) else activated_at end
  where tenant_id = memory.tenant() and id = $1 returning id)
update memory.item_terms t set live = $2 = 'active' from changed where t.tenant_id = memory.tenant() and t.item_id = changed.id`

/** Answers whether this caller may change it. `byId`: who activates it. */
export const setStatus = async (
  tx: Transaction,
  id: string,
  status: Procedure['status'],
  byId: string | null = null,
): Promise<boolean> => (await tx.execute(SET_STATUS, [id, status, byId])) === 1

const MAX_RULES = 1000

/** Active rules with tags that are for this agent; of more than a thousand the newest. */
export const readTaggedRules = (tx: Transaction, agentId: string): Promise<{ id: string; tags: readonly string[] }[]> =>
  tx.query(
    `select i.id, i.tags from unnest(memory.reads()) k(scope) cross join lateral (
       select i.id, i.tags, i.recorded_at from memory.procedures i where i.tenant_id = memory.tenant() and i.scope_key = k.scope and i.agent_id in ($1, '*')
         and i.status = 'active' and i.type = 'rule' and i.tags <> '{}' ${NOT_EXPIRED} order by i.recorded_at desc limit ${MAX_RULES}) i
     order by i.recorded_at desc, i.id desc limit ${MAX_RULES}`,
    [agentId],
  )

/** For each of these active versions its newest draft on trial, if it has one. */
export const readTrials = (
  tx: Transaction,
  activeIds: readonly string[],
): Promise<{ active_id: string; id: string; trial_share: number }[]> =>
  tx.query(
    `select a.id as active_id, d.id, d.trial_share from memory.procedures a cross join lateral (
       select i.id, i.trial_share from memory.procedures i where i.tenant_id = a.tenant_id and i.scope_key = a.scope_key and i.agent_id = a.agent_id and i.name = a.name
         and i.status = 'draft' and i.trial_share > 0 ${NOT_EXPIRED} order by i.version desc limit 1) d
     where a.tenant_id = memory.tenant() and a.id = any ($1)`,
    [activeIds],
  )

/** Locked in one order, so that two tellings of the same versions never wait for each other. */
export const countUses = (tx: Transaction, ids: readonly string[], won: boolean): Promise<number> =>
  tx.execute(
    `update memory.procedures p set uses = p.uses + 1, wins = p.wins + $2::int from (
       select id from memory.procedures where tenant_id = memory.tenant() and id = any ($1) order by id for update) known
     where p.tenant_id = memory.tenant() and p.id = known.id`,
    [ids, won ? 1 : 0],
  )
