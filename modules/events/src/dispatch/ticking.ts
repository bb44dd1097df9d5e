import { moveCursors } from './cursor.ts'
import { fail } from './failing.ts'
import { type FailureProblem, type Group, nowMs } from './group.ts'
import type { HeldEvent, Member } from './held-event.ts'
import { toId } from '@soma/kernel'
import { promote } from './promoting.ts'

const EXPIRED: FailureProblem = {
  code: 'timeout',
  detail: 'the lease ended without an answer of its member',
  status: 504,
  retryable: true,
}
const GONE: FailureProblem = {
  code: 'unavailable',
  detail: 'the member went away and did not come back within memberGraceMs',
  status: 503,
  retryable: true,
}
/** A failure that could not be written is tried again after this time. */
const AGAIN_MS = 1000

/** What time alone changes: due retries, ended leases, members that did not come back, cursors. */
export function tick(group: Group): void {
  const now = nowMs(group)
  for (const held of group.delayed) {
    if (held.dueAtMs > now) continue
    group.delayed.delete(held)
    promote(group, held, { isFirst: true })
  }
  for (const held of group.leased.values()) if (held.leaseUntilMs <= now) lapse(group, held, EXPIRED)
  for (const member of group.members.values()) {
    if (isGone(group, member)) group.members.delete(member.id)
    if (member.graceUntilMs > now || (member.sink !== undefined && member.host === undefined)) continue
    // Its process did not say for so long that it is there.
    member.sink = undefined
    member.host = undefined
    for (const held of member.inFlight.values()) lapse(group, held, GONE)
    if (member.inFlight.size === 0) group.members.delete(member.id)
  }
  group.assign()
  moveCursors(group).catch((error: unknown) =>
    group.dependencies.log.warn('cursors cannot be written', { subscription: group.config.id, error }),
  )
}

/** It came to pull, and nothing of it is in hand. */
const isGone = ({ pulls }: Group, member: Member): boolean =>
  member.sink === undefined && member.inFlight.size === 0 && !pulls.some((pull) => pull.member === member)

/** The lease is nobody's any more; the next free member gets the event, attempt + 1 (EVT-R25). */
export function lapse(
  group: Group,
  held: HeldEvent,
  problem: FailureProblem,
  reason: 'expired' | 'revoked' = 'expired',
): void {
  if (held.isSettling || held.leaseUntilMs === Number.POSITIVE_INFINITY) return
  const { member } = held
  member?.sink?.push({ event: 'lease-lost', data: { deliveryId: toId('dlv', held.deliveryId), reason } })
  group.dependencies.metrics.count('soma_events_lease_losses_total', { group: group.config.wireGroup })
  fail(group, held, { problem, retryAfterMs: 0 }).catch((error: unknown) => {
    held.leaseUntilMs = nowMs(group) + AGAIN_MS
    group.dependencies.log.warn('an ended lease cannot be written', { subscription: group.config.id, error })
  })
}
