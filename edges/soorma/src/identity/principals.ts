import type { identityContract, PrincipalRecord } from '@soma/identity/contract'
import { type Client, type Context, isProblem, type ModuleDatabase, PLATFORM_TENANT } from '@soma/kernel'
import { kindOf, roleOf, typeOf } from '../auth/roles.ts'
import type { PrincipalType } from '../auth/claims.ts'
import { refusal } from '../wire/refusal.ts'
import type { PrincipalRequest } from './dtos.ts'

type Identity = Client<typeof identityContract>

/** Principals of the tenant whose administrator asks. Their type is kept as their role. */
export function createPrincipals({
  identity,
  database,
}: {
  identity: Identity
  database: Pick<ModuleDatabase, 'moduleContext'>
}) {
  const read = async (context: Context, principalId: string): Promise<PrincipalRecord> =>
    identity.principals.get(context, { params: { principalId } }).catch((error: unknown) => {
      throw isNotFound(error) ? refusal(404, 'Principal not found') : error
    })

  const checkDomain = async ({ tenantId }: Context, tenantDomainId: string): Promise<void> => {
    if (tenantDomainId === tenantId) return
    const platform = database.moduleContext(PLATFORM_TENANT)
    await identity.tenants.get(platform, { params: { tenantId: tenantDomainId } }).catch((error: unknown) => {
      throw isNotFound(error) ? refusal(404, 'Tenant domain not found') : error
    })
    throw refusal(403, 'Tenant domain belongs to another platform tenant')
  }

  const move = async (context: Context, record: PrincipalRecord, lifecycleState: string): Promise<PrincipalRecord> => {
    const isActive = lifecycleState === 'active'
    if (isActive === (record.status === 'active')) return record
    const input = { params: { principalId: record.principalId }, body: { reason: `Soorma: ${lifecycleState}` } }
    return isActive ? identity.principals.enable(context, input) : identity.principals.disable(context, input)
  }

  return {
    read,
    checkDomain,

    create: async (context: Context, request: PrincipalRequest) => {
      await checkDomain(context, request.tenantDomainId)
      const roleId = await ensureRole(context, identity, request.principalType)
      const made = await identity.principals.create(context, {
        body: {
          kind: kindOf(request.principalType),
          displayName: request.externalRef?.slice(0, 120) || request.principalType,
          roles: [roleId],
        },
      })
      return view(await move(context, made, request.lifecycleState), context)
    },

    update: async (context: Context, principalId: string, request: PrincipalRequest) => {
      await checkDomain(context, request.tenantDomainId)
      const record = await read(context, principalId)
      if (typeOf(record.roles) !== request.principalType)
        await exchangeRoles(context, identity, { principalId, type: request.principalType })
      return view(await move(context, record, request.lifecycleState), context)
    },

    revoke: async (context: Context, principalId: string) =>
      view(await move(context, await read(context, principalId), 'revoked'), context),
  }
}

const isNotFound = (error: unknown) => isProblem(error) && error.code === 'not-found'

const view = ({ principalId, status }: PrincipalRecord, { tenantId }: Context) => ({
  principalId,
  tenantDomainId: tenantId,
  lifecycleState: status === 'active' ? 'active' : 'revoked',
})

/** The id of the role of a type, which the tenant gets when it needs it first. Of two that make it at once one finds the other's. */
async function ensureRole(context: Context, identity: Identity, type: PrincipalType): Promise<string> {
  const body = roleOf(type)
  const find = async () => (await identity.roles.list(context, {})).items.find(({ name }) => name === body.name)?.roleId
  const known = await find()
  if (known !== undefined) return known
  try {
    return (await identity.roles.create(context, { body })).roleId
  } catch (error) {
    const made = isProblem(error) && error.code === 'conflict' ? await find() : undefined
    if (made === undefined) throw error
    return made
  }
}

async function exchangeRoles(
  context: Context,
  identity: Identity,
  { principalId, type }: { principalId: string; type: PrincipalType },
): Promise<void> {
  const roleId = await ensureRole(context, identity, type)
  const { items } = await identity.roleBindings.list(context, { query: { principalId } })
  await identity.roleBindings.create(context, { body: { principalId, roleId } })
  for (const { bindingId } of items.filter((binding) => binding.roleId !== roleId))
    await identity.roleBindings.delete(context, { params: { bindingId } })
}
