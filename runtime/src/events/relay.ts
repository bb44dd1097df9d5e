import { type Database, type EventBus, type Logger, type LogRecord, type Metrics, newUuid } from '@soma/kernel'
import { createBatchSize, MAX_BATCH } from './batch-size.ts'
import { backoffMs } from './consumer/settings.ts'
import type { Emitter } from './emitter.ts'
import { OUTBOX_CHANNEL } from './notifier.ts'
import { holdRelayLease, outboxBacklog, releaseRelayLease, shipBatch } from './outbox-shipping.ts'
import { createShipped } from './shipped.ts'

/** Life of the relay's lease; renewed with every batch and at least every 2.7 s. */
const LEASE_MS = 9_000
const RENEW_MS = 2_700
const IDLE_POLL_MS = 1_000
const ACTIVE_POLL_MS = 100
/** After a batch that took all there was: what is committed meanwhile wakes the relay, so a look at once would be a transaction for nothing. Only a delayed event waits for it. */
const AFTER_ALL_MS = 20
/** After a shipped batch the next is likely: poll at the active rate for so long. */
const ACTIVE_FOR_MS = 2_000
/** The wait is short enough that a bus that is back gets the first batch well within the 30 s of EVT-R15; a batch is small by then. */
const RETRY = { baseMs: 1_000, factor: 2, maxMs: 10_000 }

export interface RelayOptions {
  readonly database: Database
  readonly bus: EventBus
  /** Wakes the relay after a commit of this process that left outbox rows. */
  readonly emitter?: Pick<Emitter, 'onOutbox' | 'sender'>
  /** Gets what was shipped, so that readers of this process need not ask the log. */
  readonly tail?: { offer(records: readonly LogRecord[]): void }
  readonly log: Logger
  readonly metrics: Metrics
}

export interface Relay {
  start(): Promise<void>
  /** Ships what is there, for at most `graceMs` (5,000), and frees the lease. */
  stop(graceMs?: number): Promise<void>
  /** Ships one batch now if this process holds or gets the lease; answers how many events. */
  runOnce(): Promise<number>
  /** Rows that should be in the log by now, and the age of the oldest. */
  backlog(): Promise<{ rows: number; oldestAgeMs: number }>
}

/**
 * Ships outbox rows to the log, in order, from one process at a time under a fenced lease; delayed events when they are due. It tries for ever: while the bus is
 * down the outbox grows and nobody else is stopped.
 */
export function createRelay(options: RelayOptions): Relay {
  const { database, log, metrics } = options
  const owner = newUuid()
  const batch = createBatchSize(options.bus)
  const { bus } = batch
  const endings: (() => unknown)[] = []
  let stopped = false
  let running: Promise<void> | undefined
  let failures = 0
  let epoch: number | undefined
  let shipped = createShipped(bus, MAX_BATCH)
  let heldUntil = 0
  let lastShippedAt = Number.NEGATIVE_INFINITY
  let wakeUp: () => void = () => undefined
  let isAwake = false

  const wake = () => {
    isAwake = true
    wakeUp()
  }
  /** Nobody else can ship before then: the lease is counted from before it was asked for. */
  const wakeAfterCommit = () => {
    wake()
    return epoch !== undefined && performance.now() < heldUntil
  }
  const holdLease = async (): Promise<number | undefined> => {
    const now = performance.now()
    if (epoch !== undefined && now < heldUntil - LEASE_MS + RENEW_MS) return epoch
    const held = await holdRelayLease(database, owner, LEASE_MS)
    if (held !== epoch) shipped = createShipped(bus, MAX_BATCH)
    epoch = held
    heldUntil = now + LEASE_MS
    return epoch
  }
  const shipOnce = async (): Promise<{ shipped: number; nextDueMs: number }> => {
    const held = await holdLease()
    if (held === undefined) return { shipped: 0, nextDueMs: IDLE_POLL_MS }
    const limit = batch.now()
    const { count, records, nextDueMs, isLost } = await shipBatch({
      database,
      bus,
      owner,
      epoch: held,
      limit,
      shipped,
      sender: (options.tail && options.emitter?.sender) ?? owner,
    })
    if (isLost) epoch = undefined
    if (count > 0) {
      lastShippedAt = performance.now()
      options.tail?.offer(records)
      metrics.count('soma_events_relayed_total', {}, count)
    }
    return { shipped: count, nextDueMs: count === 0 || count === limit ? nextDueMs : AFTER_ALL_MS }
  }
  /** Answers how long to wait before the next batch. */
  const turn = async (): Promise<number> => {
    isAwake = false
    try {
      const { shipped, nextDueMs } = await shipOnce()
      failures = 0
      if (shipped > 0) return nextDueMs
      const isActive = database.engine === 'postgres' && performance.now() - lastShippedAt < ACTIVE_FOR_MS
      return Math.min(isActive ? ACTIVE_POLL_MS : IDLE_POLL_MS, Math.max(nextDueMs, 1))
    } catch (error) {
      failures += 1
      const waitMs = backoffMs(failures, RETRY)
      log.warn('events could not be shipped; they wait in the outbox', { failures, waitMs, error })
      return waitMs
    }
  }
  const loop = async () => {
    while (!stopped) {
      const waitMs = await turn()
      if (waitMs > 0 && !stopped && !(isAwake && failures === 0)) await pause(waitMs)
    }
  }
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wakeUp = () => {
        // While the bus is down only time helps, not another event.
        if (failures > 0 && !stopped) return
        clearTimeout(timer)
        resolve()
      }
    })

  return {
    start: async () => {
      if (options.emitter !== undefined) endings.push(options.emitter.onOutbox(wakeAfterCommit))
      if (database.engine === 'postgres') endings.push(await database.listen(OUTBOX_CHANNEL, wake))
      running = loop()
    },
    stop: async (graceMs = 5_000) => {
      stopped = true
      wakeUp()
      await running
      for (const end of endings) await end()
      const until = performance.now() + graceMs
      while (failures === 0 && performance.now() < until && (await shipOnce()).shipped > 0) lastShippedAt = 0
      await releaseRelayLease(database, owner)
    },
    runOnce: async () => (await shipOnce()).shipped,
    backlog: () => outboxBacklog(database),
  }
}
