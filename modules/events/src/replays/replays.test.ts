import { type Delivered, onTopic } from '@soma/kernel'
import { effectsMigration, openEventSpine, queue, until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
  type TestMember,
} from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()
const stranger = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost()
  for (const type of ['cart.filled', 'cart.paid']) await host.define(context, type)
  await host.define(stranger, 'cart.filled')
  await host.database.migrate([effectsMigration])
}, 60_000)
afterAll(() => host.close())

let made = 0
const subscribe = async (more: object = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: `replay-${++made}`, topics: ['business-facts'], types: ['cart.*'], ...more },
    })
  ).id
const publish = (events: readonly object[], by = context) =>
  host.events.events.publishBatch(by, {
    body: { events: events.map((event) => ({ topic: 'business-facts', type: 'cart.filled', data: {}, ...event })) },
  })
type Create = EventsHost['events']['replays']['create']
type Body = NonNullable<NonNullable<Parameters<Create>[1]>['body']>
const replay = (body: Body, by = context) => host.events.replays.create(by, { body })
const stateOf = (replayId: string) => host.events.replays.get(context, { params: { replayId } })
const ended = (replayId: string) =>
  host.waitFor(({ type, envelope }) => type === 'replay.completed' && envelope.includes(replayId))

/** Acknowledges everything; `seen` has the deliveries in order. */
function working(member: TestMember) {
  const seen: ReceivedDelivery[] = []
  const done = (async () => {
    for (;;) {
      const frame = await member.next()
      if (frame === undefined) return
      if (frame.event !== 'delivery') continue
      const delivery = frame.data as ReceivedDelivery
      seen.push(delivery)
      void member.ack(delivery)
    }
  })()
  return {
    seen,
    stop: async () => {
      await member.leave()
      await done
    },
  }
}

describe('replays', () => {
  it('EVT-R41 a new group that gets the past under live load ends with the same result as one that was there from the start; nobody else gets anything', async () => {
    const group = async (subscriptionId: string) =>
      working(await aMember(host, context, subscriptionId, { credits: 100 }))
    let n = 0
    const batch = (size: number) =>
      publish(Array.from({ length: size }, () => ({ partitionKey: `k${n % 20}`, data: { n: n++ } })))
    const veteran = await group(await subscribe())
    const bystander = await group(await subscribe())
    for (let round = 0; round < 4; round++) await batch(500)
    const newId = await subscribe({ startAt: 'latest' })
    const newcomer = await group(newId)
    const startedAt = performance.now()
    const { id } = await replay({ subscriptionId: newId, ratePerSecond: 5000 })
    for (let round = 0; round < 10; round++) await batch(20)
    await ended(id)
    expect(performance.now() - startedAt).toBeGreaterThan((2000 / 5000) * 1000)
    await until(async () => [veteran, bystander, newcomer].every(({ seen }) => seen.length === n))
    const replayed = newcomer.seen.filter(({ event }) => event.replayid === id)
    expect(replayed).toHaveLength(2000)
    expect(await stateOf(id)).toMatchObject({ state: 'completed', matched: 2000, delivered: 2000 })
    expect(veteran.seen.some(({ event }) => 'replayid' in event)).toBe(false)
    const numbersOf = (deliveries: readonly ReceivedDelivery[]) =>
      deliveries.map(({ event }) => (event.data as { n: number }).n)
    const resultOf = ({ seen }: typeof veteran) => numbersOf(seen).toSorted((a, b) => a - b)
    expect(resultOf(newcomer)).toEqual(resultOf(veteran))
    const pastOf = (deliveries: readonly ReceivedDelivery[], key: string) =>
      numbersOf(deliveries.filter(({ event }) => event.partitionkey === key))
    for (let key = 0; key < 20; key++)
      expect(pastOf(replayed, `k${key}`)).toEqual(pastOf(veteran.seen, `k${key}`).slice(0, 100))
    await Promise.all([veteran.stop(), bystander.stop(), newcomer.stop()])
  })

  it('EVT-A11 a new projection that gets a week of plan-events at 5,000 a second under live load equals one that was there from the start; no other group receives anything', async () => {
    const topics = ['plan-events']
    await host.define(context, 'step.taken', { topic: 'plan-events' })
    const projecting = async (name: string) => {
      const body = { name, topics, types: ['step.taken'] }
      const { id } = await host.events.subscriptions.create(context, { body })
      return { id, ...working(await aMember(host, context, id, { credits: 200 })) }
    }
    let n = 0
    const take = async (total: number) => {
      const events = Array.from({ length: total }, () => ({
        ...{
          type: 'step.taken',
          topic: 'plan-events',
          planId: `plan-${n % 50}`,
          data: { n, status: `s${n}`, cost: n++ % 7 },
        },
        time: new Date(Date.now() - 7 * 86_400_000 + n * 1000).toISOString(),
      }))
      await publish(events)
    }
    /** Status and cost of each plan, as read models keep them: an event counts once, the newest decides. */
    const projectionOf = ({ seen }: { seen: readonly ReceivedDelivery[] }) => {
      const plans = new Map<string, { status: string; cost: number; sequence: string }>()
      const counted = new Set<string>()
      for (const { event } of seen) {
        if (counted.has(event.id)) continue
        counted.add(event.id)
        const plan = plans.get(event['planid'] as string) ?? { status: '', cost: 0, sequence: '' }
        const { status, cost } = event.data as { status: string; cost: number }
        const sequence = event['sequence'] as string
        const isNewest = sequence > plan.sequence
        plans.set(event['planid'] as string, {
          cost: plan.cost + cost,
          ...(isNewest ? { status, sequence } : { status: plan.status, sequence: plan.sequence }),
        })
      }
      return plans
    }
    const veteran = await projecting('plans-from-the-start')
    const bystander = await projecting('plans-bystander')
    for (let round = 0; round < 8; round++) await take(500)
    const newcomer = await projecting('plans-anew')
    const startedAt = performance.now()
    const { id } = await replay({ subscriptionId: newcomer.id, topics, ratePerSecond: 5000 })
    for (let round = 0; round < 10; round++) await take(20)
    await ended(id)
    expect(performance.now() - startedAt).toBeGreaterThan((4000 / 5000) * 1000 - 200)
    await until(async () => [veteran, bystander, newcomer].every(({ seen }) => seen.length === n))
    expect(await stateOf(id)).toMatchObject({ state: 'completed', matched: 4000, delivered: 4000 })
    const projection = projectionOf(newcomer)
    expect(projection).toEqual(projectionOf(veteran))
    expect(projection.get('plan-49')).toMatchObject({ status: `s${n - 1}` })
    for (const { seen } of [veteran, bystander]) expect(seen.some(({ event }) => 'replayid' in event)).toBe(false)
    await Promise.all([veteran, bystander, newcomer].map((group) => group.stop()))
  }, 60_000)

  it('EVT-R41 is chosen by time, topic, type and key; a dry run counts and delivers nothing', async () => {
    const before = new Date(Date.now() - 1).toISOString()
    await publish([
      { id: 'one', partitionKey: 'choice' },
      { id: 'two', partitionKey: 'choice', type: 'cart.paid' },
      { id: 'three', partitionKey: 'other' },
    ])
    await publish([{ id: 'foreign', partitionKey: 'choice' }], stranger)
    const subscriptionId = await subscribe()
    const count = async (body: object) =>
      (await replay({ subscriptionId, dryRun: true, from: before, ...body })).matched
    expect(await count({})).toBe(3)
    expect(await count({ types: ['cart.paid'] })).toBe(1)
    expect(await count({ key: 'choice' })).toBe(2)
    expect(await count({ to: before })).toBe(0)
    expect(await count({ topics: ['business-events'], types: ['cart.*'] })).toBe(3)
    expect(await count({ topics: ['task-events'] })).toBe(0)
    const placeOf = async () =>
      (await host.events.lag.list(context, { query: { subscriptionId } })).items.map(({ position }) => position)
    const places = await placeOf()
    const member = await aMember(host, context, subscriptionId)
    const { id } = await replay({ subscriptionId, from: before, key: 'choice', types: ['cart.filled'] })
    const delivery = await member.delivery()
    expect(delivery.event).toMatchObject({ id: 'one', replayid: id })
    expect((await stateOf(id)).delivered).toBe(0)
    await member.ack(delivery)
    await ended(id)
    expect(await stateOf(id)).toMatchObject({ state: 'completed', matched: 1, delivered: 1, target: subscriptionId })
    expect(await placeOf()).toEqual(places)
    await member.leave()
  })

  it('EVT-R41 goes to the handlers of a module, which run again, and goes on in the next process', async () => {
    const owner = await openEventSpine(
      { ...host.database, close: async () => undefined },
      { tailPollMs: { active: 20, idle: 20 } },
      false,
    )
    const handled = queue<Delivered>()
    const effect = async (given: Delivered) => {
      await owner.effect(given)
      if (given.event.partitionkey === 'module') handled.push(given)
    }
    const group = 'module:carts'
    const consumer = owner.consumer([onTopic('business-facts', 'cart.filled', effect)], { commitEveryMs: 5 }, group)
    await consumer.start()
    const from = new Date(Date.now() - 1).toISOString()
    await publish(['m1', 'm2', 'm3', 'm4'].map((id) => ({ id, partitionKey: 'module' })))
    await handled.take(4)
    const { id } = await replay({ moduleGroup: group, from, key: 'module', ratePerSecond: 2 })
    expect((await handled.next()).event).toMatchObject({ id: 'm1', replayid: id })
    await host.drain()
    host = await createEventsHost({ database: host.database })
    const rest = (await handled.take(3)).map(({ event }) => [event.id, event.replayid])
    expect(rest).toEqual([
      ['m2', id],
      ['m3', id],
      ['m4', id],
    ])
    await ended(id)
    const effects = (await owner.effects()).filter(({ key }) => key === 'module').map(({ event_id }) => event_id)
    expect(effects).toEqual(['m1', 'm2', 'm3', 'm4', 'm1', 'm2', 'm3', 'm4'])
    await consumer.stop()
    await owner.close()
  })

  it('is cancelled: what nobody has in hand is taken back, live events go on, and a second replay may start', async () => {
    const from = new Date(Date.now() - 1).toISOString()
    await publish(Array.from({ length: 50 }, (_, index) => ({ id: `c${index}`, partitionKey: 'cancelled' })))
    const subscriptionId = await subscribe()
    const member = await aMember(host, context, subscriptionId, { credits: 1 })
    const { id } = await replay({ subscriptionId, from, key: 'cancelled', ratePerSecond: 1000 })
    const first = await member.delivery()
    await expect(replay({ subscriptionId })).rejects.toMatchObject({ code: 'conflict' })
    const cancelled = await host.events.replays.cancel(context, { params: { replayId: id } })
    expect(cancelled).toMatchObject({ state: 'cancelled', matched: 1, delivered: 0 })
    await expect(host.events.replays.cancel(context, { params: { replayId: id } })).rejects.toMatchObject({
      code: 'conflict',
    })
    const again = await aMember(host, context, subscriptionId, { memberId: member.memberId })
    expect(await again.delivery()).toMatchObject({ deliveryId: first.deliveryId, redelivered: true })
    await again.ack(first)
    await publish([{ id: 'live', partitionKey: 'cancelled' }])
    expect((await again.delivery()).event.id).toBe('live')
    await again.leave()
  })

  it('is its tenant’s alone', async () => {
    const subscriptionId = await subscribe()
    const { id } = await replay({ subscriptionId, dryRun: true })
    await expect(host.events.replays.get(stranger, { params: { replayId: id } })).rejects.toMatchObject({
      code: 'not-found',
    })
    await expect(replay({ subscriptionId }, stranger)).rejects.toMatchObject({ code: 'not-found' })
    await expect(replay({ subscriptionId, moduleGroup: 'module:carts' })).rejects.toMatchObject({
      code: 'invalid-request',
    })
  })
})
