import { setTimeout as delay } from 'node:timers/promises'
import type { Context, EventEnvelope, LogReader, LogRecord, Metrics, ModuleDatabase, Topic } from '@soma/kernel'
import { eventIn, type EventFilter, matches, type TopicReadings } from './event-filter.ts'
import { countBetween, readAfter } from './store.ts'
import { encodeTailCursor, type TailPositions } from './tail-cursor.ts'
import type { TailHub } from './tail-hub.ts'
import { createWake } from './wake.ts'

/** What is held for a client that does not read: a page of the log, and what came meanwhile; together 256 KiB (EVT-R50), or one event. */
const PAGE_BYTES = 64 * 1024
const BUFFER_BYTES = 192 * 1024
/** Events read from the log at a time. */
const READ_EVENTS = 200
/** Up to here every frame carries the cursor; wider tails carry it on the last frame of a burst, every 50th, and after 250 ms (EVT-R49). */
const SMALL_CURSOR = 16
const CURSOR_EVERY = 50
const CURSOR_MS = 250
const BEHIND_MS = 5 * 60_000
/** How far behind a client is costs a look at every topic: not at each page of one that reads fast. */
const LAG_CHECK_MS = 250
/** The copy is made within milliseconds of a notice. */
const COPY_WAIT_MS = 20

export type TailFrame =
  | { readonly id?: string; readonly event: 'event'; readonly data: EventEnvelope }
  | { readonly event: 'gap'; readonly data: { from: string; to: string; lost?: number; reason: string } }

export interface TailOptions {
  readonly context: Context
  readonly database: ModuleDatabase
  readonly hub: TailHub
  readonly recent: LogReader['recent']
  readonly readings: TopicReadings
  readonly filter: EventFilter
  /** Where to start; the tail moves them. */
  readonly positions: TailPositions
  readonly startsAtHead: boolean
  readonly heads: (topic: Topic) => Promise<number[]>
  readonly maxLag: number
  readonly metrics: Metrics
}

/**
 * History from `positions`, then live, no hole and no repeat between: what is appended while the log is read is caught in a bounded buffer, and the tail goes
 * live when one whole pass over the log ended without that buffer running over. A pass reads from memory what that still has, else from the database.
 * Frames are made when they are pulled, so a slow client is not read for.
 */
export async function* followLog(options: TailOptions, signal: AbortSignal): AsyncGenerator<TailFrame, void> {
  const { positions } = options
  const live = createLiveBuffer(options)
  const stop = options.hub.join(live.listener)
  const frame = createFramer(positions)
  const gap = (data: Gap): TailFrame => {
    options.metrics.count('soma_events_stream_gaps_total')
    return { event: 'gap', data }
  }
  let hasCaughtUp = options.startsAtHead
  try {
    while (!signal.aborted) {
      live.beginPass()
      let isSkipping = false
      // Who reads history for the first time is not behind; who has seen the head once may be.
      const hasAll = hasCaughtUp && (yield* readRecent(options, signal, frame))
      if (!hasAll)
        for await (const read of readPass(options, signal, hasCaughtUp)) {
          if (read === 'too-far-behind') isSkipping = true
          else yield 'gap' in read ? gap(read.gap) : frame(read.record, read.isLast)
        }
      if (signal.aborted) return
      if (isSkipping) {
        yield gap(await skipToHead(options))
        continue
      }
      hasCaughtUp = true
      while (!signal.aborted && !live.isBroken()) {
        const record = live.take()
        if (record === undefined) await live.wait(signal)
        // A commit can be read from the log before its notice arrives here.
        else if (record.position > (positions.get(record.topic as Topic)?.[record.part] ?? 0))
          yield frame(record, live.isEmpty())
      }
    }
  } finally {
    stop()
  }
}

type Gap = Extract<TailFrame, { event: 'gap' }>['data']

/**
 * Yields what memory holds after the positions of a client that has seen the head once, and moves them. Streams share that memory: a crowd that falls behind together does
 * not ask the database for each of its members. False where it does not reach back to a position, or the client seems to be too far behind: then the database must be asked.
 */
function* readRecent(
  options: TailOptions,
  signal: AbortSignal,
  frame: (record: LogRecord, isLast: boolean) => TailFrame,
): Generator<TailFrame, boolean> {
  const { context, positions, readings, filter } = options
  for (;;) {
    const page = recentPage(options)
    if (page === undefined || page.length === 0) return page !== undefined
    for (const [index, record] of page.entries()) {
      if (signal.aborted) return true
      const isWanted = record.tenantId === context.tenantId && matches(record, readings, filter)
      if (isWanted && eventIn(record) !== undefined) yield frame(record, index === page.length - 1)
      else (positions.get(record.topic as Topic) as number[])[record.part] = record.position
    }
  }
}

/**
 * The next records of all partitions by the time at which they were recorded; those of a partition in their order. Undefined where memory does not reach back that far, or the
 * client seems to be too far behind, by what memory holds, where events of others count too.
 */
function recentPage({ positions, recent, maxLag }: TailOptions): LogRecord[] | undefined {
  const queues: LogRecord[][] = []
  const oldestAllowedMs = Date.now() - BEHIND_MS
  let lag = 0
  for (const [topic, parts] of positions)
    for (const [part, position] of parts.entries()) {
      const records = recent(topic, part, position, Math.max(READ_EVENTS, maxLag + 1))
      if (records === undefined || recordedAtMs(records[0]) < oldestAllowedMs) return undefined
      lag += records.length
      if (lag > maxLag) return undefined
      if (records.length > 0) queues.push(records.toReversed())
    }
  return oldestFirst(queues)
}

/** At most a page of what the queues have, whose last records are their oldest. */
function oldestFirst(queues: readonly LogRecord[][]): LogRecord[] {
  const page: LogRecord[] = []
  for (let bytes = 0; page.length < READ_EVENTS && bytes < PAGE_BYTES; ) {
    let next: LogRecord[] | undefined
    for (const queue of queues)
      if (next === undefined || recordedAtMs(queue.at(-1)) < recordedAtMs(next.at(-1))) next = queue
    const record = next?.pop()
    if (record === undefined) break
    page.push(record)
    bytes += record.envelope.length
  }
  return page
}

const recordedAtMs = (record: LogRecord | undefined): number => record?.recordedAt.getTime() ?? Number.POSITIVE_INFINITY

/**
 * Yields all that is in the log after the positions, topic by topic, and moves them to the heads seen. What retention took before it was read is a gap. Ends where a client
 * that `mayBeBehind` is too far behind, be it that it stopped in the middle.
 */
async function* readPass(
  options: TailOptions,
  signal: AbortSignal,
  mayBeBehind: boolean,
): AsyncGenerator<{ record: LogRecord; isLast: boolean } | { gap: Gap } | 'too-far-behind'> {
  const { positions, readings, filter } = options
  let checkedAtMs = Number.NEGATIVE_INFINITY
  for (const [topic, parts] of positions) {
    const wanted = await options.heads(topic)
    for (;;) {
      const { records, hasMore, heads, oldest, nowMs } = await options.database.transaction(options.context, (tx) =>
        readAfter(tx, { topic, positions: parts, readings, filter, limit: READ_EVENTS, maxBytes: PAGE_BYTES }),
      )
      if (mayBeBehind && records[0] !== undefined && performance.now() - checkedAtMs > LAG_CHECK_MS) {
        if (await isTooFarBehind(options, nowMs - records[0].recordedAt.getTime())) return yield 'too-far-behind'
        checkedAtMs = performance.now()
      }
      const from = encodeTailCursor(positions)
      if (skipTrimmed(parts, oldest)) yield { gap: { from, to: encodeTailCursor(positions), reason: 'trimmed' } }
      for (const [index, record] of records.entries()) {
        if (signal.aborted) return
        if (eventIn(record) === undefined) continue
        yield { record, isLast: index === records.length - 1 && !hasMore }
      }
      if (hasMore) continue
      for (const [part, head] of heads.entries()) parts[part] = Math.max(parts[part] ?? 0, head)
      // The copy of a log outside the database may be a moment behind it; what comes after `wanted` is caught live.
      if (signal.aborted || heads.every((head, part) => head >= (wanted[part] ?? 0))) break
      await delay(COPY_WAIT_MS)
    }
  }
}

/** True where the log no longer reaches back to a position; those stand before the oldest event then. */
function skipTrimmed(parts: number[], oldest: readonly number[]): boolean {
  let isTrimmed = false
  for (const [part, first] of oldest.entries()) {
    if ((parts[part] ?? 0) >= first - 1) continue
    parts[part] = first - 1
    isTrimmed = true
  }
  return isTrimmed
}

function createFramer(positions: TailPositions) {
  const width = [...positions.values()].reduce((total, parts) => total + parts.length, 0)
  let sinceCursor = 0
  let cursorAtMs = performance.now()
  return (record: LogRecord, isLast: boolean): TailFrame => {
    const parts = positions.get(record.topic as Topic) as number[]
    parts[record.part] = record.position
    sinceCursor += 1
    const data = eventIn(record) as EventEnvelope
    const isDue = isLast || sinceCursor >= CURSOR_EVERY || performance.now() - cursorAtMs >= CURSOR_MS
    if (width > SMALL_CURSOR && !isDue) return { event: 'event', data }
    sinceCursor = 0
    cursorAtMs = performance.now()
    return { id: encodeTailCursor(positions), event: 'event', data }
  }
}

function createLiveBuffer({ context, readings, filter, metrics }: TailOptions) {
  const wake = createWake()
  let buffer: LogRecord[] = []
  let bytes = 0
  let isBroken = false
  const clear = () => {
    buffer = []
    bytes = 0
  }
  const breakOff = () => {
    isBroken = true
    clear()
    wake.notify()
  }
  return {
    listener: {
      tenantId: context.tenantId,
      topics: new Set(readings.keys()),
      accept: (record: LogRecord) => {
        if (isBroken || !matches(record, readings, filter)) return
        if (eventIn(record) === undefined) {
          metrics.count('soma_events_tail_skipped_total', { topic: record.topic })
          return
        }
        bytes += record.envelope.length
        if (bytes > BUFFER_BYTES) return breakOff()
        buffer.push(record)
        wake.notify()
      },
      broken: breakOff,
    },
    beginPass: () => {
      isBroken = false
      clear()
    },
    take: (): LogRecord | undefined => {
      const record = buffer.shift()
      bytes = record === undefined ? 0 : bytes - record.envelope.length
      return record
    },
    isEmpty: () => buffer.length === 0,
    /** It ran over, or a reader missed something: the log must be read again. */
    isBroken: () => isBroken,
    wait: wake.wait,
  }
}

/** The client's own events count, not those of others that it passes. */
async function isTooFarBehind(options: TailOptions, ageMs: number): Promise<boolean> {
  const { maxLag } = options
  if (ageMs > BEHIND_MS) return true
  const heads = await headsOf(options)
  let lag = 0
  for (const [topic, parts] of options.positions)
    for (const [part, head] of (heads.get(topic) ?? []).entries()) lag += head - (parts[part] ?? 0)
  return lag > maxLag && (await countMissing(options, heads, maxLag + 1)) > maxLag
}

async function skipToHead(options: TailOptions): Promise<Gap> {
  const { positions } = options
  const from = encodeTailCursor(positions)
  const heads = await headsOf(options)
  const lost = await countMissing(options, heads)
  for (const [topic, parts] of heads) positions.set(topic, parts)
  return { from, to: encodeTailCursor(positions), lost, reason: 'slow' }
}

const headsOf = async ({ positions, heads }: TailOptions): Promise<TailPositions> =>
  new Map(await Promise.all([...positions.keys()].map(async (topic) => [topic, await heads(topic)] as const)))

function countMissing(options: TailOptions, heads: TailPositions, limit?: number): Promise<number> {
  const { context, database, positions, readings, filter } = options
  return database.transaction(context, async (tx) => {
    let count = 0
    for (const [topic, parts] of positions) {
      const counted = { topic, positions: parts, heads: heads.get(topic) ?? [], readings, filter }
      count += await countBetween(tx, { ...counted, ...(limit === undefined ? {} : { limit }) })
    }
    return count
  })
}
