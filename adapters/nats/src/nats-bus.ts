import { type EventBus, LOG_START, type Logger, type LogNotice, TOPICS } from '@soma/kernel'
import { createAppending } from './appending.ts'
import { type Connection, type ConnectionOptions, openConnection } from './connection.ts'
import { firstSince, readAfter } from './reading.ts'
import { noticeSubjectOf, placeOf, prepareStreams, readStates, type StreamNames, streamOf } from './streams.ts'

/** The headers beside an event: attributes, key, id and what the server adds when it answers. */
const HEADER_BYTES = 65_536

export interface NatsBusOptions extends ConnectionOptions {
  /** Partitions of every topic: each is a stream. */
  readonly partitions: number
  /** Servers that keep each stream: 3 in production. */
  readonly replicas: number
  /** `power`: what is appended survives a power cut of all its replicas but a minority; with one replica the server must sync each message. */
  readonly durability: 'power' | 'process'
  /** States that the servers run with `sync_interval: always`; a client cannot ask. */
  readonly serverSyncsAlways: boolean
  /** Largest envelope that will be appended. */
  readonly maxEventBytes: number
  /** First token of subjects and streams; default `soma`. */
  readonly prefix?: string
  readonly log: Logger
}

/**
 * The event log on NATS JetStream ≥ 2.11: a file stream a partition, so that stream sequences are the dense positions of the port.
 * @throws Error naming the setting that would not keep what was asked for, or the version that is too old; Problem `unavailable` when NATS does not answer
 */
export async function openNatsBus(options: NatsBusOptions): Promise<EventBus> {
  refuseUnsafe(options)
  const names = { prefix: options.prefix ?? 'soma', partitions: options.partitions }
  const connection = await openConnection(options)
  try {
    refuseSmallMessages(connection, options.maxEventBytes)
    await prepareStreams(connection, names, options.replicas)
    return createBus(connection, names)
  } catch (error) {
    await connection.nats.close()
    throw error
  }
}

function refuseUnsafe({ durability, replicas, serverSyncsAlways }: NatsBusOptions): void {
  if (durability === 'power' && replicas === 1 && !serverSyncsAlways)
    throw new Error(
      'events.durability is power, but one NATS server loses what it has not synced: run it with sync_interval always and set events.natsSyncsAlways, or set events.natsReplicas to 3, or events.durability to process',
    )
}

/** A record that the server refuses would stand before all others for ever. */
function refuseSmallMessages({ nats }: Connection, maxEventBytes: number): void {
  const maxPayload = nats.info?.max_payload ?? 0
  if (maxPayload < maxEventBytes + HEADER_BYTES)
    throw new Error(
      `NATS takes messages of ${maxPayload} bytes, but events.maxEventBytes is ${maxEventBytes} and needs ${HEADER_BYTES} more: raise max_payload of the servers`,
    )
}

function createBus(connection: Connection, names: StreamNames): EventBus {
  const append = createAppending(connection, names)
  const positionBefore = async (topic: string, part: number, time: Date): Promise<number> => {
    // The head first: what is recorded meanwhile is behind it, so it is read.
    const head = (await readStates(connection, names, topic))[part]?.position ?? 0
    const first = await firstSince(connection, names, { topic, part, time })
    return first === undefined ? head : first - 1
  }
  return {
    flags: { transactionalWithDatabase: false, nativeDedupe: true, writableFromOutside: true },
    append: async (records) => {
      for (const { topic, part } of records) requirePlace(names, topic, part)
      return append(records)
    },
    read: ({ topic, part, after, limit }) => {
      requirePlace(names, topic, part)
      return readAfter(connection, names, { topic, part, position: after.position, limit })
    },
    partitions: (topic) => readStates(connection, names, topic),
    positionAt: async (topic, part, at) => {
      requirePlace(names, topic, part)
      return { ...LOG_START, segment: 1, position: await positionBefore(topic, part, at) }
    },
    trim: async (topic, before, passed = new Map<number, number>()) => {
      let dropped = 0
      for (const [part, last] of passed) {
        const upTo = Math.min(last, await positionBefore(topic, part, before))
        const stream = streamOf(names, topic, part)
        const answer = await connection.call(`${stream} could not be trimmed`, () =>
          connection.manager.streams.purge(stream, { seq: upTo + 1 }),
        )
        dropped += answer.purged
      }
      return dropped
    },
    watch: (listener) => watch(connection, names, listener),
    close: () => connection.nats.close(),
  }
}

async function watch(
  { nats }: Connection,
  names: StreamNames,
  listener: (notice: LogNotice) => void,
): Promise<() => Promise<void>> {
  const subscription = nats.subscribe(noticeSubjectOf(names, '*', '*'), {
    callback: (error, message) => {
      const position = Number(message.headers?.last('Nats-Sequence'))
      if (error === null && position > 0) listener({ ...placeOf(message.subject), position })
    },
  })
  await nats.flush()
  return async () => subscription.unsubscribe()
}

function requirePlace({ partitions }: StreamNames, topic: string, part: number): void {
  if (!(TOPICS as readonly string[]).includes(topic) || !(part >= 0 && part < partitions))
    throw new RangeError(`there is no partition ${part} of a topic "${topic}"`)
}
