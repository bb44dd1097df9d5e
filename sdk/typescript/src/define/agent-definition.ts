import type { PlatformContext } from '../context/platform-context.ts'
import type { Machine } from '../machine/state-machine.ts'
import type { AnyEvent } from './event.ts'
import type { HandlerEntry } from './handlers.ts'

export interface CapabilityOptions {
  readonly name: string
  readonly description?: string
  /** The event that asks for it. */
  readonly consumes?: AnyEvent
  /** Default: the response of `consumes`. */
  readonly produces?: readonly AnyEvent[]
  readonly tags?: readonly string[]
  readonly sideEffects?: 'none' | 'reversible' | 'irreversible'
}

export interface AgentOptions {
  /** `[a-z0-9][a-z0-9._-]{0,127}`: its name in the registry and of its group; all replicas share it. */
  readonly name: string
  readonly description: string
  /** Semver. Default 1.0.0. */
  readonly version?: string
  readonly capabilities?: readonly (string | CapabilityOptions)[]
  /** Events it handles beside those of its handlers. */
  readonly consumes?: readonly AnyEvent[]
  /** Events it publishes beside the responses of what it handles. */
  readonly produces?: readonly AnyEvent[]
  readonly tags?: readonly string[]
  /** Handlers at the same time, over all keys. Default 10. */
  readonly concurrency?: number
  /** How long a delivery stays its own without a sign of life. Default 30,000. */
  readonly leaseMs?: number
  /** How long `stop` waits for handlers in hand. Default 20,000. */
  readonly graceMs?: number
  /** How often an event is tried before it is a dead letter. Default 5. */
  readonly maxAttempts?: number
  /** Default 1 s, doubled, at most 60 s. */
  readonly backoff?: { readonly baseMs?: number; readonly factor?: number; readonly maxMs?: number }
  readonly onDeadLetter?: 'continue' | 'block'
  /** How long deliveries in hand wait for this process after its stream broke, before others get them. Default 10,000. */
  readonly memberGraceMs?: number
  /** Where its group begins to read when it is made. Default `latest`. */
  readonly startAt?: 'latest' | 'earliest'
  /** Refuse to start without a registration. Default false: it is tried again while work is taken. */
  readonly requireRegistration?: boolean
  /** Default: what the registry asks for, 30,000. */
  readonly heartbeatMs?: number
}

export type AgentKind = 'tool' | 'worker' | 'planner' | 'agent'
export type Hook = (context: HookContext) => Promise<void> | void
/** What start and stop hooks get: no event is handled, so calls have the agent's own identity and no user. */
export type HookContext = Pick<PlatformContext, 'agent' | 'registry' | 'log' | 'clock'>

/** Everything that was said about an agent. */
export interface AgentDefinition {
  readonly kind: AgentKind
  readonly options: AgentOptions
  readonly machine: Machine | undefined
  readonly entries: readonly HandlerEntry[]
  readonly startup: readonly Hook[]
  readonly shutdown: readonly Hook[]
}
