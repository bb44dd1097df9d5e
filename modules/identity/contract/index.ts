import { contract, setting } from '@soma/kernel'
import * as z from 'zod'
import { CATALOGUE, expand } from './capabilities.ts'
import { credentialOperations } from './credentials.ts'
import { dialectKeyOperations, dialectPrincipalOperations, dialectTokenOperations } from './dialects.ts'
import { identityFacts } from './facts.ts'
import { keyOperations } from './keys.ts'
import { accessOperations, meOperations, principalOperations } from './principals.ts'
import { processOperations } from './processes.ts'
import { roleBindingOperations, roleOperations } from './roles.ts'
import { bootstrapOperations, tenantOperations } from './tenants.ts'
import { metadataOperations, revocationOperations, signingKeyOperations, tokenOperations } from './tokens.ts'

export * from './act-for.ts'
export * from './capabilities.ts'
export * from './credentials.ts'
export * from './dialects.ts'
export * from './facts.ts'
export * from './keys.ts'
export * from './principals.ts'
export * from './processes.ts'
export * from './roles.ts'
export * from './tenants.ts'
export * from './tokens.ts'
export * from './words.ts'

const milliseconds = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum)
const own = CATALOGUE.filter((row) => row.of === 'identity')

/** First depth: no passwords, logins, MFA, federation, OAuth, guests, consents or invitations yet. */
export const identityContract = contract({
  module: 'identity',
  summary: 'Who is this, in which tenant, and what may they do?',
  operations: {
    bootstrap: bootstrapOperations,
    tenants: tenantOperations,
    principals: principalOperations,
    me: meOperations,
    access: accessOperations,
    roles: roleOperations,
    roleBindings: roleBindingOperations,
    keys: keyOperations,
    tokens: tokenOperations,
    signingKeys: signingKeyOperations,
    revocations: revocationOperations,
    processes: processOperations,
    credentials: credentialOperations,
    metadata: metadataOperations,
    dialectTokens: dialectTokenOperations,
    dialectKeys: dialectKeyOperations,
    dialectPrincipals: dialectPrincipalOperations,
  },
  events: identityFacts,
  capabilities: Object.fromEntries(
    own
      .flatMap((row) => expand([...row.all, ...(row.platform ?? [])]))
      .map((name) => [name, `${name.replace(':', ', ')}.`]),
  ),
  settings: {
    authentication: setting({
      type: z.enum(['permissive', 'headers', 'strict']),
      default: 'strict',
      summary: 'Who is let in without a credential: the developer from loopback, whom headers name, or nobody.',
      modes: { 'developer-light': 'permissive', 'developer-full': 'headers', test: 'headers', 'test-debug': 'headers' },
    }),
    accessTokenTtlMs: setting({
      type: milliseconds(60_000, 3_600_000),
      default: 600_000,
      summary: 'Life of an access token: short, because a token outlives what it was made from.',
      unit: 'ms',
    }),
    clockSkewMs: setting({
      type: milliseconds(0, 60_000),
      default: 30_000,
      summary: 'How far the clocks of two hosts may differ.',
      unit: 'ms',
    }),
    keyMaxAgeDays: setting({
      type: z.number().int().min(1).max(3650),
      default: 365,
      summary: 'Longest life of an API key.',
      unit: 'days',
    }),
    keyCacheMs: setting({
      type: milliseconds(0, 5000),
      default: 5000,
      summary: 'How long a verified credential is trusted without a read.',
      unit: 'ms',
    }),
    signingKeyRotationMs: setting({
      type: milliseconds(60_000, 31_536_000_000),
      default: 2_592_000_000,
      summary: 'How long one key signs.',
      unit: 'ms',
    }),
    jwksLeadMs: setting({
      type: milliseconds(0, 86_400_000),
      default: 900_000,
      summary: 'How long a new key is published before it signs: three times as long as verifiers cache.',
      unit: 'ms',
    }),
    developerRole: setting({
      type: z.string(),
      default: 'AgentAdmin',
      summary: 'Role of permissive access; ignored in production.',
    }),
    defaultUserRole: setting({
      type: z.string(),
      default: 'User',
      summary: 'Role of a user who is seen for the first time.',
    }),
    allowedOrigins: setting({
      type: z.array(z.string()),
      default: [],
      summary: 'Browser origins beside the loopback names that may use developer access.',
    }),
  },
  jobCapabilities: [],
})
