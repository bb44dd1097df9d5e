import { createLogIndex } from '@soma/adapter-postgres-log'
import type { Database, EventBus, Logger, Metrics } from '@soma/kernel'
import {
  type Backlog,
  claimInstallation,
  createEmitter,
  createErasures,
  createRelay,
  createSealedBus,
  createSealingKeys,
  createShiftedBus,
  createTail,
  type Emitter,
  type EmitMode,
  type Erasures,
  readShifts,
  refuseLostEvents,
  type Relay,
  resetLeases,
  type SegmentedBus,
  type Tail,
  watchBacklog,
} from '@soma/runtime'
import { type EventBusSettings, openEventBus } from './event-bus.ts'
import { checkPowerSafety } from './power-safety.ts'

/** An outbox that is older than this is a bus that is away or too slow: what its alert warns at. */
const BACKLOG_WARN_MS = 10_000

export interface EventSpine {
  readonly bus: EventBus | SegmentedBus
  readonly emitter: Emitter
  readonly tail: Tail
  readonly relay: Relay
  readonly erasures: Erasures
  /** Events that wait in the outbox, as last counted; 0 where the log is in the database. */
  outboxRows(): number
  /** What is wrong with a bus outside the database, for people; undefined while it takes what is shipped. */
  busFault(): string | undefined
  /** Ships for at most `flushMs` what waits in the outbox. */
  stop(flushMs: number): Promise<void>
}

export interface EventSpineSettings extends EventBusSettings {
  readonly emit: 'auto' | 'inline' | 'relay'
}

export interface EventSpineOptions {
  readonly database: Database
  readonly settings: EventSpineSettings
  /** Seals the keys of events on a bus outside the database; the same on every process of the installation. */
  readonly encryptionKey: Uint8Array
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * Opens the log, emitter, ring and relay. The relay also moves delayed events, so it runs in both modes.
 * @throws Error when the installation was started with another bus or partition count, the bus has lost events that were read, or Postgres does not sync as `events.durability` says
 */
export async function openEventSpine(options: EventSpineOptions): Promise<EventSpine> {
  await checkPowerSafety(options.database, options.settings.durability, options.log)
  await claimInstallation(options.database, options.settings)
  const bus = await openEventBus(options)
  try {
    return await startSpine(bus, options)
  } catch (error) {
    await bus.close()
    throw error
  }
}

async function startSpine(opened: EventBus | SegmentedBus, options: EventSpineOptions): Promise<EventSpine> {
  const { database, settings, log, metrics } = options
  const { partitions } = settings
  const isOutside = !opened.flags.transactionalWithDatabase
  const erasures = createErasures(database, log)
  const bus = isOutside ? await asInstalled(opened, erasures, options) : opened
  if (isOutside) await refuseLostEvents(database, bus)
  if (database.engine === 'pglite') await resetLeases(database)
  const emitter = createEmitter({ bus, database, mode: emitModeOf(settings, database, bus), partitions })
  const tail = createTail({ database, bus, emitter, log })
  const relay = createRelay({ database, bus, emitter, tail, log, metrics })
  erasures.onErased(tail.erase)
  await erasures.start()
  await tail.start()
  await relay.start()
  const index = isOutside ? createLogIndex({ database, reader: tail, partitions, log, metrics }) : undefined
  await index?.start()
  const backlog = isOutside ? watchBacklog({ database, log }) : undefined
  return {
    bus,
    emitter,
    tail,
    relay,
    erasures,
    outboxRows: () => backlog?.current().rows ?? 0,
    busFault: () => faultOf(settings.bus, backlog?.current()),
    stop: async (flushMs) => {
      await relay.stop(flushMs)
      await backlog?.stop()
      await index?.stop()
      await erasures.stop()
      await tail.stop()
      await bus.close()
    },
  }
}

/** With the positions that the installation knows, and data that only it can read. */
async function asInstalled(
  bus: EventBus,
  erasures: Erasures,
  { database, encryptionKey, settings }: EventSpineOptions,
): Promise<EventBus> {
  const keys = createSealingKeys(database, encryptionKey)
  await keys.refuseOtherInstallation()
  erasures.onErased(keys.forget)
  const shifts = await database.transaction({ role: 'soma_bus' }, (session) => readShifts(session, settings.bus))
  return createShiftedBus(createSealedBus({ bus, keys, seals: settings.brokerEncryption }), shifts)
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
