import { randomUUID } from 'node:crypto'
import type { identityContract, PrincipalRecord } from '@soma/identity/contract'
import {
  type Client,
  type Clock,
  type Context,
  isProblem,
  type Logger,
  type ModuleDatabase,
  withoutUndefined,
} from '@soma/kernel'
import { typeOf } from '../auth/roles.ts'
import { OWN_AUDIENCE, OWN_ISSUER } from '../auth/token-verifier.ts'
import { refusal, type RefusalStatus } from '../wire/refusal.ts'
import type { TokenRequest } from './dtos.ts'
import type { createIssuers } from './issuers.ts'

const LIFETIME_S = 900

export interface TokenOptions {
  readonly identity: Client<typeof identityContract>
  readonly database: Pick<ModuleDatabase, 'moduleContext'>
  readonly clock: Clock
  readonly readPrincipal: (context: Context, principalId: string) => Promise<PrincipalRecord>
  readonly issuers: Pick<ReturnType<typeof createIssuers>, 'isKnown' | 'vouches'>
  readonly isProduction: boolean
  readonly log: Logger
}

/** Tokens of the dialect for principals of the tenant whose administrator asks. */
export function createTokens(options: TokenOptions) {
  const { identity, database, clock, readPrincipal } = options
  return {
    issue: async (context: Context, request: TokenRequest, correlationId: string | undefined) => {
      const refuse = (status: RefusalStatus, code: string, message: string) =>
        refusal(status, { code, message, correlation_id: correlationId ?? randomUUID() })
      const record = await readPrincipal(context, request.principalId).catch((error: unknown) => {
        throw isProblem(error) && error.status === 404
          ? refuse(404, 'principal_not_found', `Principal '${request.principalId}' not found`)
          : error
      })
      if (record.status !== 'active')
        throw refuse(403, 'principal_not_active', `Principal '${request.principalId}' is not active`)
      if (request.issuanceType === 'delegated' && !(await isDelegated(context, request, options)))
        throw refuse(403, 'delegated_issuer_untrusted', 'Delegated issuer is not trusted')
      const { token } = await identity.dialectTokens.create(database.moduleContext(context.tenantId), {
        params: { dialect: 'soorma' },
        body: { claims: claimsOf(context.tenantId, { record, request, nowMs: clock.now().getTime() }) },
      })
      return { token, tokenType: 'Bearer' as const }
    },
  }
}

/** Whether a trusted issuer says so. In developer and test modes a registered issuer is believed without its word, as the original does. */
async function isDelegated(
  context: Context,
  { delegatedIssuerId, assertion, principalId }: TokenRequest,
  { issuers, isProduction, log }: TokenOptions,
): Promise<boolean> {
  if (!delegatedIssuerId) return false
  if (assertion) return issuers.vouches(context, { delegatedIssuerId, assertion, principalId })
  if (isProduction || !(await issuers.isKnown(context, delegatedIssuerId))) return false
  log.warn('a delegated token was made without an assertion, which production demands', { delegatedIssuerId })
  return true
}

function claimsOf(
  tenantId: string,
  { record, request, nowMs }: { record: PrincipalRecord; request: TokenRequest; nowMs: number },
) {
  const iat = Math.floor(nowMs / 1000)
  const type = typeOf(record.roles) ?? (record.kind === 'guest' ? 'user' : record.kind)
  return withoutUndefined({
    iss: OWN_ISSUER,
    sub: record.principalId,
    aud: OWN_AUDIENCE,
    jti: randomUUID(),
    tenant_id: tenantId,
    platform_tenant_id: tenantId,
    principal_id: record.principalId,
    principal_type: type,
    roles: [type],
    tenant_domain_id: tenantId,
    issuance_type: request.issuanceType,
    delegated_issuer_id: request.issuanceType === 'delegated' ? (request.delegatedIssuerId ?? undefined) : undefined,
    iat,
    exp: iat + LIFETIME_S,
    service_tenant_id: request.serviceTenantId ?? undefined,
    service_user_id: request.serviceUserId ?? undefined,
  })
}
