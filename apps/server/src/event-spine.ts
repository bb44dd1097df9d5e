import { createPostgresLog, type PostgresLog } from '@soma/adapter-postgres-log'
import type { Database, Logger, Metrics } from '@soma/kernel'
import { createEmitter, createRelay, createTail, type Emitter, type Relay, resetLeases, type Tail } from '@soma/runtime'

export interface EventSpine {
  readonly bus: PostgresLog
  readonly emitter: Emitter
  readonly tail: Tail
  readonly relay: Relay
  stop(): Promise<void>
}

export interface EventSpineOptions {
  readonly database: Database
  readonly partitions: number
  readonly emit: 'auto' | 'inline' | 'relay'
  readonly log: Logger
  readonly metrics: Metrics
}

/** Opens the log on the process's database: emitter, ring and relay. The relay also moves delayed events, so it runs in both modes. */
export async function openEventSpine(options: EventSpineOptions): Promise<EventSpine> {
  const { database, partitions, log, metrics } = options
  const bus = createPostgresLog({ database, partitions, log })
  await bus.prepare()
  if (database.engine === 'pglite') await resetLeases(database)
  const mode = options.emit === 'auto' ? (database.engine === 'pglite' ? 'inline' : 'relay') : options.emit
  const emitter = createEmitter({ bus, database, mode, partitions })
  const tail = createTail({ database, bus, emitter, log })
  const relay = createRelay({ database, bus, emitter, tail, log, metrics })
  await tail.start()
  await relay.start()
  return {
    bus,
    emitter,
    tail,
    relay,
    stop: async () => {
      await relay.stop()
      await tail.stop()
      await bus.close()
    },
  }
}
