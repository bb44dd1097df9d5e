import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aMember,
  askJob,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
} from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()

beforeAll(async () => {
  host = await createEventsHost()
  for (const type of ['job.asked', 'job.answered']) await host.define(context, type)
}, 60_000)
afterAll(() => host.close())

let count = 0
const subscribe = (more: Readonly<Record<string, unknown>> = {}, by = context) =>
  host.events.subscriptions.create(by, {
    body: { name: `group-${++count}`, topics: ['business-facts'], types: ['job.asked'], ...more },
  })
const ask = (n: number, more = {}) => askJob(host, context, n, more)
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n
const byNumber = (left: number, right: number) => left - right
const unfinished = async (subscriptionId: string) =>
  (await host.events.deliveries.list(context, { params: { subscriptionId } })).items

describe('remote groups', () => {
  it('a published event reaches a member, and its ack ends the delivery', async () => {
    const { id } = await subscribe()
    const member = await aMember(host, context, id)
    const eventId = await ask(1)
    const delivery = await member.delivery()
    expect(delivery).toMatchObject({ attempt: 1, redelivered: false, event: { id: eventId, data: { n: 1 } } })
    expect(await member.ack(delivery)).toEqual({ settled: [delivery.deliveryId], lost: [], refused: [], extended: [] })
    expect(await unfinished(id)).toEqual([])
    await member.leave()
  })

  it('EVT-R20 members share the events of a group; every group gets all', async () => {
    const shared = await subscribe()
    const other = await subscribe()
    const members = [
      await aMember(host, context, shared.id, { credits: 3 }),
      await aMember(host, context, shared.id, { credits: 3 }),
    ]
    const alone = await aMember(host, context, other.id, { credits: 6 })
    await Promise.all(Array.from({ length: 6 }, (_, n) => ask(n)))
    const received = await Promise.all(
      members.flatMap((member) => [member.delivery(), member.delivery(), member.delivery()]),
    )
    expect(received.map(numberOf).toSorted(byNumber)).toEqual([0, 1, 2, 3, 4, 5])
    const joined = await aMember(host, context, shared.id, { credits: 10 })
    await ask(6)
    expect(numberOf(await joined.delivery())).toBe(6)
    const holders = (await unfinished(shared.id)).map(({ memberId }) => memberId)
    expect(holders.filter((memberId) => memberId === joined.memberId)).toHaveLength(1)
    const all = await Promise.all(Array.from({ length: 6 }, () => alone.delivery()))
    expect(all.map(numberOf).toSorted(byNumber)).toEqual([0, 1, 2, 3, 4, 5])
    for (const member of [...members, joined, alone]) await member.leave()
  })

  it('EVT-R21 a subscription keeps its place without members; startAt decides where it begins', async () => {
    const one = (n: number) => ask(n, { partitionKey: 'late', subject: 'late' })
    const read = async (startAt: unknown, total: number) => {
      const { id } = await subscribe({ startAt, filter: { subject: 'late' } })
      return { id, total }
    }
    await one(1)
    const second = await host.events.events.publish(context, {
      body: { type: 'job.asked', topic: 'business-facts', data: { n: 2 }, partitionKey: 'late', subject: 'late' },
    })
    const stored = await host.events.events.get(context, { params: { eventId: second.eventId } })
    const groups = [
      await read('earliest', 4),
      await read({ time: stored.recordedtime }, 3),
      await read({ sequence: second.sequence, topic: 'business-facts' }, 3),
      await read('latest', 2),
    ]
    await one(3)
    await one(4)
    for (const { id, total } of groups) {
      const member = await aMember(host, context, id)
      for (let n = 5 - total; n <= 4; n++) {
        const delivery = await member.delivery()
        expect(numberOf(delivery)).toBe(n)
        await member.ack(delivery)
      }
      await member.leave()
    }
  })

  it('an idle subscription is removed after its time, one with members or without a limit is not', async () => {
    const idle = await subscribe({ idleTtlMs: 1 })
    const kept = await subscribe()
    const busy = await subscribe({ idleTtlMs: 1 })
    const member = await aMember(host, context, busy.id)
    await ask(1)
    await member.delivery()
    await host.runJobs()
    const ids = (await host.events.subscriptions.list(context, { query: { limit: '200' as never } })).items.map(
      ({ id }) => id,
    )
    expect([ids.includes(idle.id), ids.includes(kept.id), ids.includes(busy.id)]).toEqual([false, true, true])
    await host.waitFor(({ type, envelope }) => type === 'subscription.deleted' && envelope.includes(idle.id))
    await member.leave()
  })

  it('EVT-R26 credits bound the unsettled deliveries of a member, settle changes them, and 0 drains it', async () => {
    const { id } = await subscribe()
    const member = await aMember(host, context, id, { credits: 2 })
    await Promise.all(Array.from({ length: 5 }, (_, n) => ask(n)))
    const held = [await member.delivery(), await member.delivery()]
    expect((await unfinished(id)).filter(({ state }) => state === 'leased')).toHaveLength(2)
    await member.settle({ credits: 0 })
    await member.settle({ acks: held.map(({ deliveryId, attempt }) => ({ deliveryId, attempt })) })
    expect(await unfinished(id)).toEqual([])
    await member.settle({ credits: 3 })
    const rest = await Promise.all([member.delivery(), member.delivery(), member.delivery()])
    expect([...held, ...rest].map(numberOf).toSorted(byNumber)).toEqual([0, 1, 2, 3, 4])
    await member.leave()
  })

  it('EVT-R25 a delivery whose lease lapses goes to the next free member with the next attempt, and the first is told', async () => {
    const { id } = await subscribe({ leaseMs: 1000 })
    const slow = await aMember(host, context, id, { credits: 1 })
    await ask(1)
    const first = await slow.delivery()
    const quick = await aMember(host, context, id, { credits: 1 })
    await slow.settle({ credits: 0 })
    host.clock.advance(1100)
    const second = await quick.delivery()
    expect(second).toMatchObject({ deliveryId: first.deliveryId, attempt: 2, redelivered: true })
    expect(await slow.next()).toMatchObject({
      event: 'lease-lost',
      data: { deliveryId: first.deliveryId, reason: 'expired' },
    })
    await quick.ack(second)
    for (const member of [slow, quick]) await member.leave()
  })

  it('EVT-R28 EVT-A9 a late ack is lost with its emits; the attempt that settles publishes them once; settling twice is settled both times', async () => {
    const { id } = await subscribe({ leaseMs: 2000 })
    const late = await aMember(host, context, id, { credits: 1 })
    const eventId = await ask(1)
    const first = await late.delivery()
    const emit = (n: number) => ({
      id: `answer-${eventId}-${n}`,
      type: 'job.answered',
      topic: 'business-facts',
      data: { n },
    })
    host.clock.advance(3000)
    expect(await late.ack(first, [emit(1), emit(2)])).toMatchObject({
      settled: [],
      lost: [{ deliveryId: first.deliveryId, reason: 'expired' }],
    })
    expect(host.recorded.filter(({ eventId: id }) => id.startsWith(`answer-${eventId}`))).toEqual([])
    const second = await late.delivery()
    expect(second).toMatchObject({ deliveryId: first.deliveryId, attempt: 2 })
    expect((await late.ack(first)).lost).toEqual([{ deliveryId: first.deliveryId, reason: 'expired' }])
    expect((await late.nack(first, { dead: true })).lost).toEqual([{ deliveryId: first.deliveryId, reason: 'expired' }])
    const stranger = await aMember(host, context, id, { credits: 1 })
    expect((await stranger.ack(second)).lost).toEqual([{ deliveryId: second.deliveryId, reason: 'expired' }])
    const once = await late.ack(second, [emit(1), emit(2)])
    const twice = await late.ack(second, [emit(1), emit(2)])
    expect([once.settled, twice.settled]).toEqual([[second.deliveryId], [second.deliveryId]])
    expect(host.recorded.filter(({ eventId: id }) => id.startsWith(`answer-${eventId}`))).toHaveLength(2)
    for (const member of [late, stranger]) await member.leave()
  })

  it('EVT-R29 a member that comes back gets its leased deliveries again first; one that stays away loses them', async () => {
    const { id } = await subscribe({ memberGraceMs: 5000, leaseMs: 60_000 })
    const gone = await aMember(host, context, id, { credits: 2 })
    await ask(1, { partitionKey: 'again' })
    const first = await gone.delivery()
    await gone.leave()
    await ask(2)
    const back = await aMember(host, context, id, { memberId: gone.memberId, credits: 2 })
    expect(await back.delivery()).toMatchObject({ deliveryId: first.deliveryId, attempt: 1, redelivered: true })
    expect(numberOf(await back.delivery())).toBe(2)
    await back.leave()
    const heir = await aMember(host, context, id, { credits: 2 })
    host.clock.advance(5100)
    const inherited = [await heir.delivery(), await heir.delivery()]
    expect(inherited.map(({ attempt }) => attempt)).toEqual([2, 2])
    await heir.leave()
  })

  it('EVT-R30 extends move a lease by the lease of the subscription at most', async () => {
    const { id } = await subscribe({ leaseMs: 1000 })
    const member = await aMember(host, context, id)
    await ask(1)
    const delivery = await member.delivery()
    host.clock.advance(900)
    const { extended } = await member.settle({ extends: [{ ...pick(delivery), leaseMs: 60_000 }] })
    const leaseUntil = Date.parse((extended[0] as { leaseUntil: string }).leaseUntil)
    expect(leaseUntil - host.clock.now().getTime()).toBeLessThanOrEqual(1000)
    host.clock.advance(500)
    expect((await member.ack(delivery)).settled).toEqual([delivery.deliveryId])
    await member.leave()
  })

  it('pull members and stream members share one group', async () => {
    const { id } = await subscribe()
    const memberId = '0192b3a4-0000-7000-8000-000000000001'
    const pulling = host.events.deliveries.pull(context, {
      params: { subscriptionId: id },
      body: { memberId, max: 2, waitMs: 10_000 },
    })
    await ask(1)
    const { deliveries } = await pulling
    expect(deliveries).toHaveLength(1)
    const member = await aMember(host, context, id)
    await ask(2)
    expect(numberOf(await member.delivery())).toBe(2)
    const { settled } = await host.events.deliveries.settle(context, {
      params: { subscriptionId: id },
      body: { memberId, acks: deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt })) },
    })
    expect(settled).toHaveLength(1)
    expect(
      (await host.events.deliveries.pull(context, { params: { subscriptionId: id }, body: { memberId } })).deliveries,
    ).toEqual([])
    await member.leave()
  })

  it('a delivery tells whose work it is while it is leased to the caller, and no longer', async () => {
    const agent = anEventsContext('tenant-a', { principalId: 'agt_worker', userId: 'usr-1' })
    const { id } = await subscribe({}, agent)
    const member = await aMember(host, agent, id)
    await host.events.events.publish(agent, {
      body: {
        type: 'job.asked',
        topic: 'business-facts',
        data: {},
        planId: 'plan-1',
        taskId: 'task-1',
        sessionId: 'ses-1',
      },
    })
    const delivery = await member.delivery()
    const asModule = (principalId: string) => ({
      ...anEventsContext('tenant-a', { principalId }),
      method: 'module' as const,
    })
    const read = (principalId: string) =>
      host.events.deliveries.context(asModule(principalId), { params: { deliveryId: delivery.deliveryId } })
    expect(await read('agt_worker')).toMatchObject({
      userId: 'usr-1',
      planId: 'plan-1',
      taskId: 'task-1',
      sessionId: 'ses-1',
    })
    await expect(read('agt_other')).rejects.toMatchObject({ code: 'not-found' })
    await member.ack(delivery)
    await expect(read('agt_worker')).rejects.toMatchObject({ code: 'not-found' })
    await member.leave()
  })

  it('a paused subscription hands out nothing until it is resumed', async () => {
    const { id } = await subscribe()
    const member = await aMember(host, context, id)
    await host.events.subscriptions.pause(context, { params: { subscriptionId: id }, body: {} })
    await ask(1)
    expect(await unfinished(id)).toEqual([])
    await host.events.subscriptions.resume(context, { params: { subscriptionId: id }, body: {} })
    expect(numberOf(await member.delivery())).toBe(1)
    await member.leave()
  })
})

const pick = ({ deliveryId, attempt }: ReceivedDelivery) => ({ deliveryId, attempt })
