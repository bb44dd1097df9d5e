import {
  type Clock,
  commonProblems,
  type Context,
  decodeCursor,
  holds,
  type ModuleDatabase,
  toPage,
} from '@soma/kernel'
import type * as z from 'zod'
import { type createTenant, PLATFORM_TENANT, RESERVED_SLUGS, type Tenant } from '../../contract/index.ts'
import { recordChange } from '../record-change.ts'
import { foundTenant } from './found-tenant.ts'
import { findTenant, listTenants, renameTenant, type TenantRow, viewTenant } from './store.ts'

const DAY_MS = 86_400_000

export interface TenantDependencies {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly keyMaxAgeDays: number
}

/** Tenants. Who holds `tenant:manage` works on all of them: as the module, in the tenant `platform`; others see their own alone. */
export function createTenantService({ database, clock, keyMaxAgeDays }: TenantDependencies) {
  const asOperator = <T>(
    context: Context,
    tenantId: string | undefined,
    work: Parameters<typeof database.asWorker<T>>[1],
  ): Promise<T> =>
    tenantId !== context.tenantId && holds(context.principal, 'tenant:manage')
      ? database.asWorker(database.moduleContext(PLATFORM_TENANT), work)
      : database.transaction(context, work)

  return {
    create: async (context: Context, body: z.output<typeof createTenant>, makeId: (prefix: string) => string) => {
      refuseReserved(body.slug)
      const tenantId = makeId('ten')
      const admin = {
        principalId: makeId('usr'),
        keyId: makeId('key'),
        email: body.admin.email,
        keyExpiresAt: new Date(clock.now().getTime() + keyMaxAgeDays * DAY_MS),
      }
      const { slug, displayName } = body
      const made = await database.asWorker(database.moduleContext(tenantId), (tx) =>
        foundTenant(
          tx,
          { ...context, tenantId },
          { tenantId, slug, displayName, region: body.region ?? context.region, admin },
        ),
      )
      return { tenant: made.tenant, admin: made.admin, adminKey: made.key }
    },

    list: (context: Context, query: { limit: number; cursor?: string | undefined }) =>
      asOperator(context, undefined, async (tx) => {
        const before = decodeCursor(query.cursor, ['time', 'text'])
        const rows = await listTenants(tx, { limit: query.limit + 1, before })
        return toPage(rows, query.limit, {
          item: viewTenant,
          key: (row) => [row.created_at.toISOString(), row.tenant_id],
        })
      }),

    get: (context: Context, tenantId: string): Promise<Tenant> =>
      asOperator(context, tenantId, async (tx) => {
        const row = await findTenant(tx, tenantId)
        if (row === undefined) throw commonProblems.notFound.create(`no tenant ${tenantId}`)
        return viewTenant(row)
      }),

    update: (context: Context, tenantId: string, change: { displayName: string; version: number }): Promise<Tenant> =>
      asOperator(context, tenantId, async (tx) => {
        const row = await findTenant(tx, tenantId)
        if (row === undefined) throw commonProblems.notFound.create(`no tenant ${tenantId}`)
        if (!(await renameTenant(tx, tenantId, change))) {
          throw commonProblems.versionConflict.create(
            `the tenant ${tenantId} has version ${row.version}, not ${change.version}`,
            { version: row.version },
          )
        }
        recordChange(tx, context, {
          action: 'tenant.update',
          resource: { type: 'tenant', id: tenantId },
          before: { displayName: row.display_name },
          after: { displayName: change.displayName },
        })
        return viewTenant((await findTenant(tx, tenantId)) as TenantRow)
      }),
  }
}

/** @throws conflict for the slugs that belong to the installation */
export function refuseReserved(slug: string): void {
  if ((RESERVED_SLUGS as readonly string[]).includes(slug))
    throw commonProblems.conflict.create(`the slug "${slug}" is reserved`)
}
