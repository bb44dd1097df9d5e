import {
  type Database,
  type EventEnvelope,
  type EventHandler,
  type Flaw,
  type Logger,
  type LogReader,
  type LogRecord,
  type Metrics,
  openRecord,
  PLATFORM_TENANT,
  type Problem,
  problemSummary,
  standInFor,
  type SqlSession,
} from '@soma/kernel'
import {
  type AfterDelivery,
  assignDeadLetter,
  buryDelivery,
  type DeliveryPlace,
  type FailedAttempt,
  finishDelivery,
  retryDelivery,
} from '../deliveries/store.ts'
import type { Emitter } from '../emitter.ts'
import { deadLetterEvent, failedReply } from './dead-letter-event.ts'
import { isDependencyFailure } from './failure.ts'
import type { HandlerIndex } from './handler-index.ts'
import type { Lane } from './partition-run.ts'
import type { HandlerEnd, HandlerRun, RunInModule } from './run-handlers.ts'
import { backoffMs, type ConsumerSettings } from './settings.ts'
import type { Suspension } from './suspension.ts'
import type { Entry } from './window.ts'

export interface DeliverOptions {
  readonly group: string
  readonly owner: string
  readonly database: Database
  readonly reader: LogReader
  readonly emitter: Emitter
  readonly handlers: HandlerIndex
  readonly runInModule: RunInModule
  /** Runs what may share a transaction. */
  readonly share: (run: HandlerRun) => Promise<HandlerEnd>
  readonly settings: ConsumerSettings
  readonly suspension: Suspension
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborts what is in hand at the end of the grace time. */
  readonly stopping: AbortSignal
  readonly isHeld: (lane: Lane) => boolean
  readonly lose: (lane: Lane) => void
  /** An attempt ended, for the size of reads. */
  readonly noteEnd: (failed: boolean) => void
  readonly finish: (lane: Lane, entry: Entry) => void
}

/** One event in hand. `entry` is set while the partition's cursor waits for it; else it has a row in `events.delivery`. */
export interface InHand {
  readonly lane: Lane
  readonly record: LogRecord
  readonly place: DeliveryPlace
  readonly deliveryId: string
  readonly attempt: number
  /** Wire id of the replay: a dead letter that is delivered again. */
  readonly replayId: string | undefined
  entry: Entry | undefined
}

/** Done: the cursor passes, or the delivery's row goes and the key goes on. */
export async function succeed(inHand: InHand, options: DeliverOptions): Promise<void> {
  const { lane, entry, place } = inHand
  if (entry !== undefined) return options.finish(lane, entry)
  goOn(lane, await persist(lane, options, (session) => finishDelivery(session, place)), options)
}

/** The key after one of its rows is gone: the next row is due at once, or the key is free. */
function goOn(lane: Lane, after: AfterDelivery, options: DeliverOptions): void {
  if (after === 'lost') return options.lose(lane)
  lane.blocked = after === 'next'
  lane.dueAt = performance.now()
  lane.parked = lane.blocked ? Math.max(0, lane.parked - 1) : 0
}

export interface Failure {
  readonly problem: Problem
  readonly event: EventEnvelope | undefined
  readonly durationMs: number
  /** Why the record is no event at all. */
  readonly flaw?: Flaw
}

/** Tries again later, gives up, or waits for a dependency without counting the attempt. */
export async function fail(inHand: InHand, options: DeliverOptions, failure: Failure): Promise<void> {
  const { lane, attempt, entry } = inHand
  const { group, settings, suspension, metrics, log } = options
  const { problem } = failure
  const isDown = isDependencyFailure(problem)
  if (isDown && suspension.dependencyFailed(lane.id)) {
    if (entry !== undefined) lane.queue.unshift(entry)
    else block(lane, 0)
    metrics.count('soma_events_deliveries_total', { group, outcome: 'held' })
    return
  }
  if (!isDown) suspension.ended()
  if (!problem.retryable || attempt >= settings.maxAttempts) return bury(inHand, options, failure)

  const delayMs = problem.extensions.retryAfterMs ?? backoffMs(attempt, settings.backoff)
  const { deliveryId, place, record } = inHand
  log.warn('an event failed and is tried again', { ...named(record), group, attempt, delayMs, error: problem })
  metrics.count('soma_events_deliveries_total', { group, outcome: 'retry' })
  const done = await persist(lane, options, (session) =>
    retryDelivery(session, place, { deliveryId, attempt, delayMs, entry: attemptOf(failure, options) }),
  )
  if (done !== true) return options.lose(lane)
  block(lane, delayMs)
  if (entry !== undefined) options.finish(lane, entry)
}

function block(lane: Lane, delayMs: number): void {
  lane.blocked = true
  lane.dueAt = performance.now() + delayMs
}

/** Dead letter, its fact and a failed reply in one transaction; the cursor moves after it. */
export async function bury(inHand: InHand, options: DeliverOptions, failure: Failure): Promise<void> {
  const { lane, record, place, deliveryId, attempt, entry } = inHand
  const { group, emitter, log, metrics } = options
  const handlers = options.handlers.matching(record.topic, record.type)
  // Bytes that may be any tenant's are shown to none; those who run the installation are told where they lie.
  const tenantId = failure.flaw === undefined ? record.tenantId : (failure.flaw.tenantId ?? PLATFORM_TENANT)
  const dead = {
    record: { ...record, tenantId },
    event: failure.event,
    place,
    deliveryId,
    attempts: attempt,
    problem: failure.problem,
    handler: group,
  }
  const now = new Date()
  // The requester of a replayed event was answered at its first death.
  const isAnswered = inHand.replayId !== undefined || !handlers.some(isExact)
  const reply = isAnswered ? undefined : failedReply(dead, now)
  // The death of such a fact makes no further one: a handler of dead letters that always fails would feed itself.
  const facts = record.topic === 'dead-letter' ? [] : [deadLetterEvent(dead, now)]
  const envelopes = reply === undefined ? facts : [...facts, reply]
  log.error('an event became a dead letter', { ...named(record), group, attempt, error: failure.problem })
  metrics.count('soma_events_deliveries_total', { group, outcome: 'dead' })
  const after = await persist(lane, options, async (session) => {
    const buried = await buryDelivery(session, place, {
      deliveryId,
      eventId: record.eventId,
      type: record.type,
      envelope: keptOf(record, failure.flaw),
      entry: attemptOf(failure, options),
      handler: group,
    })
    if (buried !== 'lost' && tenantId !== place.tenantId) await assignDeadLetter(session, deliveryId, tenantId)
    if (buried !== 'lost' && envelopes.length > 0) await emitter.write(session, envelopes)
    return buried
  })
  if (after !== 'lost') emitter.committed(envelopes)
  goOn(lane, after, options)
  if (after !== 'lost' && entry !== undefined) options.finish(lane, entry)
}

/** What another program wrote is kept as it was opened: it may lack what the log knows. */
function keptOf(record: LogRecord, flaw: Flaw | undefined): string {
  if (flaw !== undefined) return JSON.stringify(standInFor(record, flaw))
  return record.isForeign === true ? JSON.stringify(openRecord(record).event) : record.envelope
}

/** An observer that reads all types of a topic is not who a requester waits for. */
export const isExact = (handler: EventHandler): boolean => !handler.type.includes('*')

const named = (record: LogRecord) => ({ eventId: record.eventId, type: record.type, tenantId: record.tenantId })

const attemptOf = ({ problem, durationMs }: Failure, { owner }: DeliverOptions): FailedAttempt => ({
  at: new Date(Date.now() - durationMs).toISOString(),
  memberId: owner,
  durationMs: Math.round(durationMs),
  problem: problemSummary(problem),
})

/** Records an outcome; while the database is away it tries for as long as the partition is held. */
export async function persist<T>(
  lane: Lane,
  { database, log, stopping }: DeliverOptions,
  work: (session: SqlSession) => Promise<T>,
): Promise<T | 'lost'> {
  for (let attempt = 1; !lane.run.lost && !stopping.aborted; attempt++) {
    try {
      return await database.transaction({ role: 'soma_bus' }, work)
    } catch (error) {
      log.warn('the outcome of a delivery could not be recorded', { attempt, error })
      await pause(backoffMs(attempt, { baseMs: 200, factor: 2, maxMs: 5_000 }), stopping)
    }
  }
  return 'lost'
}

function pause(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    stopping.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      stopping.removeEventListener('abort', done)
      resolve()
    }
  })
}
