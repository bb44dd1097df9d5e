import { createPgliteDatabase } from '@soma/adapter-pglite'
import {
  type AnyModule,
  buildClient,
  type Client,
  type Context,
  type Contract,
  type Database,
  type EventEnvelope,
  type Logger,
  type Mode,
  NO_CONSTITUTION,
  newTraceparent,
  noMetrics,
  silentLogger,
} from '@soma/kernel'
import {
  type ComposedModule,
  compose,
  createExecute,
  loadConfiguration,
  readMigrations,
  type TransactionEmitter,
} from '@soma/runtime'

export interface BenchOptions {
  readonly modules: readonly { readonly definition: AnyModule; readonly ports: unknown }[]
  readonly mode?: Mode
  /** Settings by full key. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Of an earlier bench that was left without closing: what a restart after a crash finds. */
  readonly database?: Database
  readonly clock?: { now(): Date }
  /** Default: silent. */
  readonly log?: Logger
  /** How to reach modules that are not hosted here. Default: none can be. */
  readonly remote?: Parameters<typeof compose>[0]['remote']
  /** Runs as the last thing of each transaction with events; what it throws is a crash just before the commit. */
  readonly beforeCommit?: () => void
}

/** Modules on a real embedded database, called through the real pipeline: validation and authorization in and out. */
export interface Bench {
  readonly database: Database
  readonly modules: readonly ComposedModule[]
  /** Every event whose transaction committed, in order. */
  readonly events: EventEnvelope[]
  client<C extends Contract>(contract: C): Client<C>
  runJob(name: string): Promise<void>
  close(): Promise<void>
}

/** An embedded database in memory with the tables of these modules, and nothing started on it. */
export async function openDatabase(modules: BenchOptions['modules']): Promise<Database> {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await migrate(database, modules)
  return database
}

export async function openBench(options: BenchOptions): Promise<Bench> {
  const log = options.log ?? silentLogger
  const database = options.database ?? (await openDatabase(options.modules))
  const contracts = options.modules.map(({ definition }) => definition.contract as Contract)
  const events: EventEnvelope[] = []
  const composition = compose({
    modules: options.modules,
    remote: options.remote ?? (() => undefined),
    execute: createExecute({ log }),
    database,
    emitter: keepCommitted(events, options.beforeCommit),
    configuration: loadConfiguration(contracts, {
      environment: { SOMA_MODE: options.mode ?? 'test' },
      flags: options.settings ?? {},
    }),
    clock: options.clock ?? { now: () => new Date() },
    region: 'local',
    log,
    metrics: noMetrics,
  })
  for (const module of composition.modules) await module.start()
  return {
    database,
    modules: composition.modules,
    events,
    client: (contract) => buildClient(contract, composition.transport),
    runJob: async (name) => {
      const job = composition.modules.flatMap(({ jobs }) => jobs).find((candidate) => candidate.name === name)
      if (job === undefined) throw new Error(`no job ${name}`)
      await job.run(new AbortController().signal)
    },
    close: async () => {
      for (const module of composition.modules) await module.stop()
      await database.close()
    },
  }
}

/** Events go nowhere but into the list, and only when their transaction has committed. */
function keepCommitted(events: EventEnvelope[], beforeCommit: () => void = () => undefined): TransactionEmitter {
  return {
    write: async () => beforeCommit(),
    committed: (envelopes) => {
      events.push(...envelopes)
    },
  }
}

/** The tables of the runtime and of these modules. */
export async function migrate(database: Database, modules: BenchOptions['modules']): Promise<void> {
  const runtime = await readMigrations('runtime', new URL('../../../runtime/migrations/', import.meta.url))
  const own = []
  for (const { definition } of modules) {
    if (definition.migrations !== undefined)
      own.push(...(await readMigrations(definition.contract.module, definition.migrations)))
  }
  await database.migrate([...runtime, ...own])
}

/** Somebody in a tenant. Roles are names only: what holds is `capabilities`. */
export function aContext(shape: {
  tenantId?: string
  id: string
  kind?: Context['principal']['kind']
  roles?: readonly string[]
  capabilities?: readonly string[]
}): Context {
  const kind = shape.kind ?? 'user'
  return {
    tenantId: shape.tenantId ?? 'default',
    spaceId: '',
    principal: { id: shape.id, kind, roles: shape.roles ?? [], capabilities: shape.capabilities ?? ['*'] },
    ...(kind === 'user' ? { userId: shape.id } : {}),
    actors: [],
    method: 'token',
    region: 'local',
    constitutionHash: NO_CONSTITUTION,
    traceparent: newTraceparent(),
  }
}
