import type { Database, EventBus, Logger, LogNotice, LogReader, LogRecord, Position } from '@soma/kernel'
import { assertOutsideTransaction } from '../database/transaction-guard.ts'
import { LOG_CHANNEL } from './notifier.ts'
import { createRing, type Ring } from './ring.ts'

/** Newest events kept a topic: what consumers, streams and dispatchers at the head read without the database. */
const RING_RECORDS = 8_192
/** Bound of the text kept a topic, so that 12 busy topics of large events stay below 100 MB. */
const RING_CHARACTERS = 8 * 1024 * 1024
const READ_LIMIT = 500
/** A commit order that differs from the order of callbacks heals itself within this; only then the log is asked. */
const GAP_PATIENCE_MS = 5
/** After an append the next one is likely: poll at the active rate for so long. */
const ACTIVE_FOR_MS = 2_000

export interface TailOptions {
  readonly database: Database
  readonly bus: EventBus
  /** Appends of this process, handed over after their commit. */
  readonly emitter?: { onAppend(listener: (records: readonly LogRecord[]) => void): () => void }
  readonly log: Logger
  /** How often to look for appends of other processes whose notice was lost. Default 100 ms while events arrive and 1 s when idle; 1 s on the embedded engine, where nobody else can append, and on a bus that can be watched. */
  readonly pollMs?: { readonly active: number; readonly idle: number }
}

export interface Tail extends LogReader {
  /** Knows the heads when it resolves. Call before the first read. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Records that are committed: from a relay of this process. */
  offer(records: readonly LogRecord[]): void
  /** Looks at all heads now. */
  poll(): Promise<void>
}

/** One reader of the log per process. Serves everybody from memory and wakes them after a commit, without a timer in between. */
export function createTail({ database, bus, emitter, log, pollMs = defaultPoll(database, bus) }: TailOptions): Tail {
  const rings = new Map<string, Ring>()
  const listeners = new Map<string, Set<(records: readonly LogRecord[]) => void>>()
  const reading = new Map<string, Promise<void>>()
  const gapTimers = new Map<string, NodeJS.Timeout>()
  const endings: (() => unknown)[] = []
  let limits = { records: RING_RECORDS, characters: RING_CHARACTERS }
  let lastAppendAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const placeOf = (topic: string, part: number) => `${topic}:${part}`

  const announce = (topic: string, added: readonly LogRecord[]) => {
    if (added.length === 0) return
    lastAppendAt = performance.now()
    for (const listener of listeners.get(topic) ?? []) {
      try {
        listener(added)
      } catch (error) {
        log.error('a reader of the log failed at its wake-up', { topic, error })
      }
    }
  }

  const take = (topic: string, part: number, records: readonly LogRecord[]) => {
    const ring = rings.get(placeOf(topic, part))
    if (ring === undefined) return
    announce(topic, ring.offer(records))
    if (ring.hasGap()) watchGap(topic, part)
  }
  const watchGap = (topic: string, part: number) => {
    const place = placeOf(topic, part)
    if (gapTimers.has(place)) return
    const look = () => {
      gapTimers.delete(place)
      if (!stopped && rings.get(place)?.hasGap()) background(refresh(topic, part))
    }
    gapTimers.set(place, setTimeout(look, GAP_PATIENCE_MS).unref())
  }
  const offer = (records: readonly LogRecord[]) => {
    for (const [place, group] of groupByPlace(records)) {
      const first = group[0] as LogRecord
      if (rings.has(place)) take(first.topic, first.part, group)
    }
  }

  const readOn = async (topic: string, part: number, upTo: number) => {
    const ring = rings.get(placeOf(topic, part))
    if (ring === undefined || ring.head().position >= upTo) return
    for (let full = true; full && !stopped; ) {
      const records = await bus.read({ topic, part, after: ring.head(), limit: READ_LIMIT })
      announce(topic, ring.offer(records))
      full = records.length === READ_LIMIT
    }
  }
  /** A burst of notices waits here and finds its records read by the first. */
  const refresh = (topic: string, part: number, upTo = Number.POSITIVE_INFINITY): Promise<void> => {
    const place = placeOf(topic, part)
    const next = (reading.get(place) ?? Promise.resolve()).then(() => readOn(topic, part, upTo))
    const settled = next
      .catch(() => undefined)
      .then(() => {
        if (reading.get(place) === settled) reading.delete(place)
      })
    reading.set(place, settled)
    return next
  }
  const background = (work: Promise<void>) => {
    work.catch((error: unknown) => log.warn('the log could not be read; the next poll tries again', { error }))
  }

  const poll = async () => {
    const states = await bus.partitions()
    const behind = states.filter((state) => {
      const ring = rings.get(placeOf(state.topic, state.part))
      return ring !== undefined && ring.head().position < state.position
    })
    await Promise.all(behind.map((state) => refresh(state.topic, state.part)))
  }
  const schedule = () => {
    if (stopped) return
    const isActive = performance.now() - lastAppendAt < ACTIVE_FOR_MS
    timer = setTimeout(
      () => {
        background(poll().finally(schedule))
      },
      isActive ? pollMs.active : pollMs.idle,
    ).unref()
  }
  const onNotice = (payload: string) => {
    if (payload === '') return background(poll())
    for (const place of payload.split(' ')) {
      const colon = place.lastIndexOf(':')
      if (rings.has(place)) background(refresh(place.slice(0, colon), Number(place.slice(colon + 1))))
    }
  }
  const onBusNotice = ({ topic, part, position }: LogNotice) => {
    const ring = rings.get(placeOf(topic, part))
    if (ring !== undefined && ring.head().position < position) background(refresh(topic, part, position))
  }

  return {
    start: async () => {
      if (emitter !== undefined) endings.push(emitter.onAppend(offer))
      if (bus.watch !== undefined) endings.push(await bus.watch(onBusNotice))
      else if (database.engine === 'postgres') endings.push(await database.listen(LOG_CHANNEL, onNotice))
      const states = await bus.partitions()
      limits = perPartition(states.filter((state) => state.topic === states[0]?.topic).length)
      for (const state of states) rings.set(placeOf(state.topic, state.part), createRing(headOf(state), limits))
      await poll()
      schedule()
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      for (const end of endings) await end()
      await Promise.allSettled(reading.values())
    },
    offer,
    poll,
    read: async (topic, part, after, limit) => {
      assertOutsideTransaction('a read of the log')
      return rings.get(placeOf(topic, part))?.read(after, limit) ?? bus.read({ topic, part, after, limit })
    },
    onAppend: (topic, listener) => {
      const known = listeners.get(topic) ?? new Set()
      listeners.set(topic, known.add(listener))
      return () => known.delete(listener)
    },
    heads: async (topic) => {
      assertOutsideTransaction('a read of the log')
      return bus.partitions(topic)
    },
  }
}

/** Heads in the database cost next to nothing to ask for; those of another server are asked for less often, and its notices are lost only with the connection. */
const defaultPoll = (database: Database, bus: EventBus) =>
  database.engine === 'pglite' || bus.watch !== undefined
    ? { active: 1_000, idle: 1_000 }
    : { active: 100, idle: 1_000 }

const headOf = ({ segment, position }: Position): Position => ({ segment, position })

const perPartition = (partitions: number) => ({
  records: Math.max(64, Math.ceil(RING_RECORDS / Math.max(partitions, 1))),
  characters: Math.ceil(RING_CHARACTERS / Math.max(partitions, 1)),
})

function groupByPlace(records: readonly LogRecord[]): Map<string, LogRecord[]> {
  const groups = new Map<string, LogRecord[]>()
  for (const record of records) {
    const place = `${record.topic}:${record.part}`
    const group = groups.get(place)
    if (group === undefined) groups.set(place, [record])
    else group.push(record)
  }
  return groups
}
