import type { Database, EventBus, Logger, LogNotice, LogReader, LogRecord } from '@soma/kernel'
import { assertOutsideTransaction } from '../database/transaction-guard.ts'
import type { Emitter } from './emitter.ts'
import { type ErasedSubject, eraseRecord } from './erasures.ts'
import { LOG_CHANNEL } from './notifier.ts'
import { createReaders } from './readers.ts'
import { createRings } from './rings.ts'

/** After an append the next one is likely: poll at the active rate for so long. */
const ACTIVE_FOR_MS = 2_000

export interface TailOptions {
  readonly database: Database
  readonly bus: EventBus
  /** Appends of this process, handed over after their commit. */
  readonly emitter?: Pick<Emitter, 'onAppend' | 'sender'>
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
  /** Forgets what of the subject is kept in memory. */
  erase(subject: ErasedSubject): void
  /** Looks at all heads now. */
  poll(): Promise<void>
}

/** One reader of the log per process. Serves everybody from memory and wakes them after a commit, without a timer in between. */
export function createTail({ database, bus, emitter, log, pollMs = defaultPoll(database, bus) }: TailOptions): Tail {
  const readers = createReaders(log)
  const rings = createRings({ bus, log, added: readers.wake })
  const endings: (() => unknown)[] = []
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const background = (work: Promise<void>) => {
    work.catch((error: unknown) => log.warn('the log could not be read; the next poll tries again', { error }))
  }
  const poll = async () => {
    const states = await bus.partitions()
    const behind = states.filter((state) => rings.isBehind(state))
    await Promise.all(behind.map((state) => rings.refresh(state)))
  }
  const schedule = () => {
    if (stopped) return
    const isActive = performance.now() - readers.wokenAt() < ACTIVE_FOR_MS
    timer = setTimeout(
      () => {
        background(poll().finally(schedule))
      },
      isActive ? pollMs.active : pollMs.idle,
    ).unref()
  }
  const onNotice = (payload: string) => {
    const [sender, ...places] = payload.split(' ')
    if (sender === emitter?.sender) return
    if (places.length === 0) return background(poll())
    for (const place of places) {
      const colon = place.lastIndexOf(':')
      background(rings.refresh({ topic: place.slice(0, colon), part: Number(place.slice(colon + 1)) }))
    }
  }
  const onBusNotice = (notice: LogNotice) => {
    if (rings.isBehind(notice)) background(rings.refresh(notice, notice.position))
  }

  return {
    start: async () => {
      if (emitter !== undefined) endings.push(emitter.onAppend(rings.offer))
      if (bus.watch !== undefined) endings.push(await bus.watch(onBusNotice))
      else if (database.engine === 'postgres') endings.push(await database.listen(LOG_CHANNEL, onNotice))
      rings.open(await bus.partitions())
      await poll()
      schedule()
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      for (const end of endings) await end()
      await rings.stop()
    },
    offer: rings.offer,
    erase: (subject) => rings.revise((record) => eraseRecord(record, subject)),
    poll,
    read: async (topic, part, after, limit) => {
      assertOutsideTransaction('a read of the log')
      return rings.read({ topic, part }, after, limit) ?? bus.read({ topic, part, after, limit })
    },
    recent: (topic, part, after, limit) => rings.read({ topic, part }, { segment: 0, position: after }, limit),
    onAppend: readers.add,
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
