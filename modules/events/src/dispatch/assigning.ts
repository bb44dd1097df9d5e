import type { HeldRow } from '../writer/requests.ts'
import { expire, isExpired } from './expiry.ts'
import { bury } from './failing.ts'
import { countDeliveries, type Group, nowMs, wantsMore } from './group.ts'
import type { DeliveryData } from './frame-queue.ts'
import { deliveryOf, type HeldEvent, type Member, placeKey } from './held-event.ts'
import { freeMember } from './members.ts'
import { promote } from './promoting.ts'
import { noteTaken, roomOf } from './suspension.ts'

/** After leases could not be written. */
const RETRY_MS = 1000

/** Hands ready events to whoever has room: pulls first, then connected members by free credits. Frames go out when the leases are durable. */
export function assignReady(group: Group): void {
  if (group.isClosed) return
  const waiting = group.ready.length
  while (roomOf(group) > 0 && group.ready.length > 0 && group.pulls.length > 0) {
    const pull = group.pulls.shift() as (typeof group.pulls)[number]
    const taken = take(group, pull.max, () => pull.member)
    lease(group, taken).then((leased) => pull.resolve(leased.map((held) => deliveryOf(held, false))), pull.reject)
  }
  const taken = take(group, Number.POSITIVE_INFINITY, () => freeMember(group.members))
  if (group.ready.length < waiting && wantsMore(group)) group.fill()
  if (taken.length === 0) return
  lease(group, taken).then(
    (leased) => {
      for (const held of leased) send(held, deliveryOf(held, false))
    },
    (error: unknown) => {
      group.dependencies.log.warn('leases cannot be written', { subscription: group.config.id, error })
      setTimeout(() => assignReady(group), RETRY_MS).unref()
    },
  )
}

function take(group: Group, max: number, memberFor: () => Member | undefined): HeldEvent[] {
  const taken: HeldEvent[] = []
  const room = Math.min(max, roomOf(group))
  let index = 0
  for (; index < group.ready.length && taken.length < room; index++) {
    const held = group.ready[index] as HeldEvent
    if (held.state !== 'ready') continue
    if (isExpired(group, held)) {
      expire(group, held)
      continue
    }
    // Its attempts were used up by leases that ended while no dispatcher ran.
    if (held.attempt >= group.config.maxAttempts) {
      bury(group, held, undefined)
      continue
    }
    const member = memberFor()
    if (member === undefined) break
    begin(group, held, member)
    taken.push(held)
  }
  group.ready.splice(0, index)
  noteTaken(group, taken)
  return taken
}

function begin(group: Group, held: HeldEvent, member: Member): void {
  held.state = 'leased'
  held.attempt += 1
  held.member = member
  held.leasedAtMs = nowMs(group)
  // Until the row is durable the lease cannot lapse.
  held.leaseUntilMs = Number.POSITIVE_INFINITY
  member.inFlight.set(held.deliveryId, held)
}

/** Answers the events that are leased now. On failure they are ready again. */
async function lease(group: Group, taken: readonly HeldEvent[]): Promise<HeldEvent[]> {
  if (taken.length === 0) return []
  const { leaseMs, tenantId } = group.config
  try {
    await group.dependencies.writer.write(tenantId, { held: taken.map((held) => leasedRow(held, leaseMs)) })
  } catch (error) {
    for (const held of taken) revert(group, held)
    throw error
  }
  const until = nowMs(group) + leaseMs
  for (const held of taken) {
    held.hasRow = true
    held.leaseUntilMs = until
    group.leased.set(held.deliveryId, held)
    group.rows.set(placeKey(held.topic, held.part, held.position), held)
    group.dependencies.leases.set(held.deliveryId, { group, held })
  }
  group.isDirty = true
  countDeliveries(group, 'sent', taken.length)
  return [...taken]
}

function revert(group: Group, held: HeldEvent): void {
  held.member?.inFlight.delete(held.deliveryId)
  held.member = undefined
  held.attempt -= 1
  promote(group, held, { isFirst: true })
}

const send = (held: HeldEvent, data: DeliveryData): void => held.member?.sink?.push({ event: 'delivery', data })

const leasedRow = (held: HeldEvent, leaseMs: number): HeldRow => ({
  group: held.group,
  topic: held.topic,
  part: held.part,
  position: held.position,
  segment: held.segment,
  deliveryId: held.deliveryId,
  tenantId: held.tenantId,
  key: held.key,
  attempt: held.attempt,
  memberId: (held.member as Member).id,
  leaseMs,
})
