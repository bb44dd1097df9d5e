import type { identityContract } from '@soma/identity/contract'
import { type Client, type Clock, type Context, newUuid } from '@soma/kernel'
import { toTenantAdminKey } from '../auth/tenant-admin-key.ts'
import type { Onboarded } from './dtos.ts'

/** Two processes of one example that start together are one (SOO-R16). */
const SAME_REFERENCE_MS = 10_000

/** Makes a tenant with its first administrator and a key for it. The same reference within 10 s is answered with the same tenant. */
export function createOnboarding({ identity, clock }: { identity: Client<typeof identityContract>; clock: Clock }) {
  const recent = new Map<string, { readonly until: number; readonly made: Promise<Onboarded> }>()
  const forgetOld = () => {
    for (const [reference, { until }] of recent) if (until <= clock.now().getTime()) recent.delete(reference)
  }
  return (context: Context, reference: string): Promise<Onboarded> => {
    forgetOld()
    const known = recent.get(reference)
    if (known !== undefined) return known.made
    const made = foundTenant(context, identity, reference)
    if (reference === '') return made
    recent.set(reference, { until: clock.now().getTime() + SAME_REFERENCE_MS, made })
    made.catch(() => recent.delete(reference))
    return made
  }
}

async function foundTenant(
  context: Context,
  identity: Client<typeof identityContract>,
  reference: string,
): Promise<Onboarded> {
  const slug = `soorma-${newUuid()}`
  const { tenant, admin, adminKey } = await identity.tenants.create(context, {
    body: {
      slug,
      displayName: reference.slice(0, 120) || slug,
      // Nobody reads mail there: the original asks for no address.
      admin: { email: `admin@${slug}.invalid` },
    },
  })
  return {
    tenantDomainId: tenant.tenantId,
    platformTenantId: tenant.tenantId,
    bootstrapAdminPrincipalId: admin.principalId,
    tenantAdminApiKey: toTenantAdminKey(adminKey.secret),
    status: 'created',
  }
}
