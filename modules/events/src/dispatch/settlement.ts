import { type Context, isProblem, type ModuleDatabase, problemSummary, toUuid, type Transaction } from '@soma/kernel'
import type * as z from 'zod'
import { eventIdReused } from '../../contract/problems.ts'
import type { settleBodySchema, settledSchema } from '../../contract/deliveries.ts'
import type { Publishing } from '../publishing/service.ts'
import { findSubscription } from '../subscriptions/store.ts'
import { fail, release } from './failing.ts'
import { countDeliveries, type FailureProblem, type Group, nowMs } from './group.ts'
import type { Elsewhere, Groups } from './groups.ts'
import type { Guests } from './guests.ts'
import { eventOf, type HeldEvent } from './held-event.ts'
import { loadRecord } from './loading.ts'
import { finish } from './promoting.ts'
import { findSettled, knownDeliveries } from './store.ts'
import { isDependencyFailure } from './suspension.ts'

export type SettleBody = z.output<typeof settleBodySchema>
export type Settled = z.output<typeof settledSchema>

type Ack = SettleBody['acks'][number]
type Nack = SettleBody['nacks'][number]
type Extend = SettleBody['extends'][number]

type Verdict =
  | { readonly deliveryId: string; readonly is: 'settled' | 'missed' }
  | { readonly deliveryId: string; readonly is: 'refused'; readonly problem: ReturnType<typeof problemSummary> }
  | { readonly deliveryId: string; readonly is: 'extended'; readonly leaseUntil: string }

export interface SettlementOptions {
  readonly database: ModuleDatabase
  readonly publishing: Publishing
}

/** Nacks of this process that were carried out: a repeated one is told the same again. Beyond this many the oldest are forgotten. */
const NACKS_REMEMBERED = 10_000
const nacked = new Set<string>()

/** Every ack, nack and extension stands alone; those of all callers at that moment share a transaction. */
export async function settle(
  context: Context,
  group: Group,
  { body, options }: { body: SettleBody; options: SettlementOptions },
): Promise<Settled> {
  const by: Author = { context, group, memberId: body.memberId, ...options }
  const member = group.members.get(body.memberId)
  if (body.credits !== undefined && member?.principalId === context.principal.id) {
    member.credits = body.credits
    group.assign()
  }
  const verdicts = await Promise.all([
    ...body.acks.map((entry) => acknowledge(by, entry)),
    ...body.nacks.map((entry) => refuse(by, entry)),
    ...body.extends.map((entry) => extend(by, entry)),
  ])
  return answerOf(verdicts, await explainMissed(by, body, verdicts))
}

/** Settles at a process that does not dispatch the subscription, by the rows of the deliveries; the dispatcher is told. */
export async function settleElsewhere(
  context: Context,
  at: Elsewhere,
  { body, options }: { body: SettleBody; options: SettlementOptions & { groups: Groups; guests: Guests } },
): Promise<Settled> {
  const { credits, ...entries } = body
  const { memberId } = body
  if (credits !== undefined) options.guests.giveCredits(at, { memberId, principalId: context.principal.id, credits })
  const ids = [...body.acks, ...body.nacks, ...body.extends].flatMap(
    ({ deliveryId }) => toUuid('dlv', deliveryId) ?? [],
  )
  const group = await options.groups.detached(at, ids)
  const failed = new Set<string>()
  let hasEnded = false
  group.attemptEnded = () => {
    hasEnded = true
  }
  group.dependencyFailed = async (held) => {
    failed.add(held.deliveryId)
    const find = (tx: Transaction) => findSubscription(tx, at.subscription.id)
    return (await options.database.transaction(context, find))?.state === 'suspended'
  }
  const settled = await settle(context, group, { body: entries, options })
  const others = ids.filter((id) => !failed.has(id))
  if (failed.size > 0) await options.groups.rowsChanged(at.id, [...failed], 'failed')
  if (others.length > 0) await options.groups.rowsChanged(at.id, others, hasEnded ? 'ended' : undefined)
  return settled
}

interface Author extends SettlementOptions {
  readonly context: Context
  readonly group: Group
  readonly memberId: string
}

/** The delivery if it is leased to this member of this principal, in this attempt, and nothing else settles it. */
function leaseOf(
  { context, group, memberId }: Author,
  entry: { deliveryId: string; attempt: number },
): HeldEvent | undefined {
  const held = group.leased.get(toUuid('dlv', entry.deliveryId) ?? '')
  if (held === undefined || held.isSettling || held.state !== 'leased') return undefined
  const isOwn = held.member?.id === memberId && held.member.principalId === context.principal.id
  return isOwn && held.attempt === entry.attempt && held.leaseUntilMs > nowMs(group) ? held : undefined
}

/** Ack and emits are written together or not at all (EVT-R27). An emit that is refused leaves the lease as it was. */
async function acknowledge(by: Author, { deliveryId, attempt, emits }: Ack): Promise<Verdict> {
  const held = leaseOf(by, { deliveryId, attempt })
  if (held === undefined) return { deliveryId, is: 'missed' }
  const { group } = by
  held.isSettling = true
  try {
    const published = emits.length === 0 ? { events: [] } : await prepareEmits(by, held, emits)
    const ack = { deliveryId: held.deliveryId, memberId: by.memberId, attempt }
    const result = await group.dependencies.writer.write(group.config.tenantId, { ack, ...published })
    if (result.status === 'lost') {
      group.sync([held.deliveryId])
      return { deliveryId, is: 'missed' }
    }
    if (result.status === 'refused')
      throw eventIdReused.create(`an emit of ${deliveryId} has an id that was used for other content`)
  } catch (error) {
    if (!isProblem(error) || error.status >= 500) throw error
    return { deliveryId, is: 'refused', problem: problemSummary(error) }
  } finally {
    held.isSettling = false
  }
  countDeliveries(group, 'acknowledged')
  finish(group, held)
  group.attemptEnded()
  group.assign()
  return { deliveryId, is: 'settled' }
}

async function prepareEmits({ context, publishing, group }: Author, held: HeldEvent, emits: readonly unknown[]) {
  await loadRecord(group, held)
  const event = eventOf(held)
  const { id, correlationid, sessionid, planid, taskid, userid, spaceid } = event
  const cause: Parameters<Publishing['prepare']>[2] = {
    event,
    group: group.config.group,
    eventId: id,
    correlationId: correlationid ?? id,
    ...(sessionid === undefined ? {} : { sessionId: sessionid }),
    ...(planid === undefined ? {} : { planId: planid }),
    ...(taskid === undefined ? {} : { taskId: taskid }),
    ...(userid === undefined ? {} : { userId: userid }),
    ...(spaceid === undefined ? {} : { spaceId: spaceid }),
  }
  return publishing.prepare(context, emits, cause)
}

const UNEXPLAINED: FailureProblem = {
  code: 'internal',
  detail: 'the handler refused the delivery without a problem',
  retryable: true,
}

async function refuse(by: Author, nack: Nack): Promise<Verdict> {
  const { deliveryId } = nack
  const repeat = `${deliveryId}\0${nack.attempt}\0${by.memberId}\0${by.context.principal.id}`
  const held = leaseOf(by, nack)
  if (held === undefined) return { deliveryId, is: nacked.has(repeat) ? 'settled' : 'missed' }
  const isDone = nack.release === true ? await release(by.group, held) : await failed(by.group, held, nack)
  if (!isDone) return { deliveryId, is: 'missed' }
  countDeliveries(by.group, nack.release === true ? 'released' : 'failed')
  if (nacked.size >= NACKS_REMEMBERED) nacked.delete(nacked.values().next().value as string)
  nacked.add(repeat)
  return { deliveryId, is: 'settled' }
}

async function failed(group: Group, held: HeldEvent, { problem, retryAfterMs, dead }: Nack): Promise<boolean> {
  const failure = (problem as FailureProblem | undefined) ?? UNEXPLAINED
  if (dead === true || !isDependencyFailure(failure)) group.attemptEnded()
  else if (await isHeldBack(group, held)) return release(group, held, retryAfterMs)
  return fail(group, held, {
    problem: failure,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(dead === undefined ? {} : { dead }),
  })
}

async function isHeldBack(group: Group, held: HeldEvent): Promise<boolean> {
  held.isSettling = true
  try {
    return await group.dependencyFailed(held)
  } finally {
    held.isSettling = false
  }
}

/** By the lease of the subscription at most, from now (EVT-R30). */
async function extend(by: Author, { deliveryId, attempt, leaseMs }: Extend): Promise<Verdict> {
  const held = leaseOf(by, { deliveryId, attempt })
  if (held === undefined) return { deliveryId, is: 'missed' }
  const ms = Math.min(leaseMs, by.group.config.leaseMs)
  held.leaseUntilMs = nowMs(by.group) + ms
  await by.group.dependencies.writer.write(by.group.config.tenantId, {
    extended: [{ deliveryId: held.deliveryId, memberId: by.memberId, attempt, leaseMs: ms }],
  })
  return { deliveryId, is: 'extended', leaseUntil: new Date(held.leaseUntilMs).toISOString() }
}

interface Explained {
  readonly settled: ReadonlySet<string>
  readonly known: ReadonlySet<string>
}

/** What became of deliveries that are not leased to the caller: settled by the same lease before, expired, or never there. One look-up for all, own or foreign. */
async function explainMissed(by: Author, body: SettleBody, verdicts: readonly Verdict[]): Promise<Explained> {
  const missed = new Set(verdicts.filter(({ is }) => is === 'missed').map(({ deliveryId }) => deliveryId))
  if (missed.size === 0) return { settled: new Set(), known: new Set() }
  // What is being written now is decided after this empty write.
  await by.group.dependencies.writer.write(by.group.config.tenantId, {})
  const ids = [...missed].flatMap((deliveryId) => toUuid('dlv', deliveryId) ?? [])
  const acks = body.acks
    .filter(({ deliveryId }) => missed.has(deliveryId))
    .flatMap(({ deliveryId, attempt }) => {
      const uuid = toUuid('dlv', deliveryId)
      return uuid === undefined ? [] : [{ deliveryId: uuid, memberId: by.memberId, attempt }]
    })
  return by.database.transaction(by.context, async (tx) => ({
    settled: await findSettled(tx, acks),
    known: await knownDeliveries(tx, ids),
  }))
}

function answerOf(verdicts: readonly Verdict[], explained: Explained): Settled {
  const answer: Settled = { settled: [], lost: [], refused: [], extended: [] }
  for (const verdict of verdicts) {
    const { deliveryId } = verdict
    const uuid = toUuid('dlv', deliveryId) ?? ''
    if (verdict.is === 'settled') answer.settled.push(deliveryId)
    else if (verdict.is === 'refused') answer.refused.push({ deliveryId, problem: verdict.problem })
    else if (verdict.is === 'extended') answer.extended.push({ deliveryId, leaseUntil: verdict.leaseUntil })
    else if (explained.settled.has(uuid)) answer.settled.push(deliveryId)
    else answer.lost.push({ deliveryId, reason: explained.known.has(uuid) ? 'expired' : 'unknown' })
  }
  return answer
}
