import { createPostgresLog, postgresLogMigrations } from '@soma/adapter-postgres-log'
import {
  type Context,
  type Database,
  type EventBus,
  type EventEnvelope,
  type EventHandler,
  type Logger,
  newTraceparent,
  noMetrics,
  schemaUri,
  type SqlSession,
  silentLogger,
  type Topic,
} from '@soma/kernel'
import { readMigrations } from '../src/database/migrations.ts'
import { contextOfEvent, createModuleDatabase } from '../src/database/module-database.ts'
import { type Consumer, createConsumer } from '../src/events/consumer/consumer.ts'
import type { RunInModule } from '../src/events/consumer/run-handlers.ts'
import type { ConsumerSettings } from '../src/events/consumer/settings.ts'
import { createEmitter, type Emitter, type EmitMode } from '../src/events/emitter.ts'
import { spineMigrations } from '../src/events/event-spine.ts'
import { createRelay } from '../src/events/relay.ts'
import { createSealedBus } from '../src/events/sealing/sealed-bus.ts'
import { createSealingKeys } from '../src/events/sealing/sealing-keys.ts'
import { createTail, type Tail } from '../src/events/tail.ts'
import { until } from './queue.ts'
import { refusedBurialsMigration } from './refused-burials.ts'

/** A table for what handlers do: one row an effect, no uniqueness, so that a doubled effect shows. */
export const effectsMigration = {
  id: 'effects/0001_effects',
  sql: `
create schema effects;
grant usage on schema effects to soma_app, soma_worker;
create table effects.done (id int8 generated always as identity, tenant_id text not null, event_id text not null, key text not null);
alter table effects.done enable row level security;
alter table effects.done force row level security;
create policy tenant on effects.done for all to soma_app, soma_worker
  using (tenant_id = (select runtime.tenant())) with check (tenant_id = (select runtime.tenant()));
grant select, insert, update on effects.done to soma_app, soma_worker;
`,
}

export interface SpineOptions {
  /** Opens an empty log outside the database. Absent: the log in the database. */
  readonly openBus?: ((partitions: number) => Promise<EventBus>) | undefined
  /** Without one: `inline`, and `relay` with a running relay for a bus outside the database. */
  readonly mode?: EmitMode
  readonly partitions?: number
  readonly log?: Logger
  readonly tailPollMs?: { readonly active: number; readonly idle: number }
}

export interface TestEvent {
  readonly id?: string
  readonly tenantId?: string
  readonly topic?: Topic
  readonly type?: string
  readonly key?: string
  readonly data?: unknown
  readonly attributes?: Partial<EventEnvelope>
}

/** Awaited between the read of an event and its transaction: a process that stalls there. */
export type Pause = (event: EventEnvelope) => Promise<void>

/** A real spine on a real database, without modules: log, emitter, tail and consumers of group `module:test`. */
export interface EventSpine {
  readonly database: Database
  readonly bus: EventBus
  readonly emitter: Emitter
  readonly tail: Tail
  readonly partitions: number
  /** Publishes in one transaction as `soma_app`; answers the envelopes when they are in the log, or in the outbox where the test relays them itself. */
  publish(...events: readonly TestEvent[]): Promise<EventEnvelope[]>
  /** Resolves when everything committed so far is in the log. */
  shipped(): Promise<void>
  consumer(
    handlers: readonly EventHandler[],
    settings?: Partial<ConsumerSettings>,
    group?: string,
    pause?: Pause,
  ): Consumer
  /** Inserts an effect row: the body of most test handlers. */
  effect: (given: { event: EventEnvelope; tx: SqlSession }) => Promise<void>
  /** Effects in the order of their commits, over all tenants. */
  effects(): Promise<{ event_id: string; key: string; tenant_id: string }[]>
  asBus<T>(work: (session: SqlSession) => Promise<T>): Promise<T>
  /** As if the time of all leases of a group had run out. */
  lapse(group: string): Promise<void>
  close(): Promise<void>
}

let made = 0

/** @param fresh false = the database was migrated before (a restart on the same data). */
export async function openEventSpine(
  database: Database,
  options: SpineOptions = {},
  fresh = true,
): Promise<EventSpine> {
  const { partitions = 4, log = silentLogger, openBus = openLogIn(database) } = options
  if (fresh) {
    await database.migrate([
      ...(await readMigrations('runtime', spineMigrations)),
      ...(await readMigrations('postgres-log', postgresLogMigrations)),
      effectsMigration,
      refusedBurialsMigration,
    ])
  }
  const opened = await openBus(partitions)
  const bus = opened.flags.transactionalWithDatabase ? opened : sealed(opened, database)
  const { mode = bus.flags.transactionalWithDatabase ? 'inline' : 'relay' } = options
  const emitter = createEmitter({ bus, database, mode, partitions })
  const tail = createTail({
    database,
    bus,
    emitter,
    log,
    ...(options.tailPollMs === undefined ? {} : { pollMs: options.tailPollMs }),
  })
  await tail.start()
  const relay = createRelay({ database, bus, emitter, tail, log, metrics: noMetrics })
  const relays = mode === 'relay' && options.mode === undefined
  if (relays) await relay.start()
  const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
  const consumers: Consumer[] = []
  const shipped = async () => {
    if (relays) await until(async () => (await relay.backlog()).rows === 0)
  }

  return {
    database,
    bus,
    emitter,
    tail,
    partitions,
    asBus,
    shipped,
    publish: async (...events) => {
      const envelopes = events.map(anEnvelope)
      const tenantId = envelopes[0]?.tenantid ?? ''
      await database.transaction({ role: 'soma_app', tenantId }, (session) => emitter.write(session, envelopes))
      emitter.committed(envelopes)
      await shipped()
      return envelopes
    },
    consumer: (handlers, settings = {}, group = 'module:test', pause = async () => undefined) => {
      const consumer = createConsumer({
        group,
        handlers,
        database,
        reader: tail,
        emitter,
        runInModule: runInModule(database, emitter, pause),
        partitions,
        settings,
        log,
        metrics: noMetrics,
      })
      consumers.push(consumer)
      return consumer
    },
    effect: async ({ event, tx }) => {
      await tx.execute('insert into effects.done (tenant_id, event_id, key) values ($1, $2, $3)', [
        event.tenantid,
        event.id,
        event.partitionkey ?? '',
      ])
    },
    effects: async () => {
      await database.maintain('grant usage on schema effects to soma_bus; grant select on effects.done to soma_bus')
      await database.maintain(
        'drop policy if exists bus on effects.done; create policy bus on effects.done to soma_bus using (true)',
      )
      return asBus((session) => session.query('select event_id, key, tenant_id from effects.done order by id'))
    },
    lapse: (group) =>
      asBus(async (session) => {
        // Members first and then cursors in key order, as everybody locks them: two that lock in other orders wait for each other.
        await session.execute(
          `update runtime.job_leases set lease_until = clock_timestamp() - interval '1 s' where starts_with(name, $1)`,
          [`group/${group}/`],
        )
        await session.query('select from events.cursor where grp = $1 order by topic, part for no key update', [group])
        await session.execute(
          `update events.cursor set lease_until = clock_timestamp() - interval '1 s' where grp = $1`,
          [group],
        )
      }),
    close: async () => {
      for (const consumer of consumers) if (consumer.state().state !== 'stopped') await consumer.abandon()
      if (relays) await relay.stop()
      await tail.stop()
      await bus.close()
      await database.close()
    },
  }
}

/** As the platform does it by default. A restart on the same data has the same key. */
const sealed = (bus: EventBus, database: Database): EventBus =>
  createSealedBus({ bus, keys: createSealingKeys(database, new Uint8Array(32)), seals: true })

const openLogIn = (database: Database) => async (partitions: number) => {
  const bus = createPostgresLog({ database, partitions })
  await bus.prepare()
  return bus
}

const runInModule =
  (database: Database, emitter: Emitter, pause: Pause): RunInModule =>
  async (events, work) => {
    for (const event of events) await pause(event)
    const principal = { name: 'test', jobCapabilities: [] }
    const clock = { now: () => new Date() }
    const module = createModuleDatabase({ database, module: principal, emitter, clock, region: 'local' })
    const contexts = events.map((event) => contextOfEvent(event, principal, 'local'))
    return module.asWorkerTogether(contexts, (txs) =>
      work(txs.map((tx, index) => ({ tx, context: contexts[index] as Context }))),
    )
  }

export function anEnvelope(event: TestEvent = {}): EventEnvelope {
  made += 1
  const id = event.id ?? `evt-${made}`
  return {
    specversion: '1.0',
    id,
    source: '/modules/test',
    type: event.type ?? 'thing.done',
    topic: event.topic ?? 'business-facts',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri('thing.done', '1.0.0'),
    tenantid: event.tenantId ?? 'tenant-a',
    correlationid: id,
    traceparent: newTraceparent(),
    partitionkey: event.key ?? id,
    data: event.data ?? { number: made },
    ...event.attributes,
  }
}
