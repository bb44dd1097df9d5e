import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { issuedKey } from './keys.ts'
import { principal } from './principals.ts'
import { displayName, email, slug, tenantId, time } from './words.ts'

export const tenant = z.strictObject({
  tenantId,
  slug: z.string(),
  displayName: z.string(),
  status: z.enum(['active', 'suspended', 'deleting', 'deleted']),
  region: z.string(),
  version: z.number().int(),
  createdAt: time,
})
export type Tenant = z.infer<typeof tenant>

export const region = z.string().min(1).max(64)
export const createTenant = z.strictObject({
  slug,
  displayName,
  region: region.optional(),
  admin: z.strictObject({ email }),
})

/** First depth, until invitations exist: the first AgentAdmin comes with an API key, shown to the maker once, where the invitation's link will be. */
export const createdTenant = z.strictObject({ tenant, admin: principal, adminKey: issuedKey })

export const tenantOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/tenants',
    summary: 'Makes a tenant with its first AgentAdmin.',
    capability: 'tenant:manage',
    action: 'tenant.create',
    body: createTenant,
    output: createdTenant,
    status: 201,
    secret: true,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/tenants',
    summary: 'Lists tenants: all with `tenant:manage`, else the own one.',
    capability: 'tenant:read',
    action: 'tenant.read',
    query: z.strictObject({ ...pageQuery }),
    output: pageOf(tenant),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/identity/tenants/{tenantId}',
    summary: 'Reads a tenant; another than the own one needs `tenant:manage`.',
    capability: 'tenant:read',
    action: 'tenant.read',
    params: z.strictObject({ tenantId }),
    output: tenant,
  }),
  update: operation({
    method: 'PATCH',
    path: '/v1/identity/tenants/{tenantId}',
    summary: 'Changes the display name of a tenant; another than the own one needs `tenant:manage`.',
    capability: 'tenant:configure',
    action: 'tenant.update',
    params: z.strictObject({ tenantId }),
    body: z.strictObject({ displayName }),
    output: tenant,
    ifMatch: true,
  }),
}

/** First depth, until passwords exist: both principals sign in with an API key, shown once. */
export const bootstrapOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/bootstrap',
    summary: 'Uses up the setup code: makes PlatformAdmin and the first tenant with its AgentAdmin.',
    capability: 'public',
    body: z.strictObject({
      setupCode: z.string().min(1).max(128),
      email,
      tenant: z.strictObject({ slug, displayName, region: region.optional() }),
    }),
    output: z.strictObject({ tenant, principal, key: issuedKey, platformPrincipal: principal, platformKey: issuedKey }),
    status: 201,
    secret: true,
  }),
}
