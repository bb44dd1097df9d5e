import { createLogIndex } from '@soma/adapter-postgres-log'
import { joinReplayPlaces } from '@soma/events'
import { type Database, type EventBus, type Logger, noMetrics } from '@soma/kernel'
import {
  cancelMove,
  type ConfigurationSources,
  createLogger,
  createSealedBus,
  createSealingKeys,
  createTail,
  loadConfiguration,
  type MovedLog,
  moveLog,
  resetLeases,
} from '@soma/runtime'
import { CLIENT_ENVIRONMENT } from './client-environment.ts'
import { openDatabase } from './data-store.ts'
import { type EventBusSettings, openEventBus } from './event-bus.ts'
import { encryptionKeyOf } from './installation.ts'
import { migratePlatform } from './migrate.ts'
import { type Close, closeAll } from './opened.ts'
import { contractsOf, type Platform } from './platform.ts'
import { type ServerSettings, serverContract } from './server-contract.ts'

type BusName = EventBusSettings['bus']

export interface MoveEventsOptions {
  readonly platform: Platform
  /** Settings as the servers have them, with the addresses of both buses. `events.bus` is not looked at. */
  readonly sources: ConfigurationSources
  readonly from: BusName
  readonly to: BusName
  readonly log?: Logger
  /** Hears how many records were copied since the last call. */
  readonly onCopied?: (records: number) => void
}

/**
 * Moves the event log of a stopped installation to another bus; called again after an interruption it goes on. `to` = where the log is takes an unfinished move back.
 * @throws Error when processes run, the log is elsewhere, or the other bus is not empty or not reachable
 */
export async function moveEvents(options: MoveEventsOptions): Promise<{ copied: number; isTakenBack: boolean }> {
  const opened: Close[] = []
  try {
    return await move(options, opened)
  } finally {
    await closeAll(opened)
  }
}

async function move(
  { platform, sources, from, to, onCopied, ...options }: MoveEventsOptions,
  opened: Close[],
): Promise<{ copied: number; isTakenBack: boolean }> {
  const configuration = loadConfiguration([serverContract, ...contractsOf(platform)], {
    otherEnvironmentNames: CLIENT_ENVIRONMENT,
    ...sources,
  })
  const server = configuration.of('server') as ServerSettings
  const production = configuration.mode.startsWith('production')
  const settings = { ...configuration.of('events'), production } as EventBusSettings
  const log = options.log ?? createLogger({ level: server.logLevel })
  const database = await openDatabase({ ...server, durability: settings.durability, log })
  opened.push(() => database.close())
  await migratePlatform(database, platform)
  // The lock of the directory says that nobody else runs.
  if (database.engine === 'pglite') await resetLeases(database)
  if (from === to) return { copied: 0, isTakenBack: await cancelMove(database) }

  const keys = createSealingKeys(database, await encryptionKeyOf(server))
  await keys.refuseOtherInstallation()
  const open = async (name: BusName): Promise<MovedLog> => {
    const bus = await openEventBus({ settings: { ...settings, bus: name }, database, log })
    opened.push(() => bus.close())
    const isInside = bus.flags.transactionalWithDatabase
    return { name, bus: isInside ? bus : createSealedBus({ bus, keys, seals: settings.brokerEncryption }) }
  }
  const copyIntoDatabase = (bus: EventBus) => finishIndex(database, bus, { partitions: settings.partitions, log })
  const onRecords = onCopied === undefined ? {} : { onCopied }
  const moved = await moveLog({
    database,
    from: await open(from),
    to: await open(to),
    copyIntoDatabase,
    joinPlaces: joinReplayPlaces,
    log,
    ...onRecords,
  })
  return { ...moved, isTakenBack: false }
}

const LOOK_EVERY_MS = 50

/** Copies on until the database has what the bus has. */
async function finishIndex(
  database: Database,
  bus: EventBus,
  { partitions, log }: { partitions: number; log: Logger },
): Promise<void> {
  const tail = createTail({ database, bus, log })
  await tail.start()
  const index = createLogIndex({ database, reader: tail, partitions, log, metrics: noMetrics })
  await index.start()
  const states = await bus.partitions()
  const isBehind = async () => {
    const copies = await database.transaction({ role: 'soma_bus' }, (session) =>
      session.query<{ topic: string; part: number; head: number }>('select topic, part, head from events.partition'),
    )
    const heads = new Map(copies.map(({ topic, part, head }) => [`${topic}:${part}`, head]))
    return states.some(({ topic, part, position }) => (heads.get(`${topic}:${part}`) ?? 0) < position)
  }
  try {
    while (await isBehind()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  } finally {
    await index.stop()
    await tail.stop()
  }
}
