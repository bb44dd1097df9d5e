import { newUuid } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterEach, describe, expect, it } from 'vitest'
import {
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
  type TestMember,
} from '../../testing/index.ts'

const context = anEventsContext()
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n
const hosts: EventsHost[] = []
afterEach(async () => {
  for (const host of hosts.splice(0).reverse()) await host.close()
})

/** Two processes on one database. Events are published at the first, which hears of its own at once. */
async function twoHosts(): Promise<[EventsHost, EventsHost]> {
  const first = await createEventsHost({ isShared: true })
  const second = await createEventsHost({ database: first.database, isSecondProcess: true })
  hosts.push(first, { ...second, close: second.drain })
  await first.define(context, 'job.asked')
  await first.define(context, 'job.done', { topic: 'action-results' })
  return [first, second]
}
const ask = async (host: EventsHost, n: number, partitionKey = `key-${n}`) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', data: { n }, partitionKey },
  })
const subscribe = async (host: EventsHost, more: Readonly<Record<string, unknown>> = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: 'shared', topics: ['business-facts'], backoff: { baseMs: 1, maxMs: 1 }, ...more },
    })
  ).id
const settleAt = (host: EventsHost, subscriptionId: string, body: Readonly<Record<string, unknown>>) =>
  host.events.deliveries.settle(context, { params: { subscriptionId }, body: body as never })
const pullAt = async (host: EventsHost, subscriptionId: string, more: Readonly<Record<string, unknown>> = {}) =>
  (
    await host.events.deliveries.pull(context, {
      params: { subscriptionId },
      body: { memberId: newUuid(), max: 10, waitMs: 5000, ...more } as never,
    })
  ).deliveries as ReceivedDelivery[]
const ackOf = ({ deliveryId, attempt }: ReceivedDelivery, emits: readonly unknown[] = []) => ({
  deliveryId,
  attempt,
  emits,
})
const open = async (host: EventsHost, subscriptionId: string) =>
  (await host.events.deliveries.list(context, { params: { subscriptionId } })).items
/** The lease of the dispatcher ends as if its process had stood still. */
const lapse = (host: EventsHost) =>
  host.database.transaction({ role: 'soma_bus' }, (session) =>
    session.execute(
      `update runtime.job_leases set lease_until = clock_timestamp() - interval '1 second' where name like 'dispatch/%'`,
    ),
  )
const dispatching = async (host: EventsHost, id: string): Promise<TestMember> => aMember(host, context, id)

describe('EVT-R31 members of a group at any process', () => {
  it('stream, settle and pull where the dispatcher is not, mixed, in order per key', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id, { credits: 2 })
    await local.settle({ credits: 0 })
    for (const [n, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'c'],
    ] as const)
      await ask(first, n, key)
    const one = await remote.delivery()
    const three = await remote.delivery()
    expect([one, three].map((each) => [numberOf(each), each.attempt, each.redelivered])).toEqual([
      [1, 1, false],
      [3, 1, false],
    ])
    const emits = [{ type: 'job.done', topic: 'action-results', data: { of: 1 } }]
    const body = { memberId: remote.memberId, acks: [ackOf(one, emits)] }
    expect((await settleAt(second, id, body)).settled).toEqual([one.deliveryId])
    expect(await first.waitFor(({ type }) => type === 'job.done')).toMatchObject({ topic: 'action-results' })
    const four = await remote.delivery()
    expect(numberOf(four)).toBe(4)
    // At the process of the dispatcher, for a member that is connected elsewhere.
    expect((await settleAt(first, id, { memberId: remote.memberId, acks: [ackOf(three)] })).settled).toHaveLength(1)
    const two = await remote.delivery()
    expect(numberOf(two)).toBe(2)
    await remote.settle({ credits: 0 })
    await ask(first, 5)
    const [five] = await pullAt(second, id)
    expect(numberOf(five as ReceivedDelivery)).toBe(5)
    // Told lost at both, and no emit of it exists: another member, an older attempt.
    const foreign = { memberId: newUuid(), acks: [ackOf(two, emits)] }
    for (const host of [first, second])
      expect(await settleAt(host, id, foreign)).toMatchObject({ settled: [], lost: [{ reason: 'expired' }] })
    expect((await remote.ack(two)).settled).toHaveLength(1)
    expect((await remote.ack(two)).settled).toHaveLength(1)
    await local.settle({ credits: 10 })
    await ask(first, 6)
    expect(numberOf(await local.delivery())).toBe(6)
    expect(first.recorded.filter(({ type }) => type === 'job.done')).toHaveLength(1)
  }, 60_000)

  it('nacks, releases and extends where the dispatcher is not; retries, dead letters and replays go their way', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first, { maxAttempts: 2, leaseMs: 60_000, onDeadLetter: 'block' })
    const member = await dispatching(first, id)
    const { memberId } = member
    for (const n of [1, 2]) await ask(first, n, 'a')
    const given = await member.delivery()
    const lease = { deliveryId: given.deliveryId, attempt: 1 }
    const extended = await settleAt(second, id, { memberId, extends: [{ ...lease, leaseMs: 50_000 }] })
    expect(extended.extended).toHaveLength(1)
    expect((await settleAt(second, id, { memberId, nacks: [{ ...lease, release: true }] })).settled).toHaveLength(1)
    const again = await member.delivery()
    expect(again).toMatchObject({ deliveryId: given.deliveryId, attempt: 1 })
    const problem = { code: 'broken', detail: 'broken', retryable: true }
    await settleAt(second, id, { memberId, nacks: [{ ...lease, problem }] })
    const last = await member.delivery()
    expect(last).toMatchObject({ deliveryId: given.deliveryId, attempt: 2 })
    await settleAt(second, id, { memberId, nacks: [{ deliveryId: given.deliveryId, attempt: 2, problem }] })
    // The dispatcher has heard of it when it parks what stands behind.
    await until(async () => (await open(first, id)).length === 2)
    const letter = { params: { deliveryId: given.deliveryId } }
    expect(await second.events.deadLetters.get(context, letter)).toMatchObject({ state: 'open', attempts: [{}, {}] })
    await second.events.deadLetters.replay(context, { ...letter, body: { note: 'mended' } })
    const replayed = await member.delivery()
    expect(replayed).toMatchObject({ deliveryId: given.deliveryId, attempt: 1 })
    await member.nack(replayed, { dead: true })
    await second.events.deadLetters.discard(context, { ...letter, body: { note: 'no longer' } })
    expect(numberOf(await member.delivery())).toBe(2)
  }, 60_000)

  it('what a member elsewhere hands back reaches it again with the same attempt', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id)
    await local.settle({ credits: 0 })
    await ask(first, 1)
    const given = await remote.delivery()
    await remote.nack(given, { release: true })
    expect(await remote.delivery()).toMatchObject({ deliveryId: given.deliveryId, attempt: 1 })
  }, 60_000)

  it('pause, resume and delete at another process reach the dispatcher and its members', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id)
    await local.settle({ credits: 0 })
    const params = { params: { subscriptionId: id } }
    await second.events.subscriptions.pause(context, { ...params, body: { note: 'wait' } })
    await ask(first, 1)
    expect(await pullAt(second, id, { waitMs: 200 })).toEqual([])
    await second.events.subscriptions.resume(context, { ...params, body: { note: 'go' } })
    expect(numberOf(await remote.delivery())).toBe(1)
    const { version } = await second.events.subscriptions.get(context, params)
    await second.events.subscriptions.delete(context, { ...params, ifMatch: version } as never)
    for (const member of [local, remote]) {
      const ended = { event: 'closed', data: { reason: 'the subscription was deleted' } }
      expect(await member.next()).toMatchObject(ended)
    }
  }, 60_000)

  it('what a delivery is about is told at any process', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const member = await dispatching(first, id)
    await ask(first, 1)
    const { deliveryId, event } = await member.delivery()
    const about = (principalId: string) =>
      second.events.deliveries.context(
        { ...anEventsContext('tenant-a', { principalId }), method: 'module' },
        { params: { deliveryId } },
      )
    expect(await about(context.principal.id)).toMatchObject({ eventId: event.id })
    await expect(about('agt_other')).rejects.toMatchObject({ code: 'not-found' })
  }, 60_000)
})

describe('EVT-R64 the dispatcher of a subscription', () => {
  it('is handed over at once when its process drains: members elsewhere stay connected and nothing is given twice', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id, { credits: 1 })
    await local.settle({ credits: 0 })
    for (const n of [1, 2]) await ask(first, n, 'a')
    const one = await remote.delivery()
    const startedAt = performance.now()
    await first.drain()
    expect((await remote.ack(one)).settled).toEqual([one.deliveryId])
    expect(await remote.delivery()).toMatchObject({ attempt: 1, redelivered: false })
    expect(performance.now() - startedAt).toBeLessThan(8000)
  }, 60_000)

  it('is replaced when its process dies; leases that run are honoured', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id, { credits: 1 })
    await local.settle({ credits: 0 })
    for (const n of [1, 2]) await ask(first, n, 'a')
    const one = await remote.delivery()
    await first.crash()
    expect((await remote.ack(one)).settled).toEqual([one.deliveryId])
    await lapse(second)
    expect(await remote.delivery()).toMatchObject({ attempt: 1, event: { data: { n: 2 } } })
  }, 60_000)

  it('that stalls past its lease and wakes leases, buries and moves nothing, and its members are sent away', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first)
    const stalled = await dispatching(first, id)
    await ask(first, 1, 'a')
    const one = await stalled.delivery()
    await lapse(first)
    const heir = await dispatching(second, id)
    await ask(first, 2, 'b')
    const seen = [await stalled.next(), await stalled.next()]
    expect(seen).toMatchObject([{ event: 'closed' }, undefined])
    expect(numberOf(await heir.delivery())).toBe(2)
    const back = await aMember(first, context, id, { memberId: stalled.memberId })
    expect(await back.delivery()).toMatchObject({ deliveryId: one.deliveryId, attempt: 1, redelivered: true })
    expect((await back.ack(one)).settled).toEqual([one.deliveryId])
  }, 60_000)

  it('frees what is leased to members of a process that died', async () => {
    const [first, second] = await twoHosts()
    const id = await subscribe(first, { leaseMs: 3_600_000, memberGraceMs: 1000 })
    const local = await dispatching(first, id)
    const remote = await aMember(second, context, id)
    await local.settle({ credits: 0 })
    await ask(first, 1)
    const one = await remote.delivery()
    await local.settle({ credits: 1 })
    await second.crash()
    first.clock.advance(10_100)
    expect(await local.delivery()).toMatchObject({ deliveryId: one.deliveryId, attempt: 2 })
  }, 60_000)
})
