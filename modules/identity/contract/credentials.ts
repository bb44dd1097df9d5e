import { commonProblems, type Context, operation } from '@soma/kernel'
import * as z from 'zod'
import { principalKind } from './principals.ts'
import { principalId } from './words.ts'

export const identityProblems = { originRefused: commonProblems.originRefused } as const

/** What a request says about its author. Header values are given as they arrived. */
export const presented = z.strictObject({
  authorization: z.string().max(16_384).optional(),
  /** `X-Tenant-ID`, `X-User-ID`, `X-Space-ID`. */
  tenantHeader: z.string().max(1024).optional(),
  userHeader: z.string().max(1024).optional(),
  spaceHeader: z.string().max(1024).optional(),
  /** Of the peer, not of a forwarding header. */
  remoteAddress: z.string().max(64),
  host: z.string().max(512).optional(),
  origin: z.string().max(512).optional(),
  userAgent: z.string().max(1024).optional(),
  /** Id of the operation, for the record. */
  operation: z.string().max(256).optional(),
})
export type Presented = z.infer<typeof presented>

/** The identity context without the trace, which is the request's. */
export const proven = z.strictObject({
  tenantId: z.string(),
  spaceId: z.string(),
  principal: z.strictObject({
    id: z.string(),
    kind: principalKind,
    roles: z.array(z.string()),
    capabilities: z.array(z.string()),
  }),
  userId: z.string().optional(),
  actors: z.array(z.string()),
  method: z.enum(['api-key', 'token', 'developer', 'none']),
  credentialId: z.string().optional(),
  authenticatedAt: z.iso.datetime(),
  region: z.string(),
  constitutionHash: z.string(),
})
export type Proven = z.infer<typeof proven>

/** The context of a request whose author was proven. */
export function toContext({ userId, credentialId, ...proof }: Proven, traceparent: string): Context {
  return {
    ...proof,
    traceparent,
    ...(userId === undefined ? {} : { userId }),
    ...(credentialId === undefined ? {} : { credentialId }),
  }
}

export const credentialOperations = {
  verify: operation({
    method: 'POST',
    path: '/v1/identity/credentials/verify',
    summary: 'Proves the author of a request. Answers 401 with one text for every reason.',
    capability: 'internal',
    body: presented,
    output: proven,
    status: 200,
    problems: [identityProblems.originRefused],
  }),
  resolve: operation({
    method: 'POST',
    path: '/v1/identity/credentials/resolve',
    summary: "What a principal of the caller's tenant holds now: whoever acts for it holds no more (IDN-R38).",
    capability: 'internal',
    body: z.strictObject({ principalId }),
    output: z.strictObject({
      principalId,
      kind: principalKind,
      roles: z.array(z.string()),
      capabilities: z.array(z.string()),
    }),
    status: 200,
  }),
}
