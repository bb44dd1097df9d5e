import type { SqlSession } from '@soma/kernel'

export interface KeyRow {
  readonly id: string
  readonly principal_id: string
  readonly name: string
  readonly scopes: string[]
  readonly status: 'active' | 'revoked'
  readonly expires_at: Date
  readonly previous_until: Date | null
  readonly last_used_at: Date | null
  readonly created_at: Date
  readonly version: number
}

const COLUMNS = 'id, principal_id, name, scopes, status, expires_at, previous_until, last_used_at, created_at, version'

export interface NewKey {
  readonly id: string
  readonly principalId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly secretHash: string
  readonly expiresAt: Date
}

/**
 * False when the id is another key's. The same id for the same principal, name and scopes is a request repeated after a crash whose answer was never
 * delivered: it gets the new secret, and the lost one is worth nothing.
 */
export async function insertKey(tx: SqlSession, key: NewKey): Promise<boolean> {
  const changed = await tx.execute(
    `insert into identity.keys as k (tenant_id, id, principal_id, name, scopes, secret_hash, expires_at)
     values (current_setting('soma.tenant_id'), $1::uuid, $2, $3, $4::jsonb, $5, $6::timestamptz)
     on conflict (id) do update set secret_hash = excluded.secret_hash
     where k.principal_id = excluded.principal_id and k.name = excluded.name and k.scopes = excluded.scopes and k.status = 'active'`,
    [key.id, key.principalId, key.name, JSON.stringify(key.scopes), key.secretHash, key.expiresAt.toISOString()],
  )
  return changed === 1
}

export async function findKey(tx: SqlSession, id: string): Promise<KeyRow | undefined> {
  return (await tx.query<KeyRow>(`select ${COLUMNS} from identity.keys where id = $1::uuid`, [id]))[0]
}

export interface KeyFilter {
  readonly limit: number
  readonly principalId?: string | undefined
  readonly before?: readonly [string, string] | undefined
}

export const listKeys = (tx: SqlSession, { limit, principalId, before }: KeyFilter): Promise<KeyRow[]> =>
  tx.query<KeyRow>(
    `select ${COLUMNS} from identity.keys
     where ($1::text is null or principal_id = $1) and ($2::timestamptz is null or (created_at, id) < ($2::timestamptz, $3::uuid))
     order by created_at desc, id desc limit $4`,
    [principalId ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
  )

/** The secret from before is accepted for the overlap; one from before that is not any more. */
export const rotateKey = (
  tx: SqlSession,
  id: string,
  { secretHash, overlapMs }: { secretHash: string; overlapMs: number },
): Promise<number> =>
  tx.execute(
    `update identity.keys set previous_hash = secret_hash, secret_hash = $2, previous_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000), version = version + 1
     where id = $1::uuid and status = 'active'`,
    [id, secretHash, overlapMs],
  )

export const revokeKey = (tx: SqlSession, id: string): Promise<number> =>
  tx.execute(
    `update identity.keys set status = 'revoked', version = version + 1 where id = $1::uuid and status = 'active'`,
    [id],
  )

/** Written at most once a minute a key. */
export const touchKey = (tx: SqlSession, id: string): Promise<number> =>
  tx.execute(
    `update identity.keys set last_used_at = date_trunc('milliseconds', clock_timestamp())
     where id = $1::uuid and (last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')`,
    [id],
  )

export interface KeyLookup {
  readonly tenant_id: string
  readonly secret_hash: string
  /** Null once its overlap has ended. */
  readonly previous_hash: string | null
}

/** Before the tenant is known, as scheduler: one indexed read. */
export async function lookUpKey(session: SqlSession, id: string): Promise<KeyLookup | undefined> {
  const rows = await session.query<KeyLookup>(
    `select tenant_id, secret_hash, case when previous_until > clock_timestamp() then previous_hash end as previous_hash from identity.keys where id = $1::uuid`,
    [id],
  )
  return rows[0]
}
