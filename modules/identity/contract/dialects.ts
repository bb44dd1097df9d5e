import { operation } from '@soma/kernel'
import * as z from 'zod'
import { principalKind } from './principals.ts'
import { createRole } from './roles.ts'
import { jwk } from './tokens.ts'
import { displayName, principalId } from './words.ts'

/** Foreign dialects whose clients expect tokens in a form of their own. Each has signing keys that nothing else uses. */
export const SIGNING_DIALECTS = ['soorma'] as const
export type SigningDialect = (typeof SIGNING_DIALECTS)[number]

const params = z.strictObject({ dialect: z.enum(SIGNING_DIALECTS) })

export const dialectTokenOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/dialects/{dialect}/tokens',
    summary: "Signs the claims of a dialect's token with RS256; what they say, and for how long, its edge answers for.",
    capability: 'internal',
    params,
    body: z.strictObject({ claims: z.record(z.string().max(64), z.json()) }),
    output: z.strictObject({ token: z.string() }),
    status: 201,
    secret: true,
  }),
}

export const dialectKeyOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/identity/dialects/{dialect}/keys',
    summary: "The public keys that verify a dialect's tokens. The first is made when they are first asked for.",
    capability: 'internal',
    params,
    output: z.strictObject({ keys: z.array(jwk) }),
  }),
}

export const dialectPrincipalOperations = {
  ensure: operation({
    method: 'POST',
    path: '/v1/identity/dialects/{dialect}/principals',
    summary:
      "Answers a principal that a trusted issuer of the dialect names, and makes it in the caller's tenant when it is seen first. What exists stays as it is.",
    capability: 'internal',
    params,
    body: z.strictObject({
      principalId,
      kind: principalKind.exclude(['guest']),
      displayName,
      /** Of a principal that is made now; the role too where the tenant has none of this name. */
      role: createRole,
      /** Whether the tenant is made where it is missing. */
      makesTenant: z.boolean().default(false),
    }),
    output: z.strictObject({
      principalId,
      kind: principalKind,
      roles: z.array(z.string()),
      capabilities: z.array(z.string()),
    }),
    status: 200,
  }),
}
