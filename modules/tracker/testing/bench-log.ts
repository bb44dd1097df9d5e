import { type EventEnvelope, type LogReader, type LogRecord, type PartitionState, TOPICS } from '@soma/kernel'

/** The committed events of a bench as a log of one partition a topic: the n-th event of all has position n. */
export interface BenchLog extends LogReader {
  /** Retention: events before the n-th are gone. */
  trimBefore(position: number): void
  /** Called before each read: what it throws is a process that dies there. */
  beforeRead: (topic: string) => void | Promise<void>
  /** Called after the heads of a topic were found, before they are told. */
  beforeHeads: () => void | Promise<void>
}

export function createBenchLog(events: () => readonly EventEnvelope[]): BenchLog {
  let oldestPosition = 1
  const recordsOf = (topic: string): LogRecord[] =>
    events()
      .map((event, index) => recordOf(event, index + 1))
      .filter((record) => record.topic === topic && record.position >= oldestPosition)
  const headOf = (topic: string): PartitionState => {
    const position = recordsOf(topic).at(-1)?.position ?? 0
    return { topic, part: 0, segment: 0, position, oldestPosition }
  }
  const log: BenchLog = {
    trimBefore: (position) => {
      oldestPosition = position
    },
    beforeRead: () => undefined,
    beforeHeads: () => undefined,
    read: async (topic, _part, after, limit) => {
      await log.beforeRead(topic)
      return recordsOf(topic)
        .filter(({ position }) => position > after.position)
        .slice(0, limit)
    },
    recent: () => undefined,
    onAppend: () => () => undefined,
    heads: async (topic) => {
      const heads = TOPICS.filter((known) => known === topic).map(headOf)
      await log.beforeHeads()
      return heads
    },
  }
  return log
}

const recordOf = (event: EventEnvelope, position: number): LogRecord => ({
  topic: event.topic,
  part: 0,
  segment: 0,
  position,
  tenantId: event.tenantid,
  eventId: event.id,
  type: event.type,
  key: event.partitionkey ?? event.planid ?? event.id,
  userId: event.userid ?? null,
  envelope: JSON.stringify(event),
  recordedAt: new Date(event.time),
})
