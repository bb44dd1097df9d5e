import { operation } from '@soma/kernel'
import * as z from 'zod'
import { capabilityName, signingKeyId, tenantId, time } from './words.ts'

/** First depth, until OAuth exists: a short-lived access token (JWT, EdDSA) for the caller itself, as narrow as asked. */
export const tokenOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/tokens',
    summary: "Makes a short-lived access token for the caller's own principal.",
    capability: 'authenticated',
    action: 'token.create',
    body: z.strictObject({
      /** Narrows; absent = all that the caller holds now. */
      scopes: z.array(capabilityName).max(300).optional(),
      /** At most `identity.accessTokenTtlMs`, which is the default. */
      ttlMs: z.number().int().min(1000).max(3_600_000).optional(),
    }),
    output: z.strictObject({
      accessToken: z.string(),
      tokenType: z.literal('Bearer'),
      expiresAt: time,
      jti: z.string(),
    }),
    status: 201,
    secret: true,
  }),
  revoke: operation({
    method: 'POST',
    path: '/v1/identity/tokens/revoke',
    summary: "Refuses a token by its jti. One's own need nothing more; others need `principal:manage`.",
    capability: 'authenticated',
    action: 'token.revoke',
    body: z.strictObject({ token: z.string().min(1).max(8192) }),
  }),
}

export const jwk = z.looseObject({ kty: z.string(), kid: z.string() })

export const signingKey = z.strictObject({
  signingKeyId,
  kid: z.string(),
  algorithm: z.literal('EdDSA'),
  purpose: z.literal('access'),
  status: z.enum(['next', 'active', 'retiring', 'retired']),
  createdAt: time,
  /** When it begins to sign. */
  activeAt: time,
  /** When it verifies no more. */
  retiredAt: time.nullable(),
})
export type SigningKeyRecord = z.infer<typeof signingKey>

export const signingKeyOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/identity/signing-keys',
    summary: 'Lists the signing keys of the installation.',
    capability: 'signing-key:manage',
    action: 'signing-key.read',
    output: z.strictObject({ items: z.array(signingKey), nextCursor: z.null() }),
  }),
  rotate: operation({
    method: 'POST',
    path: '/v1/identity/signing-keys/rotate',
    summary: 'Publishes a new key, which signs after the lead; in an emergency at once, and the old ones die.',
    capability: 'signing-key:manage',
    action: 'signing-key.rotate',
    body: z.strictObject({ emergency: z.boolean().default(false) }),
    output: signingKey,
    status: 201,
  }),
}

export const metadataOperations = {
  jwks: operation({
    method: 'GET',
    path: '/.well-known/jwks.json',
    summary: 'The public keys that verify access tokens (RFC 7517). Cacheable for 5 minutes.',
    capability: 'public',
    output: z.strictObject({ keys: z.array(jwk) }),
  }),
}

/** One line of the revocation list. `id` is that of the key, principal, token (`jti`) or signing key (`kid`). */
export const revocation = z.strictObject({
  seq: z.number().int(),
  tenantId,
  kind: z.enum(['key', 'principal', 'token', 'binding', 'signing-key']),
  id: z.string(),
  at: time,
})
export type Revocation = z.infer<typeof revocation>

export const revocationOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/identity/revocations',
    summary: 'What was revoked since a sequence number, for verifiers in other processes.',
    capability: 'internal',
    query: z.strictObject({ since: z.coerce.number().int().min(0).default(0) }),
    output: z.strictObject({ items: z.array(revocation), head: z.number().int() }),
  }),
}
