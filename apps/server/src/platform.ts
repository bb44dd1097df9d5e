import type { AnyModule, Contract, Database, Logger, TokenCodec } from '@soma/kernel'
import type { Configuration, HostedModule } from '@soma/runtime'
import type { EventSpine, EventSpineSettings } from './event-spine.ts'
import type { Rights } from './rights.ts'

/** What adapters and the spine offer to the ports of modules. */
export interface Bindings {
  readonly database: Database
  readonly spine: EventSpine
  readonly tokenCodec: TokenCodec
  /** Seals secrets at rest, the same on every process of the installation. */
  readonly encryptionKey: Uint8Array
  readonly configuration: Configuration
  readonly log: Logger
  /** What keeps the log. */
  readonly bus: EventSpineSettings['bus']
  /** Absent where callers are proven without the identity module. */
  readonly rights: Rights | undefined
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
}

/** The modules that processes can host, and how their ports are bound to adapters. The order is that of their migrations. */
export interface Platform {
  readonly modules: readonly AnyModule[]
  /** Ports by module name; a module without an entry needs nothing but what the runtime gives. */
  readonly portsOf: (bindings: Bindings) => Readonly<Record<string, unknown>>
}

export const contractsOf = (platform: Platform): readonly Contract[] => platform.modules.map(({ contract }) => contract)

/** The chosen modules with their ports bound. */
export function hostModules(platform: Platform, names: readonly string[], bindings: Bindings): HostedModule[] {
  const ports = platform.portsOf(bindings)
  return platform.modules
    .filter((module) => names.includes(module.contract.module))
    .map((definition) => ({ definition, ports: ports[definition.contract.module] ?? {} }))
}
