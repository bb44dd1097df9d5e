import type { Context, EventEnvelope, Logger, Metrics, ModuleDatabase, Clock } from '@soma/kernel'
import { pushFailed } from '../../contract/problems.ts'
import type { Group } from '../dispatch/group.ts'
import type { DeliveryData } from '../dispatch/frame-queue.ts'
import { memberOf } from '../dispatch/members.ts'
import { sit } from '../dispatch/service.ts'
import { settle, type SettleBody } from '../dispatch/settlement.ts'
import { rememberMember } from '../dispatch/store.ts'
import type { EventsPorts } from '../ports.ts'
import type { Publishing } from '../publishing/service.ts'
import type { Push } from '../subscriptions/config.ts'
import { messageOf } from './message.ts'
import type { Owners } from './owners.ts'
import { pushDelayMs, retryAfterMs } from './schedule.ts'
import { sealedAbout, signatureOf } from './signing.ts'
import { clearFailures, findTarget, recordFailure, type TargetRow } from './store.ts'

export interface PusherOptions extends Pick<EventsPorts, 'busTransaction' | 'outgoing' | 'textSeal'> {
  readonly database: ModuleDatabase
  readonly publishing: Publishing
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly owners: Pick<Owners, 'mayPush'>
  /** Nothing is pushed to the subscription until it is resumed. */
  readonly suspend: (subscriptionId: string, reason: string) => Promise<void>
}

export interface Pusher {
  /** Takes no further delivery; the one in hand is finished. */
  stop(): void
  /** Lets go of the one in hand too: it stays leased, and comes again. */
  abort(): void
  /** Resolves when it has ended, by itself or stopped. Never rejects. */
  readonly ended: Promise<void>
}

/** A post is given up after this time, or before the lease ends. */
const TIMEOUT_MS = 15_000
/** Of a lease; what remains is for writing the outcome. */
const SHARE_OF_LEASE = 0.8
const FAILING_LIMIT_MS = 5 * 86_400_000

type Outcome =
  | { readonly is: 'taken' }
  | { readonly is: 'gone' }
  | { readonly is: 'disowned' }
  | { readonly is: 'failed'; readonly detail: string; readonly askedMs: number; readonly status?: number }

/**
 * The server as the one member of a pushed subscription. Its member id is the subscription's, in every process: who takes the dispatcher over gets what was in hand again,
 * with its attempt unchanged.
 */
export function startPusher(group: Group, options: PusherOptions): Pusher {
  const { id, tenantId } = group.config
  const stopping = new AbortController()
  const aborting = new AbortController()
  const context = options.database.moduleContext(tenantId)
  const member = { context, group, options, signal: aborting.signal, state: newState() }
  const run = async () => {
    const principalId = context.principal.id
    await options.busTransaction((session) =>
      rememberMember(session, { tenantId, subscriptionId: id, memberId: id, principalId }),
    )
    if (group.isClosed) return
    const seat = await sit(group, memberOf(group.members, id, principalId), { credits: 1 })
    try {
      for await (const frame of seat.sink.frames(stopping.signal))
        if (frame.event === 'delivery') await deliver(member, frame.data)
    } finally {
      seat.leave()
    }
  }
  return {
    stop: () => stopping.abort(),
    abort: () => aborting.abort(),
    ended: run().catch((error: unknown) => options.log.warn('pushing has ended', { subscription: id, error })),
  }
}

interface Member {
  readonly context: Context
  readonly group: Group
  readonly options: PusherOptions
  readonly signal: AbortSignal
  readonly state: State
}

/** What is remembered of the target's row. */
interface State {
  /** The key that `target` was read under. */
  ref: string
  target: TargetRow | undefined
  /** By `performance.now()`. */
  formerUntilMs: number
  isFailing: boolean
}

const newState = (): State => ({ ref: '', target: undefined, formerUntilMs: 0, isFailing: false })

async function deliver(member: Member, delivery: DeliveryData): Promise<void> {
  const { group, options, signal } = member
  const { push } = group.config
  if (push === undefined) return
  try {
    await extendShort(member, delivery)
    const outcome = (await refusalOf(member)) ?? (await post(member, push, delivery))
    // Let go of: whether the target took it is not known, so it comes again.
    if (signal.aborted && outcome.is !== 'taken') return
    options.metrics.count('soma_edges_push_attempts_total', { outcome: outcome.is })
    await settleAs(member, delivery, outcome)
  } catch (error) {
    // Its lease ends, and it is pushed again.
    options.log.warn('a push cannot be settled', { subscription: group.config.id, error })
  }
}

/** A lease that was given by an earlier process may end before a post does. */
async function extendShort(member: Member, { deliveryId, attempt, leaseUntil }: DeliveryData): Promise<void> {
  const { leaseMs } = member.group.config
  const remainsMs = Date.parse(leaseUntil) - member.options.clock.now().getTime()
  if (remainsMs < leaseMs * SHARE_OF_LEASE) await settleWith(member, { extends: [{ deliveryId, attempt, leaseMs }] })
}

/** What forbids the post, before anything is sent. */
async function refusalOf({ group, options }: Member): Promise<Outcome | undefined> {
  try {
    return (await options.owners.mayPush(group)) ? undefined : { is: 'disowned' }
  } catch (error) {
    options.log.warn('whether the owner of a push may subscribe is not known', { subscription: group.config.id, error })
    return { is: 'failed', detail: 'not called: whether its owner may subscribe is not known', askedMs: 0 }
  }
}

async function post(member: Member, push: Push, delivery: DeliveryData): Promise<Outcome> {
  const { clock, outgoing, metrics, log } = member.options
  const { headers, body } = messageOf(delivery.event as EventEnvelope, push.format)
  const proof = await proofOf(member, push, { delivery, body }).catch((error: unknown) => {
    log.error('a push cannot be signed', { subscription: member.group.config.id, error })
    return undefined
  })
  if (proof === undefined) return { is: 'failed', detail: 'the server could not sign the post', askedMs: 0 }
  const startedAtMs = performance.now()
  try {
    const answer = await outgoing.send({
      method: 'POST',
      url: push.url,
      headers: { ...headers, ...proof },
      body,
      timeoutMs: Math.min(TIMEOUT_MS, Math.floor(member.group.config.leaseMs * SHARE_OF_LEASE)),
      signal: member.signal,
    })
    if ('refused' in answer) return { is: 'failed', detail: `not called: ${answer.refused}`, askedMs: 0 }
    const { status } = answer
    if (status >= 200 && status < 300) return { is: 'taken' }
    if (status === 410) return { is: 'gone' }
    const askedMs = retryAfterMs(answer.headers['retry-after'], clock.now())
    return { is: 'failed', detail: `the target answered ${status}`, askedMs, status }
  } catch (error) {
    return { is: 'failed', detail: error instanceof Error ? error.message : 'no answer', askedMs: 0 }
  } finally {
    metrics.observe('soma_edges_push_seconds', (performance.now() - startedAtMs) / 1000)
  }
}

/** Who posts, and in which attempt: by Standard Webhooks, where `webhook-id` is the delivery's, the same in every attempt. */
async function proofOf(
  member: Member,
  { secretRef }: Push,
  { delivery, body }: { delivery: DeliveryData; body: Uint8Array },
): Promise<Record<string, string>> {
  const { group, options } = member
  const { secret, former_secret: former } = await targetOf(member, secretRef)
  const signed = { id: delivery.deliveryId, timestamp: Math.floor(options.clock.now().getTime() / 1000), body }
  const keys = [secret, ...(former !== null && performance.now() < member.state.formerUntilMs ? [former] : [])]
  const signatures = keys.map((sealed) =>
    signatureOf(options.textSeal.open(sealed, sealedAbout(group.config.id)), signed),
  )
  return {
    'user-agent': 'soma',
    'webhook-id': signed.id,
    'webhook-timestamp': String(signed.timestamp),
    'webhook-signature': signatures.join(' '),
    'soma-attempt': String(delivery.attempt),
    'soma-redelivered': String(delivery.redelivered),
    'soma-subscription': group.config.wireGroup,
  }
}

async function targetOf({ group, options, state }: Member, ref: string): Promise<TargetRow> {
  if (state.target === undefined || state.ref !== ref) {
    const target = await options.busTransaction((session) => findTarget(session, group.config.id))
    if (target === undefined) throw new Error(`the target of ${group.config.wireGroup} has no key`)
    const formerUntilMs = performance.now() + target.former_ms
    Object.assign(state, { ref, target, formerUntilMs, isFailing: target.failing_since !== null })
  }
  return state.target as TargetRow
}

const SUSPENDED_BY = {
  gone: 'the target answered 410 Gone',
  disowned: 'its owner may not subscribe any more',
} as const

async function settleAs(member: Member, { deliveryId, attempt }: DeliveryData, outcome: Outcome): Promise<void> {
  const { group, options, state } = member
  const { id } = group.config
  if (outcome.is === 'taken') {
    await settleWith(member, { acks: [{ deliveryId, attempt, emits: [] }] })
    if (state.isFailing) await options.busTransaction((session) => clearFailures(session, id))
    state.isFailing = false
    return
  }
  if (outcome.is === 'gone' || outcome.is === 'disowned') {
    await options.suspend(id, SUSPENDED_BY[outcome.is])
    await settleWith(member, { nacks: [{ deliveryId, attempt, release: true }] })
    return
  }
  const { detail, askedMs, status } = outcome
  const problem = { code: pushFailed.code, detail, retryable: true, ...(status === undefined ? {} : { status }) }
  await settleWith(member, {
    nacks: [{ deliveryId, attempt, retryAfterMs: pushDelayMs(attempt, askedMs), problem }],
  })
  state.isFailing = true
  const isOver = await options.busTransaction((session) => recordFailure(session, id, FAILING_LIMIT_MS))
  if (isOver) await options.suspend(id, 'the target took nothing for 5 days')
}

const settleWith = (
  { context, group, options }: Member,
  entries: Partial<Pick<SettleBody, 'acks' | 'nacks' | 'extends'>>,
) =>
  settle(context, group, {
    body: { memberId: group.config.id, acks: [], nacks: [], extends: [], ...entries },
    options,
  })
