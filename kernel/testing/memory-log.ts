import { createEventBinding } from '../src/event-binding/index.ts'
import type {
  AppendedPosition,
  AppendRecord,
  EventBus,
  LogNotice,
  LogRecord,
  PartitionState,
} from '../src/ports/event-bus.ts'
import { TOPICS } from '../src/topics.ts'
import type { OutsidePlace } from './event-bus-subject.ts'

export interface MemoryLog extends EventBus {
  /** While set, `append` rejects with it: the bus is down. */
  outage: Error | undefined
  /** Writes as another program does, with headers as on Kafka. Answers its position. */
  write(place: OutsidePlace, message: { headers: Readonly<Record<string, string>>; body: string }): number
}

const binding = createEventBinding('ce_')

/** `records[0]` is at position `trimmed + 1`. */
interface Partition {
  readonly topic: string
  readonly part: number
  records: LogRecord[]
  trimmed: number
}

/** A log outside the database, in memory: stands for NATS and Kafka where a test needs an outage or a lost answer, not their servers. */
export function createMemoryLog(partitions: number, now: () => Date = () => new Date()): MemoryLog {
  const listeners = new Set<(notice: LogNotice) => void>()
  const all: Partition[] = TOPICS.flatMap((topic) =>
    Array.from({ length: partitions }, (_, part) => ({ topic, part, records: [], trimmed: 0 })),
  )
  const partitionOf = (topic: string, part: number): Partition => {
    const found = all.find((each) => each.topic === topic && each.part === part)
    if (found === undefined) throw new Error(`no partition ${part} of topic "${topic}"`)
    return found
  }
  const nextIn = (partition: Partition) => ({ segment: 1, position: headOf(partition) + 1, recordedAt: now() })
  const add = (partition: Partition, record: LogRecord): LogRecord => {
    partition.records.push(record)
    for (const listener of listeners) listener(record)
    return record
  }
  const append = (partition: Partition, record: AppendRecord): AppendedPosition => {
    const position = nextIn(partition)
    add(partition, { ...record, ...position })
    return position
  }
  const log: MemoryLog = {
    outage: undefined,
    flags: { transactionalWithDatabase: false, nativeDedupe: false, writableFromOutside: true },
    append: async (records) => {
      if (log.outage !== undefined) throw log.outage
      const targets = records.map((record) => partitionOf(record.topic, record.part))
      return records.map((record, index) => append(targets[index] as Partition, record))
    },
    write: ({ topic, part }, { headers, body }) => {
      const partition = partitionOf(topic, part)
      const place = { topic, part, ...nextIn(partition) }
      const record = binding.recordOf(place, {
        header: (name) => headers[name],
        names: () => Object.keys(headers),
        body: new TextEncoder().encode(body),
      })
      return add(partition, record).position
    },
    read: async ({ topic, part, after, limit }) => {
      const { records, trimmed } = partitionOf(topic, part)
      const from = Math.max(0, after.position - trimmed)
      return records.slice(from, from + limit)
    },
    partitions: async (topic) => all.filter((each) => topic === undefined || each.topic === topic).map(toState),
    positionAt: async (topic, part, at) => ({ segment: 1, position: positionBefore(partitionOf(topic, part), at) }),
    trim: async (topic, before, passed = new Map()) => {
      let dropped = 0
      for (const [part, last] of passed) {
        const partition = partitionOf(topic, part)
        const count = Math.max(0, Math.min(positionBefore(partition, before), last) - partition.trimmed)
        partition.records = partition.records.slice(count)
        partition.trimmed += count
        dropped += count
      }
      return dropped
    },
    watch: async (listener) => {
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
    close: async () => undefined,
  }
  return log
}

const headOf = ({ records, trimmed }: Partition): number => trimmed + records.length

/** The last position that was recorded before the time. */
function positionBefore({ records, trimmed }: Partition, at: Date): number {
  const found = records.findIndex((record) => record.recordedAt >= at)
  return trimmed + (found === -1 ? records.length : found)
}

const toState = (partition: Partition): PartitionState => ({
  topic: partition.topic,
  part: partition.part,
  segment: 1,
  position: headOf(partition),
  oldestPosition: partition.trimmed + 1,
})
