import type { SqlSession } from '@soma/kernel'
import type { Tenant } from '../../contract/index.ts'

export interface TenantRow {
  readonly tenant_id: string
  readonly slug: string
  readonly display_name: string
  readonly status: Tenant['status']
  readonly region: string
  readonly version: number
  readonly created_at: Date
}

const COLUMNS = 'tenant_id, slug, display_name, status, region, version, created_at'

/** In the new tenant's own scope. False when the id or slug is taken. */
export async function insertTenant(
  tx: SqlSession,
  tenant: { tenantId: string; slug: string; displayName: string; region: string },
): Promise<boolean> {
  const changed = await tx.execute(
    'insert into identity.tenants (tenant_id, slug, display_name, region) values ($1, $2, $3, $4) on conflict do nothing',
    [tenant.tenantId, tenant.slug, tenant.displayName, tenant.region],
  )
  return changed === 1
}

export async function findTenant(tx: SqlSession, tenantId: string): Promise<TenantRow | undefined> {
  return (await tx.query<TenantRow>(`select ${COLUMNS} from identity.tenants where tenant_id = $1`, [tenantId]))[0]
}

/** Those that the scope may see: its own, or in the tenant `platform`, as the module, all. */
export const listTenants = (
  tx: SqlSession,
  { limit, before }: { limit: number; before?: readonly [string, string] | undefined },
): Promise<TenantRow[]> =>
  tx.query<TenantRow>(
    `select ${COLUMNS} from identity.tenants where ($1::timestamptz is null or (created_at, tenant_id) < ($1::timestamptz, $2)) order by created_at desc, tenant_id desc limit $3`,
    [before?.[0] ?? null, before?.[1] ?? null, limit],
  )

/** False when somebody changed it meanwhile. */
export async function renameTenant(
  tx: SqlSession,
  tenantId: string,
  { displayName, version }: { displayName: string; version: number },
): Promise<boolean> {
  const changed = await tx.execute(
    'update identity.tenants set display_name = $2, version = version + 1 where tenant_id = $1 and version = $3',
    [tenantId, displayName, version],
  )
  return changed === 1
}

export const viewTenant = (row: TenantRow): Tenant => ({
  tenantId: row.tenant_id,
  slug: row.slug,
  displayName: row.display_name,
  status: row.status,
  region: row.region,
  version: row.version,
  createdAt: row.created_at.toISOString(),
})
