import { event } from '@soma/kernel'
import * as z from 'zod'
import { keyId, roleId, tenantId, time } from './words.ts'

/** `principalId` = the subject, `byId` = the actor. No secret and no e-mail address in any of them. */
const by = { principalId: z.string().optional(), byId: z.string() }
const topic = 'system-events' as const

export const tenantCreated = event({
  type: 'tenant.created',
  topic,
  summary: 'A tenant was made.',
  data: z.strictObject({ ...by, tenantId, slug: z.string(), region: z.string() }),
})

const principalData = z.strictObject({ ...by, kind: z.string(), epoch: z.number().int(), changed: z.array(z.string()) })
export const principalCreated = event({
  type: 'principal.created',
  topic,
  summary: 'A user, agent or service was made.',
  data: principalData,
})
export const principalUpdated = event({
  type: 'principal.updated',
  topic,
  summary: 'A principal changed.',
  data: principalData,
})
export const principalDisabled = event({
  type: 'principal.disabled',
  topic,
  summary: 'All credentials of a principal are refused.',
  data: principalData,
})
export const principalEnabled = event({
  type: 'principal.enabled',
  topic,
  summary: 'A principal may sign in again.',
  data: principalData,
})

/** Whoever holds something of the person forgets it. */
export const principalErased = event({
  type: 'principal.erased',
  topic,
  summary: 'A principal is forgotten: its id alone stays.',
  data: principalData.extend({ principalId: z.string().min(1) }),
})
/** A fact of the tenant that ends. Whoever holds something of it erases it. */
export const tenantDeleting = event({
  type: 'tenant.deleting',
  topic,
  summary: 'The time of grace of a deleted tenant is over: what is kept of it is erased.',
  data: z.strictObject({ ...by, tenantId: tenantId.min(1), slug: z.string(), region: z.string() }),
})

const roleData = z.strictObject({
  ...by,
  roleId,
  bindingId: z.string().optional(),
  scope: z.literal('tenant').optional(),
  capabilitiesAdded: z.array(z.string()),
  capabilitiesRemoved: z.array(z.string()),
})
export const roleCreated = event({ type: 'role.created', topic, summary: 'A role was made.', data: roleData })
export const roleDeleted = event({
  type: 'role.deleted',
  topic,
  summary: 'A role and its bindings are gone.',
  data: roleData,
})
export const roleBindingCreated = event({
  type: 'role-binding.created',
  topic,
  summary: 'A principal got a role.',
  data: roleData,
})
export const roleBindingDeleted = event({
  type: 'role-binding.deleted',
  topic,
  summary: 'A principal lost a role.',
  data: roleData,
})

const keyData = z.strictObject({ ...by, keyId, scopes: z.array(z.string()), expiresAt: time })
export const keyCreated = event({ type: 'key.created', topic, summary: 'An API key was made.', data: keyData })
export const keyRotated = event({
  type: 'key.rotated',
  topic,
  summary: 'An API key got a second secret.',
  data: keyData,
})
export const keyRevoked = event({ type: 'key.revoked', topic, summary: 'An API key is refused.', data: keyData })

export const tokenRevoked = event({
  type: 'token.revoked',
  topic,
  summary: 'A token is refused.',
  data: z.strictObject({ ...by, jti: z.string() }),
})

const signingKeyData = z.strictObject({ ...by, id: z.string(), kid: z.string() })
export const signingKeyRotated = event({
  type: 'signing-key.rotated',
  topic,
  summary: 'A new signing key was published.',
  data: signingKeyData,
})
export const signingKeyRetired = event({
  type: 'signing-key.retired',
  topic,
  summary: 'A signing key verifies no more.',
  data: signingKeyData,
})

/** Equal refusals of one second are one event with a `count`. */
export const authDecided = event({
  type: 'auth.decided',
  topic: 'audit',
  summary: 'An authentication was decided.',
  data: z.strictObject({
    outcome: z.enum(['allowed', 'denied', 'challenged']),
    method: z.string(),
    reason: z.string(),
    credentialId: z.string().optional(),
    principalId: z.string().optional(),
    tenantId: z.string().optional(),
    operation: z.string().optional(),
    mode: z.string(),
    ip: z.string(),
    userAgent: z.string().optional(),
    count: z.number().int(),
  }),
})

export const identityFacts = [
  tenantCreated,
  tenantDeleting,
  principalCreated,
  principalUpdated,
  principalDisabled,
  principalEnabled,
  principalErased,
  roleCreated,
  roleDeleted,
  roleBindingCreated,
  roleBindingDeleted,
  keyCreated,
  keyRotated,
  keyRevoked,
  tokenRevoked,
  signingKeyRotated,
  signingKeyRetired,
  authDecided,
]
