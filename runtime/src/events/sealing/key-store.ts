import type { SqlSession } from '@soma/kernel'

/** Whose key: '' = the events of the tenant that belong to no user. */
export interface KeyOwner {
  readonly tenantId: string
  readonly userId: string
}

export interface KeyRow extends KeyOwner {
  readonly keyId: string
  /** Null = destroyed. */
  readonly sealed: string | null
}

const COLUMNS = 'key_id as "keyId", tenant_id as "tenantId", user_id as "userId", sealed'

export const liveKeys = (session: SqlSession, owners: readonly KeyOwner[]): Promise<KeyRow[]> =>
  session.query(
    `select ${COLUMNS} from events.sealing_keys
      where sealed is not null and (tenant_id, user_id) in (select * from unnest($1::text[], $2::text[]))`,
    [owners.map(({ tenantId }) => tenantId), owners.map(({ userId }) => userId)],
  )

export const keysById = (session: SqlSession, keyIds: readonly string[]): Promise<KeyRow[]> =>
  session.query(`select ${COLUMNS} from events.sealing_keys where key_id = any ($1::uuid[])`, [keyIds])

/** Any key that lives, of whomever. */
export async function someKey(session: SqlSession): Promise<KeyRow | undefined> {
  const [row] = await session.query<KeyRow>(
    `select ${COLUMNS} from events.sealing_keys where sealed is not null limit 1`,
  )
  return row
}

/** Of processes that make a key for one owner at once, one does. */
export async function insertKeys(session: SqlSession, rows: readonly KeyRow[]): Promise<void> {
  await session.execute(
    `insert into events.sealing_keys (key_id, tenant_id, user_id, sealed)
       select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) on conflict do nothing`,
    [
      rows.map(({ keyId }) => keyId),
      rows.map(({ tenantId }) => tenantId),
      rows.map(({ userId }) => userId),
      rows.map(({ sealed }) => sealed),
    ],
  )
}
