import { type Clock, commonProblems, type Context, type ModuleDatabase, type Transaction } from '@soma/kernel'
import type { IssuedKey, PrincipalRecord, Tenant } from '../../contract/index.ts'
import { PLATFORM_TENANT } from '../../contract/index.ts'
import { matchesSecret } from '../keys/key-format.ts'
import { addAdmin, foundTenant } from './found-tenant.ts'
import { refuseReserved } from './service.ts'
import { findCode, lockSetup, useUpCode } from './setup-code.ts'

const DAY_MS = 86_400_000

export interface BootstrapInput {
  readonly setupCode: string
  readonly email: string
  readonly tenant: { readonly slug: string; readonly displayName: string; readonly region?: string | undefined }
}

export interface Bootstrapped {
  readonly tenant: Tenant
  readonly principal: PrincipalRecord
  readonly key: IssuedKey
  readonly platformPrincipal: PrincipalRecord
  readonly platformKey: IssuedKey
}

/** Uses up the setup code: PlatformAdmin in `platform` and AgentAdmin in the tenant it names, all or nothing. */
export function createBootstrap(options: { database: ModuleDatabase; clock: Clock; keyMaxAgeDays: number }) {
  const { database, clock, keyMaxAgeDays } = options
  return async (context: Context, input: BootstrapInput, makeId: (prefix: string) => string): Promise<Bootstrapped> => {
    refuseReserved(input.tenant.slug)
    const tenantId = makeId('ten')
    const keyExpiresAt = new Date(clock.now().getTime() + keyMaxAgeDays * DAY_MS)
    const admin = () => ({ principalId: makeId('usr'), keyId: makeId('key'), email: input.email, keyExpiresAt })
    const { slug, displayName, region = context.region } = input.tenant
    return database.asWorker(database.moduleContext(tenantId), async (tx) => {
      const by: Context = { ...context, tenantId, principal: { ...context.principal, id: 'setup-code' } }
      const platform = await inTenant(tx, { from: tenantId, to: PLATFORM_TENANT }, async () => {
        await checkCode(tx, input.setupCode)
        await useUpCode(tx)
        const first = { ...admin(), role: 'PlatformAdmin' as const, displayName: 'First operator' }
        return addAdmin(tx, by, first)
      })
      const made = await foundTenant(tx, by, { tenantId, slug, displayName, region, admin: admin() })
      return {
        tenant: made.tenant,
        principal: made.admin,
        key: made.key,
        platformPrincipal: platform.admin,
        platformKey: platform.key,
      }
    })
  }
}

/**
 * Rows of two tenants in one commit: the only place where that is right, since nobody exists yet who could act in either. Back in its own tenant at the end,
 * where the events of the transaction are written.
 */
async function inTenant<T>(tx: Transaction, tenants: { from: string; to: string }, work: () => Promise<T>): Promise<T> {
  await tx.query(`select set_config('soma.tenant_id', $1, true)`, [tenants.to])
  const result = await work()
  await tx.query(`select set_config('soma.tenant_id', $1, true)`, [tenants.from])
  return result
}

/** @throws conflict once done; unauthenticated for a wrong or lapsed code */
async function checkCode(tx: Transaction, presented: string): Promise<void> {
  await lockSetup(tx)
  const code = await findCode(tx)
  if (code?.is_used === true) throw commonProblems.conflict.create('the first administrator exists already')
  const isRight = matchesSecret(presented, { current: code?.code_hash, previous: undefined })
  if (code?.is_live !== true || !isRight)
    throw commonProblems.unauthenticated.create('this is not the setup code, or its 30 minutes are over')
}
