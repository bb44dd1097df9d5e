import { toId } from '@soma/kernel'
import { deliveryDeadLettered } from '../../contract/facts.ts'
import { deliveryDead } from '../../contract/problems.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import type { DeadRow, WriteRequest } from '../writer/requests.ts'
import { failedReply } from './failed-reply.ts'
import { countDeliveries, type FailureProblem, type Group, nowMs } from './group.ts'
import { eventOf, type HeldEvent, storedIn } from './held-event.ts'
import { parkFollowers } from './parking.ts'
import { loadRecord } from './loading.ts'
import { finish, promote, unlease } from './promoting.ts'

export interface Failure {
  readonly problem: FailureProblem
  /** Default: the backoff of the subscription with full jitter. */
  readonly retryAfterMs?: number
  readonly dead?: boolean
}

const RETRY_MS = 1000

/**
 * An attempt ended without success: the next one waits its time, or the delivery is dead (EVT-R33, EVT-R35). Resolves when that is durable;
 * false = another process settled it before.
 */
export async function fail(group: Group, held: HeldEvent, failure: Failure): Promise<boolean> {
  const isDead =
    failure.dead === true || failure.problem.retryable === false || held.attempt >= group.config.maxAttempts
  if (isDead) return buryNow(group, held, failure.problem)
  const delayMs = failure.retryAfterMs ?? backoffMs(group.config.backoff, held.attempt)
  return giveBack(group, held, { attempt: held.attempt, delayMs, failure: historyOf(group, held, failure.problem) })
}

/** Handed back unhandled, or by a group that is suspended: no attempt is burned, nothing is noted. */
export const release = (group: Group, held: HeldEvent, retryAfterMs = 0): Promise<boolean> =>
  giveBack(group, held, { attempt: held.attempt - 1, delayMs: retryAfterMs, failure: null })

async function giveBack(
  group: Group,
  held: HeldEvent,
  next: { attempt: number; delayMs: number; failure: Readonly<Record<string, unknown>> | null },
): Promise<boolean> {
  if (!(await endLease(group, held, { returned: [{ deliveryId: held.deliveryId, ...next }] }))) return false
  await waitAgain(group, held, next)
  return true
}

/** Writes what ends the lease of the delivery. False = another process settled it before: that is taken in, nothing was written. */
async function endLease(group: Group, held: HeldEvent, request: WriteRequest): Promise<boolean> {
  const { deliveryId, attempt, member } = held
  held.isSettling = true
  try {
    const ends = member === undefined ? {} : { ends: { deliveryId, attempt, memberId: member.id } }
    const { status } = await group.dependencies.writer.write(group.config.tenantId, { ...request, ...ends })
    if (status === 'written') return true
  } finally {
    held.isSettling = false
  }
  group.sync([deliveryId])
  return false
}

/** No lease any more: it is ready for its next attempt, now or later. */
export async function waitAgain(
  group: Group,
  held: HeldEvent,
  next: { attempt: number; delayMs: number },
): Promise<void> {
  unlease(group, held)
  // What was handed back unhandled has the attempt before.
  if (next.attempt === held.attempt) group.readSize.noteEnd(true)
  else held.wasReturned = true
  held.attempt = next.attempt
  if (next.delayMs <= 0) {
    // One event that always fails so is not every probe of a suspended group.
    promote(group, held, { isFirst: group.config.state !== 'suspended' })
  } else {
    held.state = 'delayed'
    held.dueAtMs = nowMs(group) + next.delayMs
    group.delayed.add(held)
    await parkFollowers(group, held.orderKey)
  }
  group.assign()
}

/** Its dead letter is open and keeps the key. */
export async function block(group: Group, held: HeldEvent): Promise<void> {
  unlease(group, held)
  held.state = 'blocked'
  await parkFollowers(group, held.orderKey)
}

/** Attempt n waits min(maxMs, baseMs·factorⁿ⁻¹) with full jitter. */
export function backoffMs(
  { baseMs, factor, maxMs }: Group['config']['backoff'],
  attempt: number,
  random: () => number = Math.random,
): number {
  return Math.ceil(random() * Math.min(maxMs, baseMs * factor ** (attempt - 1)))
}

const historyOf = (group: Group, held: HeldEvent, problem: FailureProblem) => ({
  at: group.dependencies.clock.now().toISOString(),
  memberId: held.member?.id ?? null,
  durationMs: held.leasedAtMs === 0 ? null : nowMs(group) - held.leasedAtMs,
  problem,
})

const exhausted: FailureProblem = {
  code: deliveryDead.code,
  detail: 'every attempt ended with its lease, without an answer',
  retryable: false,
}

/** Like `buryNow` for callers that cannot wait; tried again until it is written. */
export function bury(group: Group, held: HeldEvent, problem: FailureProblem | undefined): void {
  held.state = 'leased'
  buryNow(group, held, problem ?? exhausted).catch((error: unknown) => {
    group.dependencies.log.warn('a dead letter cannot be written', { subscription: group.config.id, error })
    setTimeout(() => group.isClosed || bury(group, held, problem), RETRY_MS).unref()
  })
}

/** The dead letter, its fact and the failed reply are one transaction; only then the key goes on (EVT-R35, EVT-R38). */
async function buryNow(group: Group, held: HeldEvent, problem: FailureProblem): Promise<boolean> {
  held.isSettling = true
  const isThere = await loadRecord(group, held).catch((error: unknown) => {
    held.isSettling = false
    throw error
  })
  if (!isThere) {
    finish(group, held)
    return true
  }
  const dead = { dead: [deadRow(group, held, problem)], facts: factsOf(group, held, problem) }
  if (!(await endLease(group, held, dead))) return false
  countDeliveries(group, 'dead')
  group.readSize.noteEnd(true)
  held.state = 'finished'
  if (isBlocking(group, held)) await block(group, held)
  else finish(group, held)
  group.assign()
  return true
}

/** What was never handed out, because nobody could handle it, does not hold back its key. */
const isBlocking = ({ config }: Group, { attempt }: HeldEvent): boolean =>
  config.onDeadLetter === 'block' && attempt > 0

function deadRow(group: Group, held: HeldEvent, problem: FailureProblem): DeadRow {
  const event = eventOf(held)
  return {
    deliveryId: held.deliveryId,
    tenantId: held.tenantId,
    place: held,
    event: {
      id: event.id,
      type: event.type,
      key: held.key,
      // Without the replay id: that is of one delivery, not of the event.
      envelope: JSON.stringify(storedIn(held)),
    },
    failure: historyOf(group, held, problem),
    problem,
    handler: held.member?.principalId ?? null,
    isBlocking: isBlocking(group, held),
  }
}

function factsOf(group: Group, held: HeldEvent, problem: FailureProblem) {
  const event = eventOf(held)
  const now = group.dependencies.clock.now()
  const about = {
    tenantId: held.tenantId,
    spaceId: event.spaceid ?? '',
    ...(event.userid === undefined ? {} : { userId: event.userid }),
  }
  const deliveryId = toId('dlv', held.deliveryId)
  const dead = factEnvelope(
    deliveryDeadLettered,
    {
      deliveryId,
      group: group.config.wireGroup,
      topic: held.topic,
      type: event.type,
      eventId: event.id,
      attempts: held.attempt,
      problem,
      handler: held.member?.principalId ?? null,
    },
    { about, now, key: held.key, cause: event },
  )
  // The requester of a replayed event was answered at its first death.
  const replies =
    held.replayId !== undefined
      ? []
      : failedReply(event, { group: group.config.group, problem: { ...problem, deliveryId }, now })
  return [dead, ...replies]
}
