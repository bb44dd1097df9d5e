import { type identityContract, toContext } from '@soma/identity/contract'
import { type Client, type FrontRequest, holds, isProblem, type ModuleDatabase, PLATFORM_TENANT } from '@soma/kernel'
import type { Prove } from '../wire/front.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import { isSameSecret } from './is-same-secret.ts'
import { parseTenantAdminKey } from './tenant-admin-key.ts'
import type { VerifiedToken } from './token-verifier.ts'

export interface ProveOptions {
  readonly verify: (token: string) => Promise<VerifiedToken>
  readonly callerOf: (token: VerifiedToken, traceparent: string) => Promise<Caller>
  readonly identity: Client<typeof identityContract>
  readonly database: Pick<ModuleDatabase, 'moduleContext'>
  /** Empty: nobody is superuser. */
  readonly superuserKey: string
}

/** Proves callers as the page's tables say: a bearer that is sent must hold, whatever else is; an admin key counts on identity's own routes alone. */
export function createProve(options: ProveOptions): Prove {
  return async (request, proof, traceparent) => {
    if (proof === 'none') return undefined
    const bearer = await bearerCaller(request, traceparent, options)
    if (proof === 'superuser') return superuser(request, traceparent, options)
    if (proof === 'tenant-admin') return tenantAdmin(request, { bearer, traceparent }, options)
    if (bearer === undefined) throw refusal(401, 'Missing bearer token')
    return bearer
  }
}

async function bearerCaller(
  { headers }: FrontRequest,
  traceparent: string,
  { verify, callerOf }: ProveOptions,
): Promise<Caller | undefined> {
  const token = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
  if (token === undefined) {
    if (/^Bearer( |$)/i.test(headers.authorization ?? '')) throw refusal(401, 'Invalid JWT')
    return undefined
  }
  const verified = await verify(token)
  const { 'x-service-tenant-id': serviceTenant, 'x-user-id': user } = headers
  const differs =
    (serviceTenant !== undefined && serviceTenant !== verified.serviceTenant) ||
    (user !== undefined && user !== verified.serviceUser)
  if (differs) throw refusal(401, 'Invalid JWT')
  return callerOf(verified, traceparent)
}

function superuser({ headers }: FrontRequest, traceparent: string, { superuserKey, database }: ProveOptions): Caller {
  const given = headers['x-identity-admin-key'] ?? ''
  if (superuserKey === '' || !isSameSecret(given, superuserKey)) throw refusal(403, 'Superuser authorization required')
  const context = { ...database.moduleContext(PLATFORM_TENANT), traceparent }
  return { context, platformTenant: PLATFORM_TENANT, serviceTenant: PLATFORM_TENANT, serviceUser: '', isUser: false }
}

const adminRequired = () => refusal(403, 'Tenant admin authorization required')

/** The administrator whose key it is, in the tenant that the header names; a bearer beside it must be of that tenant (SOO-R18). */
async function tenantAdmin(
  { headers }: FrontRequest,
  { bearer, traceparent }: { bearer: Caller | undefined; traceparent: string },
  { identity, database }: ProveOptions,
): Promise<Caller> {
  const tenantId = headers['x-tenant-id']?.trim() ?? ''
  if (tenantId === '') throw refusal(400, 'X-Tenant-ID header is required for tenant admin authorization.')
  const key = parseTenantAdminKey(headers['x-identity-admin-key'] ?? '')
  if (key === undefined) throw adminRequired()
  const proven = await identity.credentials
    .verify(database.moduleContext(PLATFORM_TENANT), {
      // The key alone counts: who sent it from where was for this edge to judge.
      body: { authorization: `Bearer ${key.apiKey}`, remoteAddress: '127.0.0.1', host: 'localhost' },
    })
    .catch((error: unknown) => {
      throw isProblem(error) && error.status < 500 ? adminRequired() : error
    })
  const isForeign = proven.tenantId !== tenantId || (bearer !== undefined && bearer.platformTenant !== tenantId)
  if (isForeign || !holds(proven.principal, 'principal:manage')) throw adminRequired()
  const context = toContext(proven, traceparent)
  return { context, platformTenant: tenantId, serviceTenant: tenantId, serviceUser: proven.principal.id, isUser: false }
}
