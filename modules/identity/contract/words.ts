import { idSchema } from '@soma/kernel'
import * as z from 'zod'
import { isCapability } from './capabilities.ts'

export { PLATFORM_TENANT } from '@soma/kernel'

/** Opaque, compared byte for byte, stored as given: `ten_…` for tenants made here, `default` and `platform`, or what an outside system says (IDN-R3). */
export const tenantId = z.string().min(1).max(128)
/** Opaque like `tenantId`: `usr_…`, `agt_…` and `svc_…` for principals made here. */
export const principalId = z.string().min(1).max(128)
export const spaceId = z.string().max(128)
export const keyId = idSchema('key')
export const bindingId = idSchema('bind')
export const signingKeyId = idSchema('skey')
/** `rol_…`, or the name of a built-in role. */
export const roleId = z
  .string()
  .regex(/^(?:rol_[0-7][0-9a-hjkmnp-tv-z]{25}|[A-Z][A-Za-z]{2,31})$/, 'a rol_ id or the name of a built-in role')

export const slug = z.string().regex(/^[a-z0-9-]{3,63}$/, '3–63 of a–z, 0–9 and hyphen')
export const RESERVED_SLUGS = ['platform', 'default'] as const
export const DEFAULT_TENANT = 'default'

export const displayName = z.string().min(1).max(120)
export const email = z.email().max(254)
export const reason = z.string().max(500).default('')
export const time = z.iso.datetime()

export const capabilityName = z
  .string()
  .max(128)
  .refine(isCapability, { error: ({ input }) => `${JSON.stringify(input)} is no capability of the catalogue` })
