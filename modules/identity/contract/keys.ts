import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { capabilityName, keyId, principalId, time } from './words.ts'

export const apiKey = z.strictObject({
  keyId,
  principalId,
  name: z.string(),
  /** Power = scopes ∩ what the principal holds. */
  scopes: z.array(z.string()),
  status: z.enum(['active', 'revoked']),
  expiresAt: time,
  /** End of the overlap in which the secret from before the last rotation is still accepted. */
  previousUntil: time.nullable(),
  lastUsedAt: time.nullable(),
  createdAt: time,
  version: z.number().int(),
})
export type ApiKey = z.infer<typeof apiKey>

/** `secret` is the whole key, `soma_…`: shown here once, never again. */
export const issuedKey = apiKey.extend({ secret: z.string() })
export type IssuedKey = z.infer<typeof issuedKey>

export const createKey = z.strictObject({
  /** Default: the caller. Another principal needs `key:manage`. */
  principalId: principalId.optional(),
  name: z.string().min(1).max(120),
  scopes: z.array(capabilityName).min(1).max(300),
  /** Default and limit: now + `identity.keyMaxAgeDays`. */
  expiresAt: time.optional(),
})

const params = z.strictObject({ keyId })

/** Own keys: any login. Others' keys: `key:manage`, checked by the service. */
export const keyOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/keys',
    summary: 'Makes an API key. Its secret is in this answer alone.',
    capability: 'authenticated',
    action: 'key.create',
    body: createKey,
    output: issuedKey,
    status: 201,
    secret: true,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/keys',
    summary: 'Lists API keys: all with `key:manage`, else the own ones.',
    capability: 'authenticated',
    action: 'key.read',
    query: z.strictObject({ ...pageQuery, principalId: principalId.optional() }),
    output: pageOf(apiKey),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/identity/keys/{keyId}',
    summary: 'Reads an API key, without its secret.',
    capability: 'authenticated',
    action: 'key.read',
    params,
    output: apiKey,
  }),
  rotate: operation({
    method: 'POST',
    path: '/v1/identity/keys/{keyId}/rotate',
    summary: 'Gives the key a second secret; the first one is accepted for the overlap.',
    capability: 'authenticated',
    action: 'key.rotate',
    params,
    body: z.strictObject({ overlapMs: z.number().int().min(0).max(86_400_000).default(0) }),
    output: issuedKey,
    status: 200,
    secret: true,
  }),
  revoke: operation({
    method: 'DELETE',
    path: '/v1/identity/keys/{keyId}',
    summary: 'Refuses the key from now on.',
    capability: 'authenticated',
    action: 'key.revoke',
    params,
  }),
}
