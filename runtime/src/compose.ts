import {
  type Clock,
  type Context,
  type Contract,
  type Database,
  type EventHandler,
  type Front,
  type Job,
  operationId as idOf,
  type Logger,
  type Metrics,
  type AnyModule,
  type ModuleParts,
  type ReadyCheck,
  type Transport,
  type Use,
  type Uses,
  buildClient,
} from '@soma/kernel'
import { type BoundOperation, bindOperations } from './call/bind.ts'
import type { Execute } from './call/execute.ts'
import { createInProcessTransport, withGrants } from './call/in-process.ts'
import type { Configuration } from './config/configuration.ts'
import { createModuleDatabase, type HandlerDatabase, type TransactionEmitter } from './database/module-database.ts'
import { assertOutsideTransaction } from './database/transaction-guard.ts'

/** A module on this process, with what `apps/server` binds to its ports. */
export interface HostedModule {
  readonly definition: AnyModule
  readonly ports: unknown
}

export interface ComposeOptions {
  readonly modules: readonly HostedModule[]
  /** How to reach a module that is not hosted here; undefined = it cannot be reached. */
  readonly remote: (contract: Contract) => Transport | undefined
  readonly execute: Execute
  readonly database: Database
  readonly emitter: TransactionEmitter
  readonly configuration: Configuration
  readonly clock: Clock
  readonly region: string
  readonly log: Logger
  readonly metrics: Metrics
}

export interface ComposedModule {
  readonly name: string
  readonly contract: Contract
  readonly database: HandlerDatabase
  readonly handlers: readonly EventHandler[]
  readonly jobs: readonly Job[]
  readonly ready: readonly ReadyCheck[]
  readonly front: Front | undefined
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface Composition {
  readonly modules: readonly ComposedModule[]
  readonly operations: readonly BoundOperation[]
  /** Calls any operation of the platform as the given context: hosted ones directly, others where `remote` says. */
  readonly transport: Transport
}

/**
 * Puts modules together: each receives what it declared, by name. Clients are resolved at their first call, so `uses` may point both ways.
 * @throws Error naming every module that is used but neither hosted here nor reachable
 */
export function compose(options: ComposeOptions): Composition {
  const bound = new Map<string, BoundOperation>()
  const hosted = new Set(options.modules.map(({ definition }) => definition.contract.module))
  const local = createInProcessTransport({ find: (id) => bound.get(id), execute: options.execute, idOf })
  const transport: Transport = (call) => {
    assertOutsideTransaction(idOf(call.contract.module, call.noun, call.verb))
    if (hosted.has(call.contract.module)) return local(call)
    const remote = options.remote(call.contract)
    if (remote === undefined) throw new Error(unreachable(call.contract.module))
    return remote(call)
  }
  requireUses(options, hosted)
  const modules = options.modules.map((entry) => composeModule(entry, { ...options, transport, bound }))
  return { modules, operations: [...bound.values()], transport }
}

function requireUses(options: ComposeOptions, hosted: ReadonlySet<string>): void {
  const missing = options.modules.flatMap(({ definition }) =>
    Object.values(definition.uses as Uses)
      .filter(({ contract }) => !hosted.has(contract.module) && options.remote(contract) === undefined)
      .map(
        ({ contract }) =>
          `module "${definition.contract.module}" uses "${contract.module}": ${unreachable(contract.module)}`,
      ),
  )
  if (missing.length > 0) throw new Error(missing.join('\n'))
}

const unreachable = (module: string): string =>
  `"${module}" is not hosted here and has no URL; add it to --modules or to the setting server.moduleUrls`

function composeModule(
  { definition, ports }: HostedModule,
  options: ComposeOptions & { transport: Transport; bound: Map<string, BoundOperation> },
): ComposedModule {
  const contract: Contract = definition.contract
  const log = options.log.child({ module: contract.module })
  const database = createModuleDatabase({
    database: options.database,
    emitter: options.emitter,
    clock: options.clock,
    region: options.region,
    module: { name: contract.module, jobCapabilities: contract.jobCapabilities ?? [] },
  })
  const parts: ModuleParts = definition.create({
    database,
    clients: clientsOf(definition, options.transport),
    settings: options.configuration.of(contract.module) as never,
    clock: options.clock,
    log,
    metrics: options.metrics,
    ports,
  })
  for (const entry of bindOperations(contract, parts)) options.bound.set(entry.operation.id, entry)
  return {
    name: contract.module,
    contract,
    database,
    handlers: parts.handlers ?? [],
    jobs: parts.jobs ?? [],
    ready: parts.ready ?? [],
    front: parts.front,
    start: async () => parts.start?.(),
    stop: async () => parts.stop?.(),
  }
}

/** A module calls the operations that its `uses` entry names as the caller's principal, plus the entry's grants, for that one call. */
function clientsOf({ contract: { module: caller }, uses }: AnyModule, transport: Transport) {
  const clientOf = ({ contract, operations }: Use) =>
    buildClient(contract, async (call) => {
      const grants = operations[`${call.noun}.${call.verb}`]
      if (grants === undefined)
        throw new Error(
          `module "${caller}" calls ${idOf(contract.module, call.noun, call.verb)}, which its "uses" does not name: add it in src/module.ts`,
        )
      return transport({ ...call, caller, context: withGrants(call.context as Context, grants) })
    })
  return Object.fromEntries(Object.entries(uses as Uses).map(([name, entry]) => [name, clientOf(entry)]))
}
