import { randomBytes } from './random-bytes.ts'

export type PrincipalKind = 'user' | 'agent' | 'service' | 'guest'

/** Who makes a call. */
export interface Principal {
  readonly id: string
  readonly kind: PrincipalKind
  readonly roles: readonly string[]
  /** What holds for this call, after scopes, delegation and grants. */
  readonly capabilities: readonly string[]
}

/** How the caller was proven. `module` = the platform itself (handlers, jobs); `developer` = permissive or header access of developer modes. */
export type AuthenticationMethod = 'api-key' | 'token' | 'context-token' | 'developer' | 'module' | 'none'

/**
 * The identity context: one proven author acting in one tenant, with what holds for this call, and the trace it belongs to.
 * Given to every operation handler, event handler, job and client call. Tenant and user come from here, never from a body.
 */
export interface Context {
  readonly tenantId: string
  /** Partition inside a tenant; `''` by default. */
  readonly spaceId: string
  readonly principal: Principal
  /** Whose private data is in scope: a user itself; for an agent or service the user it acts for, else absent. */
  readonly userId?: string
  /** Earlier callers of the chain, nearest first. */
  readonly actors: readonly string[]
  readonly method: AuthenticationMethod
  readonly credentialId?: string
  readonly authenticatedAt?: string
  readonly region: string
  readonly constitutionHash: string
  /** W3C trace context of the current span. */
  readonly traceparent: string
  /** The event that is being handled, if one is: causation, correlation and the ids that its emits inherit. */
  readonly cause?: CauseOfCall
}

export interface CauseOfCall {
  readonly eventId: string
  readonly correlationId: string
  readonly sessionId?: string
  readonly planId?: string
  readonly taskId?: string
}

/** Until governance holds a constitution, this hash stands in every event, token and record: it says that there is none. */
export const NO_CONSTITUTION = 'none'

/** True when the capability is held, directly or by a `noun:*` wildcard. */
export function holds(principal: Pick<Principal, 'capabilities'>, capability: string): boolean {
  const noun = capability.slice(0, capability.indexOf(':'))
  return (
    principal.capabilities.includes(capability) ||
    principal.capabilities.includes(`${noun}:*`) ||
    principal.capabilities.includes('*')
  )
}

/** The tenant of those who run the installation. */
export const PLATFORM_TENANT = 'platform'

/** A new W3C `traceparent` (https://www.w3.org/TR/trace-context/), sampled. */
export function newTraceparent(): string {
  return `00-${randomHex(16)}-${randomHex(8)}-01`
}

/**
 * The `traceparent` of what goes on with a trace: the given one, or a new one where it is none. No span id is made up: whoever records a span makes its own, whose
 * parent is this one's, and hands that on.
 */
export function continueTrace(traceparent: string | undefined): string {
  const match = traceparent === undefined ? null : /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent)
  const isTrace = match !== null && !/^0+$/.test(match[1] as string) && !/^0+$/.test(match[2] as string)
  return isTrace ? match[0] : newTraceparent()
}

/** The 32 hexadecimal characters of the trace. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35)

function randomHex(length: number): string {
  let text = ''
  for (const byte of randomBytes(length)) text += HEX[byte]
  return text
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
