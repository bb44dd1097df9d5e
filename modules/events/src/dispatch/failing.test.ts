import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aJobGroup,
  aMember,
  askJob,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
} from '../../testing/index.ts'
import { backoffMs } from './failing.ts'

let host: EventsHost
const context = anEventsContext()

beforeAll(async () => {
  host = await createEventsHost()
  for (const type of ['job.asked', 'job.answered']) await host.define(context, type)
}, 60_000)
afterAll(() => host.close())

const subscribe = (more = {}) => aJobGroup(host, context, more)
const ask = (n: number, more = {}) => askJob(host, context, n, more)
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n
const problem = { code: 'printer-on-fire', detail: 'the printer is on fire', retryable: true }
const deadLetters = async (subscriptionId: string) =>
  (await host.events.deadLetters.list(context, { query: { subscriptionId } })).items

describe('failures of remote groups', () => {
  it('a nack is retried with the next attempt; later events of its key wait in order, other keys go on', async () => {
    const id = await subscribe({ backoff: { baseMs: 60_000, factor: 1, maxMs: 60_000 } })
    const member = await aMember(host, context, id)
    await ask(1, { partitionKey: 'poison' })
    await ask(2, { partitionKey: 'poison' })
    await ask(3, { partitionKey: 'poison' })
    const first = await member.delivery()
    expect(numberOf(first)).toBe(1)
    expect((await member.nack(first, { problem })).settled).toEqual([first.deliveryId])
    const { items } = await host.events.deliveries.list(context, { params: { subscriptionId: id } })
    expect(items.map(({ state }) => state)).toEqual(['retrying', 'parked', 'parked'])
    await ask(4, { partitionKey: 'healthy' })
    const other = await member.delivery()
    expect(numberOf(other)).toBe(4)
    await member.ack(other)
    host.clock.advance(60_000)
    for (const [n, attempt] of [
      [1, 2],
      [2, 1],
      [3, 1],
    ] as const) {
      const delivery = await member.delivery()
      expect([numberOf(delivery), delivery.attempt]).toEqual([n, attempt])
      await member.ack(delivery)
    }
    await member.leave()
  })

  it('a nack that hands back burns no attempt, and tells the next member that somebody had it', async () => {
    const id = await subscribe({ maxAttempts: 1 })
    const member = await aMember(host, context, id)
    await ask(1)
    await member.nack(await member.delivery(), { release: true })
    expect(await member.delivery()).toMatchObject({ attempt: 1, redelivered: true })
    await member.leave()
  })

  it('after the last attempt the envelope, every problem and the member are kept, and the key goes on', async () => {
    const id = await subscribe({ maxAttempts: 2 })
    const member = await aMember(host, context, id)
    const eventId = await ask(1, { partitionKey: 'ends' })
    await ask(2, { partitionKey: 'ends' })
    await member.nack(await member.delivery(), { problem })
    const last = await member.delivery()
    expect(last.attempt).toBe(2)
    await member.nack(last, { problem })
    expect(numberOf(await member.delivery())).toBe(2)
    const [dead] = await deadLetters(id)
    expect(dead).toMatchObject({
      deliveryId: last.deliveryId,
      group: id,
      eventId,
      state: 'open',
      problem: { code: 'printer-on-fire' },
      event: { data: { n: 1 } },
    })
    expect(dead?.attempts.map(({ memberId, problem: { code } }) => [memberId, code])).toEqual([
      [member.memberId, 'printer-on-fire'],
      [member.memberId, 'printer-on-fire'],
    ])
    await host.waitFor(({ type, envelope }) => type === 'delivery.dead-lettered' && envelope.includes(last.deliveryId))
    await member.leave()
  })

  it('onDeadLetter: block keeps the key parked until an operator discards', async () => {
    const id = await subscribe({ onDeadLetter: 'block' })
    const member = await aMember(host, context, id)
    await ask(1, { partitionKey: 'blocked' })
    await ask(2, { partitionKey: 'blocked' })
    const first = await member.delivery()
    await member.nack(first, { problem, dead: true })
    await ask(3, { partitionKey: 'free' })
    expect(numberOf(await member.delivery())).toBe(3)
    await host.events.deadLetters.discard(context, {
      params: { deliveryId: first.deliveryId },
      body: { note: 'a known duplicate' },
    })
    expect(numberOf(await member.delivery())).toBe(2)
    expect((await deadLetters(id))[0]).toMatchObject({
      state: 'discarded',
      resolution: { byId: 'agt_one', note: 'a known duplicate' },
    })
    await member.leave()
  })

  it('EVT-R38 a request whose delivery dies yields one failed reply with the problem', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id)
    const eventId = await ask(1, {
      responseType: 'job.answered',
      responseTopic: 'business-facts',
      correlationId: 'wait-1',
      planId: 'plan-r',
    })
    await member.nack(await member.delivery(), { problem: { ...problem, retryable: false } })
    const reply = JSON.parse(
      (await host.waitFor(({ type, envelope }) => type === 'job.answered' && envelope.includes('wait-1'))).envelope,
    )
    expect(reply).toMatchObject({
      topic: 'business-facts',
      outcome: 'failed',
      causationid: eventId,
      correlationid: 'wait-1',
      planid: 'plan-r',
    })
    expect(reply.data.problem).toMatchObject({ code: 'printer-on-fire' })
    const [dead] = await deadLetters(id)
    await host.events.deadLetters.replay(context, {
      params: { deliveryId: dead?.deliveryId as string },
      body: { note: 'again' },
    })
    const again = await member.delivery()
    expect(again).toMatchObject({ deliveryId: dead?.deliveryId, event: { id: eventId, replayid: dead?.deliveryId } })
    await member.nack(again, { dead: true, problem })
    expect(
      host.recorded.filter(({ type, envelope }) => type === 'job.answered' && envelope.includes('wait-1')),
    ).toHaveLength(1)
    await member.leave()
  })

  it('a replayed dead letter goes to its own group alone and is replayed once it is acknowledged', async () => {
    const id = await subscribe()
    const other = await subscribe()
    const member = await aMember(host, context, id)
    const bystander = await aMember(host, context, other)
    await ask(1)
    const mine = await member.delivery()
    await bystander.ack(await bystander.delivery())
    await member.nack(mine, { dead: true, problem })
    const { matched, replayed } = await host.events.deadLetters.replayMany(context, {
      body: { filter: { subscriptionId: id }, note: 'fixed' },
    })
    expect([matched, replayed]).toEqual([1, 1])
    const again = await member.delivery()
    expect(again).toMatchObject({ deliveryId: mine.deliveryId, attempt: 1 })
    await member.ack(again)
    expect((await deadLetters(id))[0]?.state).toBe('replayed')
    await ask(2)
    expect(numberOf(await bystander.delivery())).toBe(2)
    await expect(
      host.events.deadLetters.replay(context, { params: { deliveryId: mine.deliveryId }, body: { note: 'twice' } }),
    ).rejects.toMatchObject({ code: 'conflict' })
    for (const each of [member, bystander]) await each.leave()
  })

  it.each(['continue', 'block'])(
    'edited data reaches the member as a new event that the dead one caused (%s)',
    async (onDeadLetter) => {
      const id = await subscribe({ onDeadLetter })
      const member = await aMember(host, context, id)
      const eventId = await ask(1)
      const first = await member.delivery()
      await member.nack(first, { dead: true, problem })
      const { deliveryId } = first
      await host.events.deadLetters.replay(context, {
        params: { deliveryId },
        body: { note: 'mended', data: { n: 2 } },
      })
      const again = await member.delivery()
      expect(again).toMatchObject({
        deliveryId,
        attempt: 1,
        event: { causationid: eventId, replayid: deliveryId, data: { n: 2 } },
      })
      expect(again.event.id).not.toBe(eventId)
      await member.nack(again, { dead: true, problem })
      expect(await deadLetters(id)).toMatchObject([{ eventId: again.event.id, state: 'open', attempts: [{}, {}] }])
      await host.events.deadLetters.replay(context, { params: { deliveryId }, body: { note: 'as it was edited' } })
      const last = await member.delivery()
      expect(last.event).toMatchObject({ id: again.event.id, data: { n: 2 } })
      await member.ack(last)
      expect((await deadLetters(id))[0]?.state).toBe('replayed')
      await member.leave()
    },
  )

  it('EVT-R33 attempt n waits min(maxMs, baseMs·factorⁿ⁻¹) with full jitter, or what the nack says; what cannot be retried is dead at once', async () => {
    const backoff = { baseMs: 1000, factor: 10, maxMs: 50_000 }
    expect([1, 2, 3, 4].map((attempt) => backoffMs(backoff, attempt, () => 1))).toEqual([1000, 10_000, 50_000, 50_000])
    expect([1, 3].map((attempt) => backoffMs(backoff, attempt, () => 0.5))).toEqual([500, 25_000])
    const id = await subscribe({ maxAttempts: 20, backoff })
    const member = await aMember(host, context, id)
    await ask(1)
    const databaseNow = Date.now()
    await member.nack(await member.delivery(), { problem, retryAfterMs: 7_000 })
    const [row] = (await host.events.deliveries.list(context, { params: { subscriptionId: id } })).items
    expect(Date.parse(row?.dueAt as string) - databaseNow).toBeGreaterThanOrEqual(7_000)
    expect(Date.parse(row?.dueAt as string) - databaseNow).toBeLessThan(9_000)
    host.clock.advance(7_000)
    await member.nack(await member.delivery(), { problem: { ...problem, retryable: false } })
    expect(await deadLetters(id)).toHaveLength(1)
    await member.leave()
  })

  it('EVT-R27 an emit that is refused leaves the lease untouched and publishes nothing of the ack; a good one commits with it', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id)
    const eventId = await ask(1, { planId: 'plan-emit', correlationId: 'corr-emit' })
    const delivery = await member.delivery()
    const good = { id: `good-${eventId}`, type: 'job.answered', topic: 'business-facts', data: {} }
    const refused = await member.ack(delivery, [good, { type: 'job.unknown', topic: 'business-facts', data: {} }])
    expect(refused).toMatchObject({
      settled: [],
      lost: [],
      refused: [{ deliveryId: delivery.deliveryId, problem: { code: 'unknown-event-type' } }],
    })
    await host.events.events.publish(context, {
      body: { ...good, source: '/principals/agt_one', id: `used-${eventId}` },
    })
    const reused = await member.ack(delivery, [good, { ...good, id: `used-${eventId}`, data: { other: true } }])
    expect(reused.refused).toMatchObject([{ problem: { code: 'event-id-reused' } }])
    expect(host.recorded.filter(({ eventId: recorded }) => recorded === good.id)).toEqual([])
    expect((await member.ack(delivery, [good])).settled).toEqual([delivery.deliveryId])
    const emitted = JSON.parse((await host.waitFor(({ eventId: recorded }) => recorded === good.id)).envelope)
    expect(emitted).toMatchObject({ causationid: eventId, correlationid: 'corr-emit', planid: 'plan-emit' })
    await member.leave()
  })

  it('a settle that the database refuses changes nothing and can be repeated', async () => {
    let fails = false
    const broken = await createEventsHost({
      beforeCommit: () => {
        if (fails) throw new Error('disk full')
      },
    })
    await broken.define(context, 'job.asked')
    const { id } = await broken.events.subscriptions.create(context, {
      body: { name: 'g', topics: ['business-facts'], types: ['job.asked'] },
    })
    const member = await aMember(broken, context, id)
    await broken.events.events.publish(context, { body: { type: 'job.asked', topic: 'business-facts', data: {} } })
    const delivery = await member.delivery()
    fails = true
    const emit = { id: 'emit-1', type: 'job.asked', topic: 'business-facts', data: {} }
    await expect(member.ack(delivery, [emit])).rejects.toMatchObject({ code: 'unavailable' })
    await expect(broken.events.events.publish(context, { body: emit })).rejects.toMatchObject({ code: 'unavailable' })
    fails = false
    expect((await member.ack(delivery, [emit])).settled).toEqual([delivery.deliveryId])
    expect(broken.recorded.filter(({ eventId }) => eventId === 'emit-1')).toHaveLength(1)
    await broken.close()
  })
})
