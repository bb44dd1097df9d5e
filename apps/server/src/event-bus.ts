import { readFile } from 'node:fs/promises'
import { createPostgresLog } from '@soma/adapter-postgres-log'
import type { Database, EventBus, Logger } from '@soma/kernel'
import type { SegmentedBus } from '@soma/runtime'

/** The settings of `events` that say where the log lives. */
export interface EventBusSettings {
  readonly bus: 'postgres' | 'nats' | 'kafka'
  /** Partitions of every topic. */
  readonly partitions: number
  readonly durability: 'power' | 'process'
  readonly maxEventBytes: number
  readonly brokerEncryption: boolean
  readonly natsUrl: string
  readonly natsCredentialsFile: string
  readonly natsReplicas: number
  readonly natsSyncsAlways: boolean
  readonly kafkaBrokers: string
  readonly kafkaTls: boolean
  readonly kafkaCaFile: string
  readonly kafkaSasl: 'none' | 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly kafkaUsername: string
  readonly kafkaPassword: string
  /** The mode is a production one: what could lose events when one server dies is refused. */
  readonly production: boolean
}

export interface EventBusOptions {
  readonly settings: EventBusSettings
  readonly database: Database
  readonly log: Logger
}

/**
 * Opens the log that `events.bus` names and makes what it lacks. Adapters of outside buses are loaded where they are used: the embedded default pays for none.
 * @throws Error naming the setting that is missing or unsafe; Problem `unavailable` when the bus does not answer
 */
export async function openEventBus(options: EventBusOptions): Promise<EventBus | SegmentedBus> {
  switch (options.settings.bus) {
    case 'postgres':
      return openPostgresLog(options)
    case 'nats':
      return openNatsBus(options)
    case 'kafka':
      return openKafkaBus(options)
  }
}

async function openPostgresLog({ settings, database, log }: EventBusOptions): Promise<SegmentedBus> {
  const bus = createPostgresLog({ database, partitions: settings.partitions, log })
  await bus.prepare()
  return bus
}

async function openNatsBus({ settings, log }: EventBusOptions): Promise<EventBus> {
  if (settings.natsUrl === '') throw new Error('events.bus is nats, but events.natsUrl is empty: name the server')
  const { openNatsBus } = await import('@soma/adapter-nats')
  return openNatsBus({
    servers: settings.natsUrl.split(','),
    partitions: settings.partitions,
    replicas: settings.natsReplicas,
    durability: settings.durability,
    serverSyncsAlways: settings.natsSyncsAlways,
    maxEventBytes: largestMessage(settings),
    log,
    ...(settings.natsCredentialsFile === '' ? {} : { credentialsFile: settings.natsCredentialsFile }),
  })
}

async function openKafkaBus({ settings, log }: EventBusOptions): Promise<EventBus> {
  if (settings.kafkaBrokers === '')
    throw new Error('events.bus is kafka, but events.kafkaBrokers is empty: name a broker')
  const { openKafkaBus } = await import('@soma/adapter-kafka')
  const { kafkaSasl: mechanism, kafkaUsername: username, kafkaPassword: password, kafkaCaFile } = settings
  const ca = kafkaCaFile === '' ? {} : { ca: await readFile(kafkaCaFile) }
  return openKafkaBus({
    brokers: settings.kafkaBrokers.split(','),
    partitions: settings.partitions,
    production: settings.production,
    durability: settings.durability,
    maxEventBytes: largestMessage(settings),
    tls: settings.kafkaTls ? ca : undefined,
    sasl: mechanism === 'none' ? undefined : { mechanism, username, password },
    log,
  })
}

/** Mark, id of the key, nonce and tag. */
const SEAL_BYTES = 128
/** Sealed data is base64: 4 characters for 3 bytes, with the id of its key. */
const largestMessage = ({ maxEventBytes, brokerEncryption }: EventBusSettings): number =>
  brokerEncryption ? Math.ceil((maxEventBytes * 4) / 3) + SEAL_BYTES : maxEventBytes
