import type { EventEnvelope, LogRecord } from '@soma/kernel'
import { type Group, nowMs, WINDOW_EVENTS } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'

/** Makes the head of a key ready when it is due; one whose record is in the database only is loaded first. */
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
  held.state = 'ready'
  if (options.isFirst === true) group.ready.unshift(held)
  else group.ready.push(held)
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
      setTimeout(() => group.isClosed || load(group, held, options), 1000).unref()
    },
  )
}

/** False when the log has lost it although a delivery was open: a broken promise of retention, so a person must look. */
export async function loadRecord(group: Group, held: HeldEvent): Promise<boolean> {
  if (held.record !== undefined) return true
  const after = { segment: held.segment, position: held.position - 1 }
  const [found] = await group.dependencies.reader.read(held.topic, held.part, after, 1)
  const record = recordOf(held, found?.position === held.position ? found : undefined)
  if (record === undefined) {
    group.dependencies.log.error('an unfinished event is gone from the log', {
      subscription: group.config.id,
      topic: held.topic,
      part: held.part,
      position: held.position,
    })
    return false
  }
  if (held.record === undefined) group.inMemory += 1
  held.record = record
  return true
}

function recordOf(held: HeldEvent, stored: LogRecord | undefined): LogRecord | undefined {
  const { envelope, topic, part, position, segment, tenantId, key } = held
  if (envelope === undefined) return stored
  const { id, type, time, recordedtime } = JSON.parse(envelope) as EventEnvelope
  const recordedAt = stored?.recordedAt ?? new Date(recordedtime ?? time)
  return { topic, part, position, segment, tenantId, key, eventId: id, type, userId: null, envelope, recordedAt }
}

/** The event is at its end for this group; the next of its key goes on. */
export function finish(group: Group, held: HeldEvent): void {
  const wasHead = group.queues.headOf(held.orderKey) === held
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
  // Below half of the window, or dry: reading one event for each that is finished would cost a query each.
  const isLow = group.inMemory <= WINDOW_EVENTS / 2 || group.ready.length === 0
  if (isLow && group.partitions.some(({ position, head }) => position < head)) group.fill()
}

/** Takes the lease from its member. */
export function unlease(group: Group, held: HeldEvent): void {
  held.member?.inFlight.delete(held.deliveryId)
  held.member = undefined
  group.leased.delete(held.deliveryId)
  group.dependencies.leases.delete(held.deliveryId)
}
