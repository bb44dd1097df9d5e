import type { Transaction } from '@soma/kernel'
import type { EpisodeInput } from '../../contract/index.ts'
import type { PreparedItem } from '../items/prepare.ts'

export type PreparedEpisode = PreparedItem<EpisodeInput>

const STORE = `
with time as (select date_trunc('milliseconds', statement_timestamp()) as now),
same as (
  select id from (
    select e.id from memory.episodes e where e.tenant_id = memory.tenant() and e.id = $1
    union all select e.id from memory.episodes e where $16 and e.tenant_id = memory.tenant() and e.replayable and e.source_id = $15) known limit 1),
node as (
  insert into memory.nodes (tenant_id, id, scope_key, owner_id, kind)
  select memory.tenant(), $1, $2, $3, 'episode' where not exists (select from same) returning id),
stored as (
  insert into memory.episodes (tenant_id, id, scope_key, owner_id, agent_id, session_id, plan_id, task_id, role, content, content_hash, language, tags, metadata, importance, trust,
    occurred_at, recorded_at, source_id, replayable, expires_at)
  select memory.tenant(), node.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $18, coalesce(date_trunc('milliseconds', $17::timestamptz), time.now), time.now, $15, $16, $19
  from node, time returning id, occurred_at),
words as (
  insert into memory.item_terms (tenant_id, item_id, scope_key, owner_id, kind, at, terms, weights)
  select memory.tenant(), stored.id, $2, $3, 'episode', stored.occurred_at, memory.scoped_terms(memory.tenant(), $2, $20::int4[]), $21::sparsevec from stored returning item_id)
select coalesce(stored.id, same.id) as id, stored.id is not null as is_new, (select count(*) from words) as words
from (select 1) one left join stored on true left join same on true`

/** One statement. The same named source is the same episode, and so is the same id. */
export async function storeEpisode(
  tx: Transaction,
  episode: PreparedEpisode,
  sourceId: string,
): Promise<{ readonly id: string; readonly is_new: boolean }> {
  const { input } = episode
  const [row] = await tx.query<{ id: string; is_new: boolean }>(STORE, [
    episode.id,
    episode.scopeKey,
    episode.ownerId,
    input.agentId,
    input.sessionId ?? null,
    input.planId ?? null,
    input.taskId ?? null,
    input.role,
    episode.content,
    episode.contentHash,
    input.language,
    input.tags,
    JSON.stringify(input.metadata),
    input.importance,
    sourceId,
    episode.provenance.isNamed,
    input.occurredAt ?? null,
    episode.provenance.trust,
    input.expiresAt ?? null,
    episode.dimensions,
    episode.weights,
  ])
  return row as { id: string; is_new: boolean }
}

/** A named source is written by one at a time. */
export const lockKeysOfEpisode = ({ scopeKey, provenance }: PreparedEpisode): string[] =>
  provenance.isNamed ? [JSON.stringify([scopeKey, 'source', provenance.kind, provenance.ref])] : []
