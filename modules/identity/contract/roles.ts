import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { CATALOGUE, expand, PLATFORM_CAPABILITIES, TENANT_CAPABILITIES } from './capabilities.ts'
import { bindingId, capabilityName, principalId, roleId, time } from './words.ts'

export const BUILT_IN_ROLES = ['AgentAdmin', 'Operator', 'Observer', 'Agent', 'User', 'Guest', 'PlatformAdmin'] as const
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number]

/** AgentAdmin may grant these one by one, but does not hold them. */
const GRANT_ONLY = ['principal:act-for', 'step-up:skip', 'moderation:bypass']

const reads = TENANT_CAPABILITIES.filter((capability) => capability.endsWith(':read') && capability !== 'secret:read')
const column = (name: 'operator' | 'agent' | 'user') => CATALOGUE.flatMap((row) => expand(row[name] ?? []))
const agentAdmin = TENANT_CAPABILITIES.filter((capability) => !GRANT_ONLY.includes(capability))

/** Built-in role → capabilities, from the catalogue. */
export const ROLE_CAPABILITIES: Readonly<Record<BuiltInRole, readonly string[]>> = {
  AgentAdmin: agentAdmin,
  Operator: [...new Set([...reads, 'plan:read-all', ...column('operator')])],
  Observer: [...reads.filter((capability) => capability !== 'audit:read'), 'plan:read-all'],
  Agent: column('agent'),
  User: column('user'),
  Guest: ['session:read', 'session:write'],
  PlatformAdmin: [...agentAdmin, ...PLATFORM_CAPABILITIES],
}

/** What a role may grant to others beyond what its holder holds. */
export const GRANTABLE_BEYOND: Readonly<Partial<Record<BuiltInRole, readonly string[]>>> = {
  AgentAdmin: GRANT_ONLY,
  PlatformAdmin: GRANT_ONLY,
}

export const isBuiltInRole = (name: string): name is BuiltInRole => (BUILT_IN_ROLES as readonly string[]).includes(name)

export const role = z.strictObject({
  /** `rol_…`; the name for built-in roles. */
  roleId,
  name: z.string(),
  capabilities: z.array(z.string()),
  builtIn: z.boolean(),
  version: z.number().int(),
})
export type Role = z.infer<typeof role>

export const createRole = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, 'letters, digits and hyphens, at most 63'),
  capabilities: z.array(capabilityName).max(300),
})

export const roleBinding = z.strictObject({
  bindingId,
  principalId,
  roleId,
  roleName: z.string(),
  scope: z.literal('tenant'),
  expiresAt: time.nullable(),
  createdAt: time,
})
export type RoleBinding = z.infer<typeof roleBinding>

/** First depth: a binding holds for the whole tenant; bindings to one resource (IDN-R9) follow. */
export const createRoleBinding = z.strictObject({
  principalId,
  roleId,
  scope: z.literal('tenant').default('tenant'),
  expiresAt: time.optional(),
})

const roleParams = z.strictObject({ roleId })

export const roleOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/roles',
    summary: 'Makes a role of the tenant. Nobody puts into it what they do not hold.',
    capability: 'role:manage',
    action: 'role.create',
    body: createRole,
    output: role,
    status: 201,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/roles',
    summary: "Lists built-in roles and the tenant's own.",
    capability: 'role:read',
    action: 'role.read',
    output: z.strictObject({ items: z.array(role), nextCursor: z.null() }),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/identity/roles/{roleId}',
    summary: 'Reads a role.',
    capability: 'role:read',
    action: 'role.read',
    params: roleParams,
    output: role,
  }),
  delete: operation({
    method: 'DELETE',
    path: '/v1/identity/roles/{roleId}',
    summary: "Deletes one of the tenant's roles and its bindings.",
    capability: 'role:manage',
    action: 'role.delete',
    params: roleParams,
    ifMatch: true,
  }),
}

export const roleBindingOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/role-bindings',
    summary: 'Gives a role to a principal.',
    capability: 'role:manage',
    action: 'role-binding.create',
    body: createRoleBinding,
    output: roleBinding,
    status: 201,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/role-bindings',
    summary: 'Lists who holds which role.',
    capability: 'role:read',
    action: 'role-binding.read',
    query: z.strictObject({ ...pageQuery, principalId: principalId.optional() }),
    output: pageOf(roleBinding),
  }),
  delete: operation({
    method: 'DELETE',
    path: '/v1/identity/role-bindings/{bindingId}',
    summary: 'Takes a role away; tokens made before are refused.',
    capability: 'role:manage',
    action: 'role-binding.delete',
    params: z.strictObject({ bindingId }),
  }),
}
