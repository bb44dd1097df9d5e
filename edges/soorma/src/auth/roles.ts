import { expandCapabilities, ROLE_CAPABILITIES } from '@soma/identity/contract'
import { PRINCIPAL_TYPES, type PrincipalType } from './claims.ts'

const ROLE_PREFIX = 'soorma-'

export interface RoleOfType {
  readonly name: string
  readonly capabilities: string[]
}

/** The role of a principal type (SOO-R4). Those that act for others are roles of the tenant; admins have the built-in one. */
export function roleOf(type: PrincipalType): RoleOfType {
  if (type === 'admin') return { name: 'AgentAdmin', capabilities: [...ROLE_CAPABILITIES.AgentAdmin] }
  const name = `${ROLE_PREFIX}${type}`
  if (type === 'user')
    return { name, capabilities: [...expandCapabilities(ROLE_CAPABILITIES.User), 'memory:publish', 'event:publish'] }
  return { name, capabilities: [...ROLE_CAPABILITIES.Agent, 'principal:act-for'] }
}

/** The type of a principal by its roles: identity keeps no other word for it. */
export function typeOf(roles: readonly string[]): PrincipalType | undefined {
  if (roles.includes('AgentAdmin')) return 'admin'
  return PRINCIPAL_TYPES.find((type) => roles.includes(`${ROLE_PREFIX}${type}`))
}

/** A role that principals have through this dialect alone. */
export const isDialectRole = (role: string): boolean => role.startsWith(ROLE_PREFIX)

export const kindOf = (type: PrincipalType): 'user' | 'agent' | 'service' =>
  type === 'admin' || type === 'user' ? 'user' : type === 'service' ? 'service' : 'agent'
