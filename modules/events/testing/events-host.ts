import { createSchemaCompiler } from '@soma/adapter-ajv'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createLogIndex, createPostgresLog, postgresLogMigrations } from '@soma/adapter-postgres-log'
import {
  type AnyModule,
  buildClient,
  type Client,
  type Clock,
  type Context,
  type Database,
  type DataInputOf,
  type EventBus,
  type EventDefinition,
  type EventEnvelope,
  type LogReader,
  type LogRecord,
  type Metrics,
  newTraceparent,
  noMetrics,
  type SqlSession,
  silentLogger,
  TOPICS,
} from '@soma/kernel'
import { registryModule } from '@soma/registry'
import { registryContract } from '@soma/registry/contract'
import {
  announceReplays,
  type ComposedModule,
  compose,
  type Consumer,
  contextOfEvent,
  createConsumer,
  createEmitter,
  createErasures,
  createModuleDatabase,
  createOutgoing,
  createRelay,
  createExecute,
  createTail,
  type Tail,
  createTextSeal,
  loadConfiguration,
  readMigrations,
  resetLeases,
  spineMigrations,
} from '@soma/runtime'
import { eventsContract } from '../contract/index.ts'
import { eventsModule } from '../src/module.ts'

export interface EventsHostOptions {
  /** Settings of the events module by name. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly partitions?: number
  /** How events reach the log; default inline. */
  readonly emit?: 'inline' | 'relay'
  /** A log outside the database; events reach it by the relay. Default: the log in the database. */
  readonly bus?: EventBus
  /** A database of an earlier host: what a restart finds. */
  readonly database?: Database
  /** Another process runs on the database already. */
  readonly isSecondProcess?: boolean
  /** Other processes run or will run on the database. Default: as for a second process and on Postgres. */
  readonly isShared?: boolean
  /** What the module measures; default nothing is kept. */
  readonly metrics?: Metrics
  /** Called inside every transaction of the write path, to let it fail. */
  readonly beforeCommit?: () => void
}

export interface EventsHost {
  readonly events: Client<typeof eventsContract>
  readonly registry: Client<typeof registryContract>
  readonly database: Database
  readonly clock: Clock & { advance(ms: number): void }
  /** Everything that went into the log, in order. */
  readonly recorded: LogRecord[]
  /** Resolves with the first record that fits, recorded before or after the call. */
  waitFor(predicate: (record: LogRecord) => boolean): Promise<LogRecord>
  /** Registers an event type with a schema of any object. */
  define(
    context: Context,
    type: string,
    options?: { topic?: string; schema?: Readonly<Record<string, unknown>> },
  ): Promise<void>
  /** The module hears facts from now on. Before, its handlers do not run. */
  startHandlers(): Promise<void>
  /** A fact of another module, such as `identity`. */
  say<E extends EventDefinition>(context: Context, from: string, definition: E, data: DataInputOf<E>): Promise<void>
  /** What dispatchers and tails read from. */
  readonly reader: Tail
  /** What readers of a topic at its head are given from memory, by partition. */
  readMemory(topic: string): Promise<(readonly LogRecord[])[]>
  /** Runs the module's jobs once. */
  runJobs(): Promise<void>
  /** Another process runs the module's jobs now. */
  standBy(): void
  /** The process dies: nothing is written any more, the database stays. */
  crash(): Promise<void>
  /** The process ends in order, the database stays. */
  drain(): Promise<void>
  close(): Promise<void>
}

/** The events and registry modules on an embedded database in memory with the real log, called through the real pipeline. */
export async function createEventsHost(options: EventsHostOptions = {}): Promise<EventsHost> {
  const database = options.database ?? (await freshDatabase())
  const partitions = options.partitions ?? 4
  const { metrics = noMetrics } = options
  const bus = options.bus ?? (await openLog(database, partitions))
  // An embedded process starts under its directory lock: nobody else holds a lease.
  if (options.isSecondProcess !== true) await resetLeases(database)
  const emitter = createEmitter({
    bus,
    database,
    mode: options.emit ?? (options.bus === undefined ? 'inline' : 'relay'),
    partitions,
  })
  const tail = createTail({ database, bus, emitter, log: silentLogger })
  const relay = createRelay({ database, bus, emitter, tail, log: silentLogger, metrics })
  await tail.start()
  await relay.start()
  const index =
    options.bus === undefined
      ? undefined
      : createLogIndex({ database, reader: tail, partitions, log: silentLogger, metrics })
  await index?.start()
  const recorded: LogRecord[] = []
  const waiting = new Set<() => void>()
  const stopRecording = onAppendOf(tail, (records) => {
    recorded.push(...records)
    for (const look of waiting) look()
  })
  let offsetMs = 0
  const clock = { now: () => new Date(Date.now() + offsetMs), advance: (ms: number) => void (offsetMs += ms) }
  const state = { isDead: false }
  const erasures = createErasures(database, silentLogger)
  erasures.onErased(tail.erase)
  await erasures.start()
  const isShared = options.isShared ?? (options.isSecondProcess === true || database.engine === 'postgres')
  const outgoing = createOutgoing({ allowedRanges: [], allowsInsecure: true })
  const compiler = createSchemaCompiler()
  const platformEvents = [...eventsContract.events, ...registryContract.events]
  const modules: { definition: AnyModule; ports: object }[] = [
    {
      definition: eventsModule,
      ports: {
        bus,
        reader: tail,
        recorder: emitter,
        schemaCompiler: compiler,
        busTransaction: <T>(work: (session: SqlSession) => Promise<T>): Promise<T> => {
          if (state.isDead) return Promise.reject(new Error('the process is dead'))
          return database.transaction({ role: 'soma_bus' }, async (session) => {
            const result = await work(session)
            options.beforeCommit?.()
            return result
          })
        },
        erasures,
        wakeModuleGroup: (group: string) => announceReplays(database, group),
        outgoing,
        textSeal: createTextSeal(new Uint8Array(32), 'push secrets'),
        origin: 'soma.test',
        ...(isShared ? { nodes: nodesOf(database, state) } : {}),
        reservedNouns: new Set(platformEvents.map(({ type }) => type.slice(0, type.indexOf('.')))),
      },
    },
    { definition: registryModule, ports: { schemaCompiler: compiler, platformEvents, installation: {} } },
  ]
  const composition = compose({
    modules,
    remote: () => undefined,
    execute: createExecute({ log: silentLogger }),
    database,
    emitter,
    configuration: loadConfiguration([eventsContract, registryContract], {
      environment: { SOMA_MODE: 'test' },
      file: { events: { quotaEventsPerSecond: 1_000_000, ...options.settings } },
    }),
    clock,
    region: 'local',
    log: silentLogger,
    metrics,
  })
  for (const module of composition.modules) await module.start()
  const registry = buildClient(registryContract, composition.transport)
  let handlers: Consumer | undefined
  const stop = async () => {
    await handlers?.stop()
    await erasures.stop()
    for (const module of composition.modules) await module.stop()
    outgoing.close()
    stopRecording()
    await relay.stop()
    await index?.stop()
    await tail.stop()
  }
  return {
    events: buildClient(eventsContract, composition.transport),
    registry,
    database,
    clock,
    recorded,
    waitFor: (predicate) =>
      new Promise((resolve) => {
        const look = () => {
          const found = recorded.find(predicate)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    define: async (context, type, { topic = 'business-facts', schema = { type: 'object' } } = {}) => {
      await registry.events.create(context, {
        body: { topic, type, description: type, schema: { jsonSchema: schema } as never },
      })
    },
    startHandlers: async () => {
      const [module] = composition.modules as [ComposedModule]
      const principal = { name: module.name, jobCapabilities: [] }
      handlers = createConsumer({
        group: 'module:events',
        handlers: module.handlers,
        database,
        reader: tail,
        emitter,
        runInModule: ([event], work) => {
          const context = contextOfEvent(event as EventEnvelope, principal, 'local')
          return module.database.asWorker(context, (tx) => work([{ tx, context }]))
        },
        partitions,
        settings: { commitEveryMs: 5 },
        log: silentLogger,
        metrics: noMetrics,
      })
      await handlers.start()
    },
    say: async (context, from, definition, data) => {
      const name = { name: from, jobCapabilities: [] }
      const module = createModuleDatabase({ database, module: name, emitter, clock, region: 'local' })
      await module.transaction(context, async (tx) => {
        tx.emit(definition, data)
      })
    },
    reader: tail,
    readMemory: async (topic) =>
      Promise.all(
        (await tail.heads(topic)).map(({ part, segment }) => tail.read(topic, part, { segment, position: 0 }, 1_000)),
      ),
    runJobs: async () => {
      for (const job of composition.modules.flatMap(({ jobs }) => jobs)) await job.run(new AbortController().signal)
    },
    standBy: () => {
      for (const job of composition.modules.flatMap(({ jobs }) => jobs)) job.elsewhere?.()
    },
    crash: async () => {
      state.isDead = true
      await stop()
    },
    drain: stop,
    close: async () => {
      await stop()
      await database.close()
    },
  }
}

/** A dead process neither speaks nor hears. */
const nodesOf = (database: Database, state: { isDead: boolean }) => ({
  notify: async (channel: string, payload: string) => {
    if (!state.isDead) await database.notify(channel, payload)
  },
  listen: (channel: string, listener: (payload: string) => void) =>
    database.listen(channel, (payload) => state.isDead || listener(payload)),
})

/** Everything that enters the log, whoever ships it. */
function onAppendOf(tail: LogReader, listener: (records: readonly LogRecord[]) => void): () => void {
  const stops = TOPICS.map((topic) => tail.onAppend(topic, listener))
  return () => {
    for (const stop of stops) stop()
  }
}

async function openLog(database: Database, partitions: number): Promise<EventBus> {
  const bus = createPostgresLog({ database, partitions })
  await bus.prepare()
  return bus
}

async function freshDatabase(): Promise<Database> {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await migrateEvents(database)
  return database
}

/** Makes the tables of the spine, the log and both modules. */
export async function migrateEvents(database: Database): Promise<void> {
  await database.migrate([
    ...(await readMigrations('runtime', spineMigrations)),
    ...(await readMigrations('postgres-log', postgresLogMigrations)),
    ...(await readMigrations('events', eventsModule.migrations as URL)),
    ...(await readMigrations('registry', registryModule.migrations as URL)),
  ])
}

/** A proven caller of a tenant with every capability of events and registry. */
export const anEventsContext = (
  tenantId = 'tenant-a',
  who: { principalId?: string; userId?: string; spaceId?: string; capabilities?: readonly string[] } = {},
): Context => ({
  tenantId,
  spaceId: who.spaceId ?? '',
  principal: {
    id: who.principalId ?? 'agt_one',
    kind: 'agent',
    roles: ['AgentAdmin'],
    capabilities: who.capabilities ?? ['*'],
  },
  ...(who.userId === undefined ? {} : { userId: who.userId }),
  actors: [],
  method: 'api-key',
  region: 'local',
  constitutionHash: 'none',
  traceparent: newTraceparent(),
})
