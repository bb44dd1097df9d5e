import { envelopeInvalid, type LogRecord, problemSummary } from '@soma/kernel'
import { openOnce } from '../log/event-filter.ts'
import { type Group, nowMs, wantsMore } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'
import { loadRecord } from './loading.ts'

/**
 * Makes the head of a key ready when it is due. One whose record is in the database only is loaded first; what another program wrote is inspected first, and dies if it is
 * no event or would not have been accepted.
 */
export function promote(group: Group, held: HeldEvent, options: { isFirst?: boolean } = {}): void {
  if (held.dueAtMs > nowMs(group)) {
    held.state = 'delayed'
    group.delayed.add(held)
    return
  }
  if (held.record === undefined) {
    load(group, held, options)
    return
  }
  const { flaw } = openOnce(held.record)
  if (flaw !== undefined) return group.refuse(held, problemSummary(envelopeInvalid.create(flaw.detail)))
  if (held.record.isForeign === true && !admitted.has(held.record)) return inspect(group, held, options)
  held.state = 'ready'
  if (options.isFirst === true) group.ready.unshift(held)
  else group.ready.push(held)
}

const RETRY_MS = 1000
/** Foreign events that were inspected, by any group of this process. */
const admitted = new WeakSet<LogRecord>()

function inspect(group: Group, held: HeldEvent, options: { isFirst?: boolean }): void {
  held.state = 'waiting'
  const record = held.record as LogRecord
  group.dependencies.inspect(record).then(
    (problem) => {
      if (group.isClosed) return
      if (problem === undefined) admitted.add(record)
      if (problem === undefined) promote(group, held, options)
      else group.refuse(held, problem)
      group.assign()
    },
    (error: unknown) => {
      group.dependencies.log.warn('a foreign event cannot be inspected', { subscription: group.config.id, error })
      setTimeout(() => group.isClosed || promote(group, held, options), RETRY_MS).unref()
    },
  )
}

function load(group: Group, held: HeldEvent, options: { isFirst?: boolean }): void {
  held.state = 'waiting'
  loadRecord(group, held).then(
    (isThere) => {
      if (group.isClosed) return
      if (isThere) promote(group, held, options)
      else finish(group, held)
      group.assign()
    },
    (error: unknown) => {
      group.dependencies.log.warn('a parked event cannot be read', { subscription: group.config.id, error })
      setTimeout(() => group.isClosed || load(group, held, options), RETRY_MS).unref()
    },
  )
}

/** The event is at its end for this group; the next of its key goes on. */
export function finish(group: Group, held: HeldEvent): void {
  const wasHead = group.queues.headOf(held.orderKey) === held
  if (held.state === 'leased') group.readSize.noteEnd(false)
  unlease(group, held)
  held.state = 'finished'
  if (held.record !== undefined) group.inMemory -= 1
  group.delayed.delete(held)
  group.rows.delete(placeKey(held.topic, held.part, held.position))
  // Rows of a predecessor lie above the cursor: what is finished before the reader comes by is not taken in again.
  const partition = group.byTopic.get(held.topic)?.[held.part]
  if (partition !== undefined && held.position > partition.position) partition.finished.add(held.position)
  group.isDirty = true
  const next = group.queues.remove(held)
  if (wasHead && next?.state === 'waiting') promote(group, next)
  if (wantsMore(group)) group.fill()
}

/** Takes the lease from its member. */
export function unlease(group: Group, held: HeldEvent): void {
  held.member?.inFlight.delete(held.deliveryId)
  held.member = undefined
  group.leased.delete(held.deliveryId)
  group.dependencies.leases.delete(held.deliveryId)
}
