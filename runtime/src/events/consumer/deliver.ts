import {
  envelopeInvalid,
  type EventEnvelope,
  type EventHandler,
  type LogRecord,
  newUuid,
  openRecord,
  type Problem,
  toId,
} from '@soma/kernel'
import {
  type DeliveryPlace,
  type FrontDelivery,
  frontDelivery,
  leaseDelivery,
  parkDeliveries,
} from '../deliveries/store.ts'
import { expire, isExpired } from './expiry.ts'
import { eventProblems } from './failure.ts'
import { bury, type DeliverOptions, fail, type InHand, persist, succeed } from './outcomes.ts'
import { type Lane, placeIn } from './partition-run.ts'
import { type HandlerRun, runHandlers } from './run-handlers.ts'
import type { Entry } from './window.ts'

/** Events parked by one statement. */
const PARK_LIMIT = 200

/** Does the next thing of a lane. Every end of a handler is recorded before the lane goes on: done, retry, dead letter or lost. */
export function createDeliver(options: DeliverOptions): (lane: Lane) => Promise<void> {
  const { group } = options

  return async (lane) => {
    if (!lane.blocked) {
      const entry = lane.queue.shift() as Entry
      return deliver(newDelivery(group, lane, entry), options)
    }
    return performance.now() >= lane.dueAt ? retryFront(lane) : park(lane)
  }

  async function retryFront(lane: Lane): Promise<void> {
    const place = placeIn(group, lane, { segment: 0, position: 0 })
    const front = await persist(lane, options, (session) => frontDelivery(session, place))
    if (front === undefined) {
      lane.blocked = false
      return
    }
    if (front === 'lost') return
    if (front.due_in_ms > 1) {
      lane.dueAt = performance.now() + front.due_in_ms
      return
    }
    const at = { segment: front.segment, position: front.pos }
    const inHand = {
      lane,
      place: placeIn(group, lane, at),
      deliveryId: front.delivery_id,
      attempt: front.attempt + 1,
      replayId: replayIdOf(front),
      entry: undefined,
    }
    const record = recordOf(front, inHand.place, await readAt(inHand.place))
    if (record !== undefined) return deliver({ ...inHand, record }, options)
    const gone = eventProblems.positionTrimmed.create(`position ${front.pos} of ${place.topic}:${place.part} is gone`)
    const lostRecord = { ...at, ...place, eventId: '', type: '', userId: null, envelope: '', recordedAt: new Date(0) }
    await bury({ ...inHand, record: lostRecord }, options, { problem: gone, event: undefined, durationMs: 0 })
  }

  async function readAt({ topic, part, segment, position }: DeliveryPlace): Promise<LogRecord | undefined> {
    const [record] = await options.reader.read(topic, part, { segment, position: position - 1 }, 1)
    return record?.position === position ? record : undefined
  }

  async function park(lane: Lane): Promise<void> {
    const entries = lane.queue.splice(0, PARK_LIMIT)
    const events = entries.map(({ record }) => ({
      segment: record.segment,
      position: record.position,
      deliveryId: newUuid(),
    }))
    const place = placeIn(group, lane, { segment: 0, position: 0 })
    const done = await persist(lane, options, (session) => parkDeliveries(session, place, events))
    if (done !== true) return options.lose(lane)
    lane.parked += entries.length
    options.metrics.count('soma_events_deliveries_total', { group, outcome: 'parked' }, entries.length)
    for (const entry of entries) options.finish(lane, entry)
  }
}

/** A replayed dead letter carries its own id, an event of a replayed stretch that of the replay. */
const replayIdOf = ({ replay_id, delivery_id }: FrontDelivery): string | undefined =>
  replay_id === null ? undefined : toId(replay_id === delivery_id ? 'dlv' : 'rpl', replay_id)

/** What the log has, or the event that a replay brings along: edited, or gone from the log since it died. */
function recordOf(
  { envelope, first_failed_at }: FrontDelivery,
  place: DeliveryPlace,
  stored: LogRecord | undefined,
): LogRecord | undefined {
  if (envelope === null) return stored
  const { id, type, userid = null } = JSON.parse(envelope) as EventEnvelope
  const recordedAt = stored?.recordedAt ?? first_failed_at ?? new Date()
  return { ...place, eventId: id, type, userId: userid, envelope, recordedAt }
}

const newDelivery = (group: string, lane: Lane, entry: Entry): InHand => ({
  lane,
  record: entry.record,
  place: placeIn(group, lane, entry.record),
  deliveryId: newUuid(),
  attempt: 1,
  replayId: undefined,
  entry,
})

async function deliver(inHand: InHand, options: DeliverOptions): Promise<void> {
  const { record, lane, attempt, replayId } = inHand
  const opened = openRecord(record)
  if (opened.flaw !== undefined) {
    const problem = envelopeInvalid.create(opened.flaw.detail)
    return bury(inHand, options, { problem, event: undefined, durationMs: 0, flaw: opened.flaw })
  }

  // What is replayed had its first attempt in time.
  const event = replayId === undefined ? opened.event : { ...opened.event, replayid: replayId }
  if (attempt === 1 && replayId === undefined && isExpired(event)) return expire(inHand, event, options)
  const matching = options.handlers.matching(record.topic, record.type)
  const handlers = matching.filter((handler) => isConcerned(handler, event))
  if (handlers.length === 0) return succeed(inHand, options)
  const mismatch = record.isForeign === true ? mismatchOf(event, handlers) : undefined
  if (mismatch !== undefined) return bury(inHand, options, { problem: mismatch, event, durationMs: 0 })

  const startedAt = performance.now()
  const slow = watchSlow(inHand, options)
  const isShared =
    attempt === 1 && replayId === undefined && handlers.every(({ sharesTransaction }) => sharesTransaction)
  const run = isShared ? options.share : (alone: HandlerRun) => runHandlers(options.runInModule, alone)
  const end = await run({
    event,
    handlers,
    place: inHand.place,
    attempt,
    timeoutMs: options.settings.handlerTimeoutMs,
    stopping: options.stopping,
    isHeld: () => options.isHeld(lane),
  })
  await slow.ended()
  const durationMs = performance.now() - startedAt
  options.metrics.observe('soma_events_handler_seconds', durationMs / 1000, { group: options.group })
  if (end.kind !== 'lost') options.noteEnd(end.kind === 'failed')
  if (end.kind === 'failed') return fail(inHand, options, { problem: end.problem, event, durationMs })
  options.metrics.count('soma_events_deliveries_total', { group: options.group, outcome: end.kind })
  // What a stop cuts stays before the cursor, and its partition is freed with the others.
  if (end.kind === 'lost') return options.stopping.aborted ? undefined : options.lose(lane)
  options.suspension.ended()
  await succeed(inHand, options)
}

/** Who cannot tell runs: what is wrong then ends as a failure of the handler. */
function isConcerned(handler: EventHandler, event: EventEnvelope): boolean {
  try {
    return handler.concerns?.(event) ?? true
  } catch {
    return true
  }
}

/** Modules' events are always checked: what another program wrote in their types is checked here, because nobody did when it was published. */
function mismatchOf({ type, outcome, data }: EventEnvelope, handlers: readonly EventHandler[]): Problem | undefined {
  if (outcome === 'failed') return undefined
  for (const handler of handlers) {
    const issue = handler.data?.safeParse(data).error?.issues[0]
    if (issue === undefined) continue
    const pointer = ['/data', ...issue.path.map(String)].join('/')
    return eventProblems.schemaMismatch.create(`the data of "${type}" does not fit: ${pointer} ${issue.message}`)
  }
  return undefined
}

/** After `slowHandlerMs` the event gets a delivery row of its own, and the cursor passes. */
function watchSlow(inHand: InHand, options: DeliverOptions): { ended(): Promise<void> } {
  let leasing: Promise<void> | undefined
  const lease = async () => {
    const { lane, place, deliveryId, attempt, entry } = inHand
    if (entry === undefined) return
    const done = await persist(lane, options, (session) =>
      leaseDelivery(session, place, {
        deliveryId,
        attempt,
        holder: options.owner,
        leaseMs: options.settings.handlerTimeoutMs,
      }),
    )
    if (done !== true) return
    inHand.entry = undefined
    options.finish(lane, entry)
  }
  const timer = setTimeout(() => {
    leasing = lease()
  }, options.settings.slowHandlerMs)
  return {
    ended: async () => {
      clearTimeout(timer)
      await leasing
    },
  }
}
