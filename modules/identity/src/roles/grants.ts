import { commonProblems, type Context, holds } from '@soma/kernel'
import { expandCapabilities, GRANTABLE_BEYOND, isBuiltInRole, type Role } from '../../contract/index.ts'

/** What a set of roles gives together. */
export const capabilitiesOf = (roles: readonly Role[]): string[] => [
  ...new Set(expandCapabilities(roles.flatMap(({ capabilities }) => capabilities))),
]

/**
 * Nobody grants what they do not hold, and nobody raises their own rights. An AgentAdmin may grant some capabilities it does not hold, to others.
 * @throws forbidden naming the first capability that is missing
 */
export function checkGrant(context: Context, capabilities: readonly string[], toPrincipalId?: string): void {
  const { principal } = context
  const beyond =
    toPrincipalId === principal.id
      ? []
      : principal.roles.flatMap((name) => (isBuiltInRole(name) ? (GRANTABLE_BEYOND[name] ?? []) : []))
  const missing = expandCapabilities(capabilities).find(
    (capability) => !holds(principal, capability) && !beyond.includes(capability),
  )
  if (missing === undefined) return
  throw commonProblems.forbidden.create(`${principal.id} cannot grant "${missing}" without holding it`, {
    capability: missing,
  })
}
