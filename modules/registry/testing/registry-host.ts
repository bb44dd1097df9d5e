import { createSchemaCompiler } from '@soma/adapter-ajv'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import {
  buildClient,
  type Client,
  type Clock,
  type Context,
  type Database,
  type EventDefinition,
  type EventEnvelope,
  type LogReader,
  type LogRecord,
  newTraceparent,
  noMetrics,
  silentLogger,
} from '@soma/kernel'
import { type ComposedModule, compose, createExecute, loadConfiguration, readMigrations } from '@soma/runtime'
import { registryContract } from '../contract/index.ts'
import { registryModule } from '../src/module.ts'
import type { Embedder } from '../src/ports.ts'

export interface RegistryHost {
  readonly client: Client<typeof registryContract>
  readonly module: ComposedModule
  /** Every event that was committed, in order. */
  readonly emitted: EventEnvelope[]
  readonly clock: Clock & { advance(ms: number): void }
  readonly database: Database
  /** Calls with what was committed to a topic. */
  readonly reader: Pick<LogReader, 'onAppend'>
  /** Moves the end of all leases, as time would. */
  expireLeases(): Promise<void>
  sweep(): Promise<void>
  /** Gives the module an event of another module. */
  deliver(tenantId: string, type: string, data: object): Promise<void>
  close(): Promise<void>
}

export interface RegistryHostOptions {
  readonly platformEvents?: readonly EventDefinition[]
  readonly settings?: Readonly<Record<string, unknown>>
  /** Default: the built-in one. */
  readonly embedder?: Embedder
  /** Of an earlier host: what a second boot finds. */
  readonly database?: Database
}

/** The events module of an installation in which nothing was published. */
const nothingPublished = async () => ({ items: [], nextCursor: null })

/** The registry alone on an embedded database in memory, called through the real pipeline of validation and authorization. */
export async function createRegistryHost(options: RegistryHostOptions = {}): Promise<RegistryHost> {
  const database =
    options.database ??
    (await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }))
  const roles = ['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler']
  for (const role of roles) {
    await database.asOwner((session) =>
      session.execute(`do $$ begin if not exists (select from pg_roles where rolname = '${role}')
        then create role ${role} nologin; end if; end $$`),
    )
  }
  await database.migrate(await readMigrations('registry', registryModule.migrations as URL))
  const emitted: EventEnvelope[] = []
  const listeners = new Set<(envelopes: readonly EventEnvelope[]) => void>([
    (envelopes) => void emitted.push(...envelopes),
  ])
  let offsetMs = 0
  const clock = { now: () => new Date(Date.now() + offsetMs), advance: (ms: number) => void (offsetMs += ms) }
  const composition = compose({
    modules: [
      {
        definition: registryModule,
        ports: {
          schemaCompiler: createSchemaCompiler(),
          platformEvents: options.platformEvents ?? registryContract.events,
          embedder: options.embedder,
          installation: { version: '1.2.3', url: 'https://soma.example.org', bus: 'postgres' },
        },
      },
    ],
    remote: (contract) => (contract.module === 'events' ? nothingPublished : undefined),
    execute: createExecute({ log: silentLogger }),
    database,
    emitter: { write: async () => undefined, committed: (envelopes) => listeners.forEach((hear) => hear(envelopes)) },
    configuration: loadConfiguration([registryContract], {
      environment: { SOMA_MODE: 'test' },
      file: { registry: options.settings ?? {} },
    }),
    clock,
    region: 'local',
    log: silentLogger,
    metrics: noMetrics,
  })
  const module = composition.modules[0] as ComposedModule
  await module.start()
  const sweep = async () => module.jobs[0]?.run(new AbortController().signal)
  return {
    client: buildClient(registryContract, composition.transport),
    module,
    emitted,
    clock,
    database,
    reader: {
      onAppend: (topic, listener) => {
        const hear = (envelopes: readonly EventEnvelope[]) =>
          listener(
            envelopes
              .filter((event) => event.topic === topic)
              .map((event) => ({ type: event.type, tenantId: event.tenantid }) as LogRecord),
          )
        listeners.add(hear)
        return () => void listeners.delete(hear)
      },
    },
    expireLeases: () =>
      database.asOwner(async (session) => {
        await session.execute(`alter table registry.instances disable row level security`)
        await session.execute(`update registry.instances set expires_at = now() - interval '1 second'`)
        await session.execute(`alter table registry.instances enable row level security`)
      }),
    sweep,
    deliver: (tenantId, type, data) => {
      const context = module.database.moduleContext(tenantId)
      const handler = module.handlers.find((one) => one.type === type)
      return module.database.asWorker(context, async (tx) =>
        handler?.handle({ event: {} as never, data, context, tx, signal: new AbortController().signal, attempt: 1 }),
      )
    },
    close: () => database.close(),
  }
}

const AGENT_CAPABILITIES = [
  'agent:read',
  'agent:register',
  'event-definition:read',
  'event-definition:write',
  'schema:read',
  'schema:write',
]

/** A proven agent principal of a tenant. */
export const anAgentContext = (
  tenantId: string,
  principalId = 'agt_one',
  capabilities = AGENT_CAPABILITIES,
): Context => ({
  tenantId,
  spaceId: '',
  principal: { id: principalId, kind: 'agent', roles: ['Agent'], capabilities },
  actors: [],
  method: 'api-key',
  region: 'local',
  constitutionHash: 'none',
  traceparent: newTraceparent(),
})
