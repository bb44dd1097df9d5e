import type { JsonObject, Transaction } from '@soma/kernel'

export interface FactChanges {
  readonly tags?: string[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly importance?: number | undefined
  readonly confidence?: number | undefined
  readonly validTo?: string | undefined
  readonly expiresAt?: string | undefined
}

const UPDATE = `update memory.facts set version = version + 1, updated_at = date_trunc('milliseconds', statement_timestamp()),
    tags = coalesce($3::text[], tags), metadata = coalesce($4::jsonb, metadata), importance = coalesce($5, importance), confidence = coalesce($6, confidence),
    valid_to = coalesce(date_trunc('milliseconds', $7::timestamptz), valid_to), closed_at = case when $7 is null then closed_at else date_trunc('milliseconds', statement_timestamp()) end,
    expires_at = coalesce($8::timestamptz, expires_at)
  where tenant_id = memory.tenant() and id = $1 and version = $2`

/** Changes a fact in place; 0 when it has another version or may not be changed. */
export const updateFact = (
  tx: Transaction,
  id: string,
  { changes, version }: { changes: FactChanges; version: number },
): Promise<number> =>
  tx.execute(UPDATE, [
    id,
    version,
    changes.tags ?? null,
    changes.metadata === undefined ? null : JSON.stringify(changes.metadata),
    changes.importance ?? null,
    changes.confidence ?? null,
    changes.validTo ?? null,
    changes.expiresAt ?? null,
  ])

const SUPERSEDE = `with old as (
    update memory.facts set status = 'superseded', superseded_at = date_trunc('milliseconds', statement_timestamp()), superseded_by = $2, updated_at = statement_timestamp()
    where tenant_id = memory.tenant() and id = $1 and version = $3 and status <> 'superseded' returning id),
  words as (update memory.item_terms x set live = false from old where x.tenant_id = memory.tenant() and x.item_id = old.id returning x.item_id)
  select old.id, (select count(*) from words) as words from old`

/** Takes a fact out of every time; 0 when it has another version or may not be changed. */
export const supersedeFact = async (
  tx: Transaction,
  id: string,
  { by, version }: { by: string; version: number },
): Promise<number> => (await tx.query(SUPERSEDE, [id, by, version])).length
