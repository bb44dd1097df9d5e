import type { identityContract } from '@soma/identity/contract'
import type { Client, Clock, Logger, ModuleDatabase } from '@soma/kernel'
import * as z from 'zod'
import { parseTenantAdminKey, toTenantAdminKey } from '../auth/tenant-admin-key.ts'
import { OWN_ISSUER } from '../auth/token-verifier.ts'
import { type Route, routesWith } from '../wire/route.ts'
import {
  discoveryResponse,
  issuerRequest,
  issuerResponse,
  keySetResponse,
  mappingRequest,
  mappingResponse,
  onboardingRequest,
  onboardingResponse,
  principalRequest,
  principalResponse,
  rotateResponse,
  tokenRequest,
  tokenResponse,
} from './dtos.ts'
import { createIssuers } from './issuers.ts'
import { createMappings } from './mappings.ts'
import { createOnboarding } from './onboarding.ts'
import { createPrincipals } from './principals.ts'
import { createTokens } from './tokens.ts'

export interface IdentityRouteOptions {
  readonly identity: Client<typeof identityContract>
  readonly database: ModuleDatabase
  readonly clock: Clock
  /** Of the installation, as clients reach it. */
  readonly publicUrl: string
  readonly isProduction: boolean
  readonly log: Logger
}

const open = routesWith({ service: 'identity', proof: 'none' })
/** For the administrator of a tenant, proven by its key. */
const admin = routesWith({ service: 'identity', proof: 'tenant-admin', refusals: [400, 403, 404] })
const prefix = '/v1/identity'
const nothing = z.looseObject({}).optional()

export function identityRoutes(options: IdentityRouteOptions): Route[] {
  const { identity, database, clock, publicUrl } = options
  const onboard = createOnboarding({ identity, clock })
  const principals = createPrincipals({ identity, database })
  const { checkDomain, read: readPrincipal } = principals
  const mappings = createMappings({ database, checkDomain, readPrincipal })
  const issuers = createIssuers({ database, clock, mappings, checkDomain })
  const tokens = createTokens({ ...options, readPrincipal, issuers })
  const superuser = routesWith({ service: 'identity', proof: 'superuser', refusals: [403] })
  return [
    ...openRoutes(publicUrl, () =>
      identity.dialectKeys.list(database.moduleContext('platform'), { params: { dialect: 'soorma' } }),
    ),
    superuser(
      `POST ${prefix}/onboarding`,
      {
        summary: 'Makes a tenant with its first administrator and its key.',
        body: onboardingRequest,
        output: onboardingResponse,
      },
      ({ caller, body }) => onboard(caller.context, body.bootstrapAdminExternalRef ?? ''),
    ),
    admin(
      `POST ${prefix}/tenant-admin-credentials/rotate`,
      {
        summary: "Gives the administrator's key another secret; the one before dies.",
        body: nothing,
        output: rotateResponse,
      },
      async ({ caller, request }) => {
        const { keyId } = parseTenantAdminKey(request.headers['x-identity-admin-key'] ?? '') ?? { keyId: '' }
        const { secret } = await identity.keys.rotate(caller.context, { params: { keyId }, body: { overlapMs: 0 } })
        return { credentialId: keyId, tenantAdminApiKey: toTenantAdminKey(secret), status: 'rotated' as const }
      },
    ),
    ...principalRoutes(principals),
    admin(
      `POST ${prefix}/tokens/issue`,
      { summary: 'Makes a token of 15 minutes for a principal.', body: tokenRequest, output: tokenResponse },
      ({ caller, body, request }) => tokens.issue(caller.context, body, request.headers['x-correlation-id']),
    ),
    admin(
      `POST ${prefix}/delegated-issuers`,
      { summary: 'Trusts an issuer.', body: issuerRequest, output: issuerResponse },
      ({ caller, body }) => issuers.create(caller.context, body),
    ),
    admin(
      `PUT ${prefix}/delegated-issuers/{delegatedIssuerId}`,
      { summary: 'Changes by what an issuer is trusted.', body: issuerRequest, output: issuerResponse },
      ({ caller, params, body }) => issuers.update(caller.context, params.delegatedIssuerId ?? '', body),
    ),
    admin(
      `POST ${prefix}/mappings/evaluate`,
      {
        summary: 'Binds what an issuer calls somebody to a principal, unless another has that name.',
        body: mappingRequest,
        output: mappingResponse,
      },
      ({ caller, body }) => mappings.evaluate(caller.context, body),
    ),
  ]
}

function openRoutes(publicUrl: string, keys: () => Promise<z.input<typeof keySetResponse>>): Route[] {
  const base = `${publicUrl.replace(/\/$/, '')}/soorma/identity${prefix}`
  return [
    open(
      `GET ${prefix}/.well-known/openid-configuration`,
      { summary: 'Who issues the tokens, and where its keys are.', output: discoveryResponse },
      async () => ({
        issuer: OWN_ISSUER,
        jwks_uri: `${base}/.well-known/jwks.json`,
        token_endpoint: `${base}/tokens/issue`,
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    ),
    open(
      `GET ${prefix}/.well-known/jwks.json`,
      { summary: 'The public keys that verify its tokens.', output: keySetResponse },
      keys,
    ),
  ]
}

function principalRoutes(principals: ReturnType<typeof createPrincipals>): Route[] {
  const path = `${prefix}/principals`
  const output = principalResponse
  return [
    admin(`POST ${path}`, { summary: 'Makes a principal.', body: principalRequest, output }, ({ caller, body }) =>
      principals.create(caller.context, body),
    ),
    admin(
      `PUT ${path}/{principalId}`,
      { summary: 'Changes the type and the state of a principal.', body: principalRequest, output },
      ({ caller, params, body }) => principals.update(caller.context, params.principalId ?? '', body),
    ),
    admin(
      `POST ${path}/{principalId}/revoke`,
      { summary: 'Ends a principal: its tokens are refused.', body: nothing, output },
      ({ caller, params }) => principals.revoke(caller.context, params.principalId ?? ''),
    ),
  ]
}
