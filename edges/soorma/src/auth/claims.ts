import * as z from 'zod'

export const PRINCIPAL_TYPES = ['admin', 'service', 'agent', 'user', 'developer', 'planner', 'worker', 'tool'] as const
export const principalType = z.enum(PRINCIPAL_TYPES)
export type PrincipalType = z.output<typeof principalType>

/** Identity has three parts, opaque and of 64 characters at most. */
export const identityPart = z.string().min(1).max(64)
const optionalPart = identityPart.nullish().transform((value) => value ?? undefined)

/** The claims that count; what else a token says is not looked at. */
export const soormaClaims = z.object({
  exp: z.number(),
  nbf: z.number().optional(),
  jti: z.string().max(128).optional(),
  platform_tenant_id: identityPart,
  tenant_id: optionalPart,
  service_tenant_id: optionalPart,
  service_user_id: optionalPart,
  user_id: optionalPart,
  principal_id: optionalPart,
  sub: optionalPart,
  principal_type: principalType.optional(),
  roles: z.array(z.unknown()).optional(),
})
export type SoormaClaims = z.output<typeof soormaClaims>

export interface Projected {
  readonly platformTenant: string
  readonly serviceTenant: string
  readonly serviceUser: string
  readonly principalId: string
  /** Without a type a token acts for its user alone: that is the least. */
  readonly type: PrincipalType
}

/** Who a token speaks for. Undefined where it names two tenants, or nobody. */
export function project(claims: SoormaClaims): Projected | undefined {
  const { platform_tenant_id: platformTenant, tenant_id: tenant = platformTenant } = claims
  const { sub, principal_id: principalId = sub, user_id: userId = principalId } = claims
  const { service_user_id: serviceUser = userId, service_tenant_id: serviceTenant = tenant } = claims
  if (tenant !== platformTenant || serviceUser === undefined) return undefined
  return {
    platformTenant,
    serviceTenant,
    serviceUser,
    principalId: principalId ?? serviceUser,
    type: claims.principal_type ?? 'user',
  }
}
