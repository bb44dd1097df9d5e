import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream'
import { type PartitionState, TOPICS } from '@soma/kernel'
import { type Connection, unavailable } from './connection.ts'

const SECOND_NS = 1_000_000_000
/** How long the servers know a message id. A relay that died between ship and mark is replaced within its lease of 10 s; beyond this the inbox drops repeats. */
const DEDUPE_NS = 120 * SECOND_NS
/** Streams that are made at once at the first start: 192 of them take about a second. */
const CREATE_AT_ONCE = 16

export interface StreamNames {
  /** First token of subjects and of stream names: installations may share servers under different ones. */
  readonly prefix: string
  /** Partitions of every topic. */
  readonly partitions: number
}

export const streamOf = ({ prefix }: StreamNames, topic: string, part: number): string => `${prefix}_${topic}_${part}`

export const subjectOf = ({ prefix }: StreamNames, topic: string, part: number): string => `${prefix}.${topic}.${part}`

/** Where the servers say what they have stored: the headers of each message, after it is durable. */
export const noticeSubjectOf = ({ prefix }: StreamNames, topic: string, part: number | '*'): string =>
  `${prefix}-recorded.${topic}.${part}`

/** Topic and partition from the last two tokens of a subject. */
export function placeOf(subject: string): { topic: string; part: number } {
  const [topic = '', part = ''] = subject.split('.').slice(-2)
  return { topic, part: Number(part) }
}

function placesOf({ partitions }: StreamNames): { topic: string; part: number }[] {
  return TOPICS.flatMap((topic) => Array.from({ length: partitions }, (_, part) => ({ topic, part })))
}

function configOf(names: StreamNames, { topic, part }: { topic: string; part: number }, replicas: number) {
  return {
    name: streamOf(names, topic, part),
    subjects: [subjectOf(names, topic, part)],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    duplicate_window: DEDUPE_NS,
    // A deleted message would be a hole in the positions; whole prefixes are purged by retention.
    deny_delete: true,
    allow_direct: true,
    republish: {
      src: subjectOf(names, topic, part),
      dest: noticeSubjectOf(names, topic, part),
      headers_only: true,
    },
  } satisfies Partial<StreamConfig> & { name: string }
}

/**
 * Makes the streams that are missing, one a partition.
 * @throws Error when some are missing while others hold events: making them again would begin at position 1, behind every cursor
 */
export async function prepareStreams(connection: Connection, names: StreamNames, replicas: number): Promise<void> {
  const known = new Map((await listStreams(connection, names)).map((info) => [info.config.name, info]))
  const places = placesOf(names)
  const missing = places.filter(({ topic, part }) => !known.has(streamOf(names, topic, part)))
  if (missing.length > 0 && [...known.values()].some(({ state }) => state.last_seq > 0))
    throw new Error(
      `the NATS stream ${streamOf(names, missing[0]?.topic ?? '', missing[0]?.part ?? 0)} is gone while others hold events: restore it from a backup`,
    )
  for (let from = 0; from < missing.length; from += CREATE_AT_ONCE)
    await connection.call('the NATS streams could not be made', () =>
      Promise.all(
        missing
          .slice(from, from + CREATE_AT_ONCE)
          .map((place) => connection.manager.streams.add(configOf(names, place, replicas))),
      ),
    )
  const changed = [...known.values()].filter(({ config }) => config.num_replicas !== replicas)
  for (const { config } of changed)
    await connection.call(`the replicas of ${config.name} could not be changed`, () =>
      connection.manager.streams.update(config.name, { num_replicas: replicas }),
    )
}

function listStreams({ call, manager }: Connection, names: StreamNames, topic = '*'): Promise<StreamInfo[]> {
  return call('the NATS streams could not be listed', async () => {
    const found: StreamInfo[] = []
    for await (const info of manager.streams.list(`${names.prefix}.${topic}.*`)) found.push(info)
    return found
  })
}

/** @throws Problem `unavailable` when a stream is missing: a partition whose server is away is not an empty one */
export async function readStates(
  connection: Connection,
  names: StreamNames,
  topic: string | undefined,
): Promise<PartitionState[]> {
  const states = (await listStreams(connection, names, topic)).map(toState)
  const expected = names.partitions * (topic === undefined ? TOPICS.length : 1)
  if (states.length !== expected)
    throw unavailable(`NATS lists ${states.length} of ${expected} streams: the others are away or deleted`)
  return states.toSorted((left, right) =>
    left.topic === right.topic ? left.part - right.part : left.topic < right.topic ? -1 : 1,
  )
}

function toState({ config, state }: StreamInfo): PartitionState {
  return {
    ...placeOf(config.subjects?.[0] ?? ''),
    segment: 1,
    position: state.last_seq,
    oldestPosition: Math.max(1, state.first_seq),
  }
}
