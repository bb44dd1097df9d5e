import type { HeldRow } from '../writer/requests.ts'
import { type Group, WINDOW_EVENTS } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'

/** Gives events behind a waiting key a row by reference, so that the cursor can pass them (EVT-R34). */
export async function parkBehind(group: Group, events: readonly HeldEvent[]): Promise<void> {
  const fresh = events.filter((held) => !held.hasRow && held.state === 'waiting')
  if (fresh.length === 0) return
  for (const held of fresh) held.hasRow = true
  try {
    await group.dependencies.writer.write(group.config.tenantId, { held: fresh.map(parkedRow) })
  } catch (error) {
    for (const held of fresh) held.hasRow = false
    throw error
  }
  for (const held of fresh) {
    group.rows.set(placeKey(held.topic, held.part, held.position), held)
    if (group.inMemory > WINDOW_EVENTS / 2) dropRecord(group, held)
  }
  group.isDirty = true
}

export const parkFollowers = (group: Group, orderKey: string): Promise<void> =>
  parkBehind(group, group.queues.followers(orderKey))

/** Parks everything that waits behind another event and drops it from memory. */
export async function parkWaiting(group: Group): Promise<void> {
  const waiting = [...group.queues.all()].flatMap((queue) => queue.slice(1))
  await parkBehind(group, waiting)
  for (const held of waiting) if (held.hasRow) dropRecord(group, held)
}

/** Not of one whose turn has come meanwhile. */
function dropRecord(group: Group, held: HeldEvent): void {
  if (held.record === undefined || held.state !== 'waiting' || group.queues.headOf(held.orderKey) === held) return
  held.record = undefined
  group.inMemory -= 1
}

const parkedRow = (held: HeldEvent): HeldRow => ({
  group: held.group,
  topic: held.topic,
  part: held.part,
  position: held.position,
  segment: held.segment,
  deliveryId: held.deliveryId,
  tenantId: held.tenantId,
  key: held.key,
  attempt: 0,
  memberId: null,
  leaseMs: null,
})
