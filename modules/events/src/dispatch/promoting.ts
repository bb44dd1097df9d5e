import { type Group, nowMs, WINDOW_EVENTS } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'
import { loadRecord } from './loading.ts'

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
