import type { Logger, ModuleDatabase } from '@soma/kernel'
import { DEFAULT_TENANT, PLATFORM_TENANT } from '../../contract/index.ts'
import type { Keyring } from '../tokens/keyring.ts'
import { sayFounded } from './found-tenant.ts'
import { offerSetupCode } from './setup-code.ts'
import { findTenant, insertTenant } from './store.ts'

export interface FirstStartOptions {
  readonly database: ModuleDatabase
  readonly keyring: Keyring
  readonly log: Logger
  readonly authentication: 'permissive' | 'headers' | 'strict'
  readonly writeSetupCode: ((code: string) => Promise<string>) | undefined
}

/** What an installation needs before the first request. Processes that start together make it once: the database decides. */
export async function prepareInstallation(options: FirstStartOptions): Promise<void> {
  await ensureTenant(options.database, PLATFORM_TENANT)
  await ensureTenant(options.database, DEFAULT_TENANT)
  await options.keyring.ensure()
  const { writeSetupCode: write, database, log } = options
  if (options.authentication === 'strict' && write !== undefined) await offerSetupCode({ database, log, write })
}

/** Makes a tenant that has its id for slug, where it is missing. */
export async function ensureTenant(database: ModuleDatabase, tenantId: string): Promise<void> {
  const context = database.moduleContext(tenantId)
  await database.asWorker(context, async (tx) => {
    if ((await findTenant(tx, tenantId)) !== undefined) return
    for (const slug of slugsOf(tenantId)) {
      const tenant = { tenantId, slug, displayName: tenantId, region: context.region }
      if (!(await insertTenant(tx, tenant))) continue
      return sayFounded(tx, context, tenant)
    }
  })
}

/** The id itself, if it can be a slug and is free; else its bytes, so that two never share one. */
const slugsOf = (tenantId: string): string[] => [
  ...(/^[a-z0-9-]{3,63}$/.test(tenantId) ? [tenantId] : []),
  `t-${Buffer.from(tenantId).toString('hex')}`,
]
