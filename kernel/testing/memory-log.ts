import type { AppendedPosition, AppendRecord, EventBus, LogRecord, PartitionState } from '../src/ports/event-bus.ts'
import { TOPICS } from '../src/topics.ts'

export interface MemoryLog extends EventBus {
  /** While set, `append` rejects with it: the bus is down. */
  outage: Error | undefined
}

/** A log outside the database, in memory: stands for NATS and Kafka where a test needs an outage or a lost answer, not their servers. */
export function createMemoryLog(partitions: number): MemoryLog {
  const parts = new Map<string, LogRecord[]>(
    TOPICS.flatMap((topic) => Array.from({ length: partitions }, (_, part) => [`${topic}:${part}`, [] as LogRecord[]])),
  )
  const recordsOf = (topic: string, part: number): LogRecord[] => {
    const records = parts.get(`${topic}:${part}`)
    if (records === undefined) throw new Error(`no partition ${part} of topic "${topic}"`)
    return records
  }
  const log: MemoryLog = {
    outage: undefined,
    flags: { transactionalWithDatabase: false, nativeDedupe: false, writableFromOutside: true },
    append: async (records) => {
      if (log.outage !== undefined) throw log.outage
      const targets = records.map((record) => recordsOf(record.topic, record.part))
      return records.map((record, index) => append(targets[index] as LogRecord[], record))
    },
    read: async ({ topic, part, after, limit }) => recordsOf(topic, part).slice(after.position, after.position + limit),
    partitions: async (topic) =>
      [...parts]
        .map(([place, records]) => toState(place, records))
        .filter((state) => topic === undefined || state.topic === topic),
    positionAt: async (topic, part, at) => {
      const records = recordsOf(topic, part)
      const found = records.findIndex((record) => record.recordedAt >= at)
      return { segment: 1, position: found === -1 ? records.length : found }
    },
    trim: async () => 0,
    close: async () => undefined,
  }
  return log
}

function append(records: LogRecord[], record: AppendRecord): AppendedPosition {
  const position = { segment: 1, position: records.length + 1, recordedAt: new Date() }
  records.push({ ...record, ...position })
  return position
}

function toState(place: string, records: readonly LogRecord[]): PartitionState {
  const colon = place.lastIndexOf(':')
  return {
    topic: place.slice(0, colon),
    part: Number(place.slice(colon + 1)),
    segment: 1,
    position: records.length,
    oldestPosition: 1,
  }
}
