import type { identityContract } from '@soma/identity/contract'
import type { Client, Clock, ModuleDatabase } from '@soma/kernel'
import * as z from 'zod'
import { parseTenantAdminKey, toTenantAdminKey } from '../auth/tenant-admin-key.ts'
import { OWN_ISSUER } from '../auth/token-verifier.ts'
import { route, type Route } from '../wire/route.ts'
import {
  discoveryResponse,
  keySetResponse,
  onboardingRequest,
  onboardingResponse,
  principalRequest,
  principalResponse,
  rotateResponse,
  tokenRequest,
  tokenResponse,
} from './dtos.ts'
import { createOnboarding } from './onboarding.ts'
import { createPrincipals } from './principals.ts'
import { createTokens } from './tokens.ts'

export interface IdentityRouteOptions {
  readonly identity: Client<typeof identityContract>
  readonly database: ModuleDatabase
  readonly clock: Clock
  /** Of the installation, as clients reach it. */
  readonly publicUrl: string
}

const service = 'identity'
const nothing = z.looseObject({}).optional()

export function identityRoutes({ identity, database, clock, publicUrl }: IdentityRouteOptions): Route[] {
  const onboard = createOnboarding({ identity, clock })
  const principals = createPrincipals({ identity, database })
  const tokens = createTokens({ identity, database, clock, readPrincipal: principals.read })
  const base = `${publicUrl.replace(/\/$/, '')}/soorma/identity/v1/identity`
  return [
    route(
      {
        service,
        method: 'GET',
        path: '/v1/identity/.well-known/openid-configuration',
        summary: 'Who issues the tokens, and where its keys are.',
        proof: 'none',
        output: discoveryResponse,
      },
      async () => ({
        issuer: OWN_ISSUER,
        jwks_uri: `${base}/.well-known/jwks.json`,
        token_endpoint: `${base}/tokens/issue`,
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    ),
    route(
      {
        service,
        method: 'GET',
        path: '/v1/identity/.well-known/jwks.json',
        summary: 'The public keys that verify its tokens.',
        proof: 'none',
        output: keySetResponse,
      },
      () => identity.dialectKeys.list(database.moduleContext('platform'), { params: { dialect: 'soorma' } }),
    ),
    route(
      {
        service,
        method: 'POST',
        path: '/v1/identity/onboarding',
        summary: 'Makes a tenant with its first administrator and its key.',
        proof: 'superuser',
        body: onboardingRequest,
        output: onboardingResponse,
        refusals: [403],
      },
      ({ caller, body }) => onboard(caller.context, body.bootstrapAdminExternalRef ?? ''),
    ),
    route(
      {
        service,
        method: 'POST',
        path: '/v1/identity/tenant-admin-credentials/rotate',
        summary: "Gives the administrator's key another secret; the one before dies.",
        proof: 'tenant-admin',
        body: nothing,
        output: rotateResponse,
        refusals: [400, 403],
      },
      async ({ caller, request }) => {
        const { keyId } = parseTenantAdminKey(request.headers['x-identity-admin-key'] ?? '') ?? { keyId: '' }
        const { secret } = await identity.keys.rotate(caller.context, { params: { keyId }, body: { overlapMs: 0 } })
        return { credentialId: keyId, tenantAdminApiKey: toTenantAdminKey(secret), status: 'rotated' as const }
      },
    ),
    route(
      {
        service,
        method: 'POST',
        path: '/v1/identity/principals',
        summary: 'Makes a principal.',
        proof: 'tenant-admin',
        body: principalRequest,
        output: principalResponse,
        refusals: [400, 403, 404],
      },
      ({ caller, body }) => principals.create(caller.context, body),
    ),
    route(
      {
        service,
        method: 'PUT',
        path: '/v1/identity/principals/{principalId}',
        summary: 'Changes the type and the state of a principal.',
        proof: 'tenant-admin',
        body: principalRequest,
        output: principalResponse,
        refusals: [400, 403, 404],
      },
      ({ caller, params, body }) => principals.update(caller.context, params.principalId ?? '', body),
    ),
    route(
      {
        service,
        method: 'POST',
        path: '/v1/identity/principals/{principalId}/revoke',
        summary: 'Ends a principal: its tokens are refused.',
        proof: 'tenant-admin',
        body: nothing,
        output: principalResponse,
        refusals: [400, 403, 404],
      },
      ({ caller, params }) => principals.revoke(caller.context, params.principalId ?? ''),
    ),
    route(
      {
        service,
        method: 'POST',
        path: '/v1/identity/tokens/issue',
        summary: 'Makes a token of 15 minutes for a principal.',
        proof: 'tenant-admin',
        body: tokenRequest,
        output: tokenResponse,
        refusals: [400, 403, 404],
      },
      ({ caller, body, request }) => tokens.issue(caller.context, body, request.headers['x-correlation-id']),
    ),
  ]
}
