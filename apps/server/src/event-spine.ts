import { createLogIndex } from '@soma/adapter-postgres-log'
import type { Database, EventBus, Logger, Metrics } from '@soma/kernel'
import {
  type Backlog,
  claimInstallation,
  createEmitter,
  createRelay,
  createTail,
  type Emitter,
  type EmitMode,
  refuseLostEvents,
  type Relay,
  resetLeases,
  type SegmentedBus,
  type Tail,
  watchBacklog,
} from '@soma/runtime'
import { type EventBusSettings, openEventBus } from './event-bus.ts'

/** An outbox that is older than this is a bus that is away or too slow: what its alert warns at. */
const BACKLOG_WARN_MS = 10_000

export interface EventSpine {
  readonly bus: EventBus | SegmentedBus
  readonly emitter: Emitter
  readonly tail: Tail
  readonly relay: Relay
  /** Events that wait in the outbox, as last counted; 0 where the log is in the database. */
  outboxRows(): number
  /** What is wrong with a bus outside the database, for people; undefined while it takes what is shipped. */
  busFault(): string | undefined
  stop(): Promise<void>
}

export interface EventSpineSettings extends EventBusSettings {
  readonly emit: 'auto' | 'inline' | 'relay'
}

export interface EventSpineOptions {
  readonly database: Database
  readonly settings: EventSpineSettings
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * Opens the log, emitter, ring and relay. The relay also moves delayed events, so it runs in both modes.
 * @throws Error when the installation was started with another bus or partition count, or the bus has lost events that were read
 */
export async function openEventSpine(options: EventSpineOptions): Promise<EventSpine> {
  await claimInstallation(options.database, options.settings)
  const bus = await openEventBus(options)
  try {
    return await startSpine(bus, options)
  } catch (error) {
    await bus.close()
    throw error
  }
}

async function startSpine(
  bus: EventBus | SegmentedBus,
  { database, settings, log, metrics }: EventSpineOptions,
): Promise<EventSpine> {
  const { partitions } = settings
  const isOutside = !bus.flags.transactionalWithDatabase
  if (isOutside) await refuseLostEvents(database, bus)
  if (database.engine === 'pglite') await resetLeases(database)
  const emitter = createEmitter({ bus, database, mode: emitModeOf(settings, database, bus), partitions })
  const tail = createTail({ database, bus, emitter, log })
  const relay = createRelay({ database, bus, emitter, tail, log, metrics })
  await tail.start()
  await relay.start()
  const index = isOutside ? createLogIndex({ database, reader: tail, partitions, log }) : undefined
  await index?.start()
  const backlog = isOutside ? watchBacklog({ database, log }) : undefined
  return {
    bus,
    emitter,
    tail,
    relay,
    outboxRows: () => backlog?.current().rows ?? 0,
    busFault: () => faultOf(settings.bus, backlog?.current()),
    stop: async () => {
      await relay.stop()
      await backlog?.stop()
      await index?.stop()
      await tail.stop()
      await bus.close()
    },
  }
}

function faultOf(bus: string, backlog: Backlog | undefined): string | undefined {
  if (backlog === undefined || backlog.oldestAgeMs < BACKLOG_WARN_MS) return undefined
  return `${backlog.rows} events wait for the ${bus} bus, the oldest for ${Math.round(backlog.oldestAgeMs / 1000)} s`
}

/** What is outside the database cannot join its transactions: `auto` is the outbox there, `inline` is refused by the emitter. */
function emitModeOf({ emit }: EventSpineSettings, database: Database, bus: EventBus): EmitMode {
  if (emit !== 'auto') return emit
  return database.engine === 'pglite' && bus.flags.transactionalWithDatabase ? 'inline' : 'relay'
}
