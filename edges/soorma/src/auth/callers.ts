import type { identityContract } from '@soma/identity/contract'
import { type Client, type Clock, type Context, isProblem, type ModuleDatabase, PLATFORM_TENANT } from '@soma/kernel'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { kindOf, roleOf } from './roles.ts'
import type { VerifiedToken } from './token-verifier.ts'

/** How long what a principal holds is believed without asking identity again. A revoked one is refused that much later at most. */
const BELIEVED_MS = 5000
const MAXIMUM_ENTRIES = 10_000

export interface CallerOptions {
  readonly identity: Client<typeof identityContract>
  readonly database: Pick<ModuleDatabase, 'moduleContext'>
  readonly clock: Clock
  readonly justInTimeTenants: boolean
}

type Held = Pick<Context['principal'], 'kind' | 'roles' | 'capabilities'>

/** The caller that a verified token speaks for, with what identity says it holds now. @throws 401 for a principal or tenant that is not, or no longer, there */
export function createCallers(options: CallerOptions): (token: VerifiedToken, traceparent: string) => Promise<Caller> {
  const { database, clock } = options
  const believed = new Map<string, { held: Held; until: number }>()

  const heldBy = async (token: VerifiedToken): Promise<Held> => {
    const key = JSON.stringify([token.platformTenant, token.principalId, token.isOwn, token.type])
    const known = believed.get(key)
    if (known !== undefined && known.until > clock.now().getTime()) return known.held
    const held = await askIdentity(token, options)
    if (believed.size >= MAXIMUM_ENTRIES) believed.clear()
    believed.set(key, { held, until: clock.now().getTime() + BELIEVED_MS })
    return held
  }

  return async (token, traceparent) => {
    const { platformTenant, serviceTenant, serviceUser, principalId, claims } = token
    const { kind, roles, capabilities } = await heldBy(token)
    const { region, constitutionHash } = database.moduleContext(platformTenant)
    const context: Context = {
      tenantId: platformTenant,
      spaceId: spaceOf(serviceTenant, platformTenant),
      principal: { id: principalId, kind, roles, capabilities },
      userId: serviceUser,
      actors: [],
      method: 'token',
      ...(claims.jti === undefined ? {} : { credentialId: claims.jti }),
      region,
      constitutionHash,
      traceparent,
    }
    return {
      context,
      platformTenant,
      serviceTenant,
      serviceUser,
      isUser: kind === 'user' && !roles.includes('AgentAdmin'),
    }
  }
}

/** A service tenant is a space; one that is the platform tenant itself is its space without a name. */
export const spaceOf = (serviceTenant: string, platformTenant: string): string =>
  serviceTenant === platformTenant ? '' : serviceTenant

/** The platform's own tenant is nobody's here. */
async function askIdentity(
  token: VerifiedToken,
  { identity, database, justInTimeTenants }: CallerOptions,
): Promise<Held> {
  const { platformTenant, principalId, type, isOwn } = token
  const context = database.moduleContext(platformTenant)
  try {
    if (platformTenant === PLATFORM_TENANT) throw refusal(401, 'Invalid JWT')
    if (isOwn) return await identity.credentials.resolve(context, { body: { principalId } })
    return await identity.dialectPrincipals.ensure(context, {
      params: { dialect: 'soorma' },
      body: {
        principalId,
        kind: kindOf(type),
        displayName: principalId,
        role: roleOf(type),
        makesTenant: justInTimeTenants,
      },
    })
  } catch (error) {
    if (isProblem(error) && error.code === 'not-found') throw refusal(401, 'Invalid JWT')
    throw error
  }
}
