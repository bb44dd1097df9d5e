import type { EventBus, Logger, LogRecord, PartitionState, Position } from '@soma/kernel'
import { createRing, type Ring } from './ring.ts'

/** Newest events kept a topic: what consumers, streams and dispatchers at the head read without the database. */
const RING_RECORDS = 8_192
/** Bound of the text kept a topic, so that 12 busy topics of large events stay below 100 MB. */
const RING_CHARACTERS = 8 * 1024 * 1024
const READ_LIMIT = 500
/** A commit order that differs from the order of callbacks heals itself within this; only then the log is asked. */
const GAP_PATIENCE_MS = 5

interface Place {
  readonly topic: string
  readonly part: number
}

/** The newest events of every partition. What is offered goes in at once; what is missing before it is read from the log. */
export interface Rings {
  /** Makes a ring for each partition, at its head. Until then nothing is taken. */
  open(states: readonly PartitionState[]): void
  readonly offer: (records: readonly LogRecord[]) => void
  isBehind(place: Place & { readonly position: number }): boolean
  /** Reads on from the log, one read of a partition at a time: a burst of calls waits and finds its records read by the first. */
  refresh(place: Place, upTo?: number): Promise<void>
  /** Undefined when the place is older than the ring. */
  read(place: Place, after: Position, limit: number): LogRecord[] | undefined
  /** Changes what is kept; positions stay. */
  revise(change: (record: LogRecord) => LogRecord): void
  /** Reads no more; waits for the reads in hand. */
  stop(): Promise<void>
}

export interface RingsOptions {
  readonly bus: Pick<EventBus, 'read'>
  readonly log: Logger
  /** Hears what went in, in order for each partition and without gaps. */
  readonly added: (topic: string, records: readonly LogRecord[]) => void
}

export function createRings({ bus, log, added }: RingsOptions): Rings {
  const rings = new Map<string, Ring>()
  const reading = new Map<string, Promise<void>>()
  const gapTimers = new Map<string, NodeJS.Timeout>()
  let stopped = false

  const readOn = async ({ topic, part }: Place, upTo: number) => {
    const ring = rings.get(nameOf({ topic, part }))
    if (ring === undefined || ring.head().position >= upTo) return
    for (let full = true; full && !stopped; ) {
      const records = await bus.read({ topic, part, after: ring.head(), limit: READ_LIMIT })
      added(topic, ring.offer(records))
      full = records.length === READ_LIMIT
    }
  }
  const refresh = (place: Place, upTo = Number.POSITIVE_INFINITY): Promise<void> => {
    const name = nameOf(place)
    const next = (reading.get(name) ?? Promise.resolve()).then(() => readOn(place, upTo))
    const settled = next
      .catch(() => undefined)
      .then(() => {
        if (reading.get(name) === settled) reading.delete(name)
      })
    reading.set(name, settled)
    return next
  }
  const watchGap = (place: Place) => {
    const name = nameOf(place)
    if (gapTimers.has(name)) return
    const look = () => {
      gapTimers.delete(name)
      if (stopped || rings.get(name)?.hasGap() !== true) return
      refresh(place).catch((error: unknown) =>
        log.warn('the log could not be read; the next poll tries again', { error }),
      )
    }
    gapTimers.set(name, setTimeout(look, GAP_PATIENCE_MS).unref())
  }
  return {
    open: (states) => {
      const limits = perPartition(states.filter((state) => state.topic === states[0]?.topic).length)
      for (const state of states) rings.set(nameOf(state), createRing(headOf(state), limits))
    },
    offer: (records) => {
      for (const [name, group] of groupByPlace(records)) {
        const ring = rings.get(name)
        if (ring === undefined) continue
        const first = group[0] as LogRecord
        added(first.topic, ring.offer(group))
        if (ring.hasGap()) watchGap(first)
      }
    },
    isBehind: (place) => {
      const ring = rings.get(nameOf(place))
      return ring !== undefined && ring.head().position < place.position
    },
    refresh,
    revise: (change) => {
      for (const ring of rings.values()) ring.revise(change)
    },
    read: (place, after, limit) => rings.get(nameOf(place))?.read(after, limit),
    stop: async () => {
      stopped = true
      await Promise.allSettled(reading.values())
    },
  }
}

const nameOf = ({ topic, part }: Place): string => `${topic}:${part}`

const headOf = ({ segment, position }: Position): Position => ({ segment, position })

const perPartition = (partitions: number) => ({
  records: Math.max(64, Math.ceil(RING_RECORDS / Math.max(partitions, 1))),
  characters: Math.ceil(RING_CHARACTERS / Math.max(partitions, 1)),
})

function groupByPlace(records: readonly LogRecord[]): Map<string, LogRecord[]> {
  const groups = new Map<string, LogRecord[]>()
  for (const record of records) {
    const place = nameOf(record)
    const group = groups.get(place)
    if (group === undefined) groups.set(place, [record])
    else group.push(record)
  }
  return groups
}
