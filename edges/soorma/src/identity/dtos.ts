import * as z from 'zod'
import { principalType } from '../auth/claims.ts'
import { dto } from '../wire/dto.ts'

const id = z.string().min(1).max(128)

export const onboardingRequest = dto({ bootstrapAdminExternalRef: z.string().max(255).nullish() })
export const onboardingResponse = z.strictObject({
  tenantDomainId: z.string(),
  platformTenantId: z.string(),
  bootstrapAdminPrincipalId: z.string(),
  tenantAdminApiKey: z.string(),
  status: z.literal('created'),
})
export type Onboarded = z.output<typeof onboardingResponse>

export const rotateResponse = z.strictObject({
  credentialId: z.string(),
  tenantAdminApiKey: z.string(),
  status: z.literal('rotated'),
})

export const principalRequest = dto({
  tenantDomainId: id,
  principalType,
  lifecycleState: z.string().min(1).max(64).default('active'),
  externalRef: z.string().max(255).nullish(),
})
export type PrincipalRequest = z.output<typeof principalRequest>
export const principalResponse = z.strictObject({
  principalId: z.string(),
  tenantDomainId: z.string(),
  lifecycleState: z.string(),
})

export const tokenRequest = dto({
  principalId: id,
  issuanceType: z.enum(['platform', 'delegated']).default('platform'),
  delegatedIssuerId: z.string().max(255).nullish(),
  /** What the delegated issuer says of the principal: a signed token of its own. */
  assertion: z.string().min(1).max(16_384).nullish(),
  serviceTenantId: z.string().min(1).max(64).nullish(),
  serviceUserId: z.string().min(1).max(64).nullish(),
})
export type TokenRequest = z.output<typeof tokenRequest>
export const tokenResponse = z.strictObject({ token: z.string(), tokenType: z.literal('Bearer') })

const reference = z.string().min(1).max(255)
export const issuerRequest = dto({
  tenantDomainId: id,
  issuerId: reference,
  jwkSetRefOrMaterial: z.string().min(1).max(65_536),
  audiencePolicyRef: reference,
  claimMappingPolicyRef: reference,
})
export type IssuerRequest = z.output<typeof issuerRequest>
export const issuerResponse = z.strictObject({
  delegatedIssuerId: z.string(),
  issuerId: z.string(),
  status: z.literal('active'),
})

export const mappingRequest = dto({
  tenantDomainId: id,
  sourceIssuerId: reference,
  externalIdentityKey: reference,
  canonicalIdentityKey: reference,
  principalId: id,
  overrideRequested: z.boolean().default(false),
})
export type MappingRequest = z.output<typeof mappingRequest>
export const mappingResponse = z.strictObject({
  decision: z.enum(['allow', 'deny']),
  reasonCode: z.enum(['new_binding_created', 'binding_unchanged', 'collision_no_override', 'override_accepted']),
})

export const discoveryResponse = z.strictObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  token_endpoint: z.string(),
  id_token_signing_alg_values_supported: z.array(z.string()),
})
export const keySetResponse = z.strictObject({ keys: z.array(z.looseObject({ kid: z.string() })) })
