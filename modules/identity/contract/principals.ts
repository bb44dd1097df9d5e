import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { displayName, email, principalId, reason, roleId, spaceId, time } from './words.ts'

export const principalKind = z.enum(['user', 'agent', 'service', 'guest'])
export const principalStatus = z.enum(['active', 'disabled', 'erased'])

export const principal = z.strictObject({
  principalId,
  spaceId,
  kind: principalKind,
  status: principalStatus,
  displayName: z.string(),
  email: z.string().nullable(),
  /** The user who answers for an agent or service. */
  ownerId: z.string().nullable(),
  roles: z.array(z.string()),
  /** Grows with every change of rights; tokens of an older one are refused. */
  epoch: z.number().int(),
  expiresAt: time.nullable(),
  createdAt: time,
  version: z.number().int(),
})
export type PrincipalRecord = z.infer<typeof principal>

export const createPrincipal = z
  .strictObject({
    kind: principalKind.exclude(['guest']),
    displayName,
    email: email.optional(),
    /** Required for agents and services; default: the caller, if it is a user. */
    ownerId: principalId.optional(),
    spaceId: spaceId.default(''),
    roles: z.array(roleId).max(20).default([]),
    expiresAt: time.optional(),
  })
  .refine(({ kind, email: address }) => kind === 'user' || address === undefined, {
    path: ['email'],
    message: 'only users have one',
  })

const params = z.strictObject({ principalId })

export const principalOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/identity/principals',
    summary: 'Makes a user, agent or service. Without roles it may do nothing.',
    capability: 'principal:manage',
    action: 'principal.create',
    body: createPrincipal,
    output: principal,
    status: 201,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/principals',
    summary: 'Lists principals, newest first.',
    capability: 'principal:read',
    action: 'principal.read',
    query: z.strictObject({ ...pageQuery, kind: principalKind.optional(), status: principalStatus.optional() }),
    output: pageOf(principal),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/identity/principals/{principalId}',
    summary: 'Reads a principal.',
    capability: 'principal:read',
    action: 'principal.read',
    params,
    output: principal,
  }),
  update: operation({
    method: 'PATCH',
    path: '/v1/identity/principals/{principalId}',
    summary: 'Changes the name, address or expiry of a principal.',
    capability: 'principal:manage',
    action: 'principal.update',
    params,
    body: z.strictObject({
      displayName: displayName.optional(),
      email: email.nullable().optional(),
      expiresAt: time.nullable().optional(),
    }),
    output: principal,
    ifMatch: true,
  }),
  disable: operation({
    method: 'POST',
    path: '/v1/identity/principals/{principalId}/disable',
    summary: 'Refuses all its credentials at once.',
    capability: 'principal:manage',
    action: 'principal.disable',
    params,
    body: z.strictObject({ reason }),
    output: principal,
    status: 200,
  }),
  enable: operation({
    method: 'POST',
    path: '/v1/identity/principals/{principalId}/enable',
    summary: 'Accepts its credentials again; tokens from before stay refused.',
    capability: 'principal:manage',
    action: 'principal.enable',
    params,
    body: z.strictObject({ reason }),
    output: principal,
    status: 200,
  }),
}

export const accessThrough = z.strictObject({ roleId, bindingId: z.string(), scope: z.literal('tenant') })

export const me = z.strictObject({
  tenantId: z.string(),
  spaceId: z.string(),
  principalId: z.string(),
  kind: principalKind,
  roles: z.array(z.string()),
  capabilities: z.array(z.string()),
  userId: z.string().nullable(),
  method: z.string(),
  credentialId: z.string().nullable(),
})
export type Me = z.infer<typeof me>

export const meOperations = {
  get: operation({
    method: 'GET',
    path: '/v1/identity/me',
    summary: 'Who am I, in which tenant, with which rights?',
    capability: 'authenticated',
    output: me,
  }),
}

export const accessOperations = {
  get: operation({
    method: 'GET',
    path: '/v1/identity/access',
    summary: 'Does a principal hold a capability, and through which role? About others it needs `role:read`.',
    capability: 'authenticated',
    query: z.strictObject({ principalId: principalId.optional(), capability: z.string().min(3).max(128) }),
    output: z.strictObject({ held: z.boolean(), through: z.array(accessThrough), missing: z.string().optional() }),
  }),
}
