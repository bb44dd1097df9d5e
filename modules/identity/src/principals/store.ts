import type { SqlSession } from '@soma/kernel'
import type { PrincipalRecord } from '../../contract/index.ts'

export interface PrincipalRow {
  readonly id: string
  readonly space_id: string
  readonly kind: PrincipalRecord['kind']
  readonly status: PrincipalRecord['status']
  readonly display_name: string
  readonly email: string | null
  readonly owner_id: string | null
  readonly epoch: number
  readonly expires_at: Date | null
  readonly created_at: Date
  readonly version: number
}

const COLUMNS = 'id, space_id, kind, status, display_name, email, owner_id, epoch, expires_at, created_at, version'
const TENANT = `current_setting('soma.tenant_id')`

export interface NewPrincipal {
  readonly id: string
  readonly kind: PrincipalRecord['kind']
  readonly displayName: string
  readonly spaceId?: string | undefined
  readonly email?: string | undefined
  readonly ownerId?: string | undefined
  readonly expiresAt?: string | undefined
}

/** False when the id or the address is taken. */
export async function insertPrincipal(tx: SqlSession, principal: NewPrincipal): Promise<boolean> {
  const changed = await tx.execute(
    `insert into identity.principals (tenant_id, id, kind, display_name, space_id, email, owner_id, expires_at)
     values (${TENANT}, $1, $2, $3, $4, $5, $6, $7::timestamptz) on conflict do nothing`,
    [
      principal.id,
      principal.kind,
      principal.displayName,
      principal.spaceId ?? '',
      principal.email ?? null,
      principal.ownerId ?? null,
      principal.expiresAt ?? null,
    ],
  )
  return changed === 1
}

export async function findPrincipal(tx: SqlSession, id: string): Promise<PrincipalRow | undefined> {
  return (await tx.query<PrincipalRow>(`select ${COLUMNS} from identity.principals where id = $1`, [id]))[0]
}

export async function lockPrincipal(tx: SqlSession, id: string): Promise<PrincipalRow | undefined> {
  return (await tx.query<PrincipalRow>(`select ${COLUMNS} from identity.principals where id = $1 for update`, [id]))[0]
}

export async function isAddressTaken(tx: SqlSession, email: string, besideId: string): Promise<boolean> {
  return (
    (
      await tx.query('select 1 as one from identity.principals where lower(email) = lower($1) and id <> $2', [
        email,
        besideId,
      ])
    ).length > 0
  )
}

export interface PrincipalFilter {
  readonly limit: number
  readonly kind?: string | undefined
  readonly status?: string | undefined
  readonly before?: readonly [string, string] | undefined
}

export const listPrincipals = (
  tx: SqlSession,
  { limit, kind, status, before }: PrincipalFilter,
): Promise<PrincipalRow[]> =>
  tx.query<PrincipalRow>(
    `select ${COLUMNS} from identity.principals
     where ($1::text is null or kind = $1) and ($2::text is null or status = $2) and ($3::timestamptz is null or (created_at, id) < ($3::timestamptz, $4))
     order by created_at desc, id desc limit $5`,
    [kind ?? null, status ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
  )

/** False when somebody changed it meanwhile. */
export async function updatePrincipal(tx: SqlSession, row: PrincipalRow): Promise<boolean> {
  const changed = await tx.execute(
    `update identity.principals set display_name = $2, email = $3, expires_at = $4::timestamptz, version = version + 1 where id = $1 and version = $5`,
    [row.id, row.display_name, row.email, row.expires_at?.toISOString() ?? null, row.version],
  )
  return changed === 1
}

export const setPrincipalStatus = (tx: SqlSession, id: string, status: 'active' | 'disabled'): Promise<number> =>
  tx.execute('update identity.principals set status = $2, epoch = epoch + 1, version = version + 1 where id = $1', [
    id,
    status,
  ])

/** Tokens made before are refused from now on. */
export const raiseEpoch = (tx: SqlSession, id: string): Promise<number> =>
  tx.execute('update identity.principals set epoch = epoch + 1, version = version + 1 where id = $1', [id])
