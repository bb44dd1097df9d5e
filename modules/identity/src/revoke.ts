import type { SqlSession } from '@soma/kernel'
import type { Revocation } from '../contract/index.ts'

/** Adds a line to the revocation list of the installation, in the transaction of what it revokes. */
export const addRevocation = (tx: SqlSession, kind: Revocation['kind'], id: string): Promise<number> =>
  tx.execute(
    `with next as (update identity.revocation_counter set seq = seq + 1 returning seq)
     insert into identity.revocations (seq, tenant_id, kind, id) select seq, current_setting('soma.tenant_id'), $1, $2 from next`,
    [kind, id],
  )

export async function isRevoked(tx: SqlSession, kind: Revocation['kind'], id: string): Promise<boolean> {
  return (
    (await tx.query('select 1 as one from identity.revocations where kind = $1 and id = $2 limit 1', [kind, id]))
      .length > 0
  )
}

/** Over all tenants, as scheduler. */
export async function listRevocations(
  session: SqlSession,
  since: number,
): Promise<{ items: Revocation[]; head: number }> {
  const rows = await session.query<{ seq: number; tenant_id: string; kind: Revocation['kind']; id: string; at: Date }>(
    'select seq, tenant_id, kind, id, at from identity.revocations where seq > $1 order by seq limit 1000',
    [since],
  )
  const items = rows.map((row) => ({
    seq: row.seq,
    tenantId: row.tenant_id,
    kind: row.kind,
    id: row.id,
    at: row.at.toISOString(),
  }))
  return { items, head: items.at(-1)?.seq ?? since }
}
