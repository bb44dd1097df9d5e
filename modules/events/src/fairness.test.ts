import { afterAll, beforeAll, expect, it } from 'vitest'
import { aMember, anEventsContext, aTail, createEventsHost, type EventsHost } from '../testing/index.ts'

const topic = 'business-facts'
const alice = anEventsContext()
const bob = anEventsContext('tenant-b')
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ partitions: 1 })
  for (const by of [alice, bob]) await host.define(by, 'step.done')
}, 60_000)
afterAll(() => host.close())

const publish = (by: typeof alice) => host.events.events.publish(by, { body: { type: 'step.done', topic, data: {} } })
const subscribe = async (by: typeof alice, name: string) =>
  (await host.events.subscriptions.create(by, { body: { name, topics: [topic] } })).id
const follow = (by: typeof alice) => aTail(host, by)

it('EVT-R48 a tenant whose backlog fills its window and whose readers stand still holds up nobody else on the same partition', async () => {
  const slow = await aMember(host, alice, await subscribe(alice, 'slow'), { credits: 1 })
  const quick = await aMember(host, bob, await subscribe(bob, 'quick'), { credits: 1 })
  const [idle, live] = [await follow(alice), await follow(bob)]
  const events = Array.from({ length: 500 }, () => ({ type: 'step.done', topic, data: {} }))
  for (let batch = 0; batch < 10; batch++) await host.events.events.publishBatch(alice, { body: { events } })
  await slow.delivery()
  for (let round = 0; round < 3; round++) {
    const { eventId } = await publish(bob)
    const delivery = await quick.delivery()
    expect(delivery.event.id).toBe(eventId)
    await quick.ack(delivery)
    expect((await live.next()).data.id).toBe(eventId)
  }
  const lagOf = async (by: typeof alice) => (await host.events.lag.list(by)).items.map(({ inFlight }) => inFlight)
  expect(await lagOf(alice)).toEqual([1])
  expect(await lagOf(bob)).toEqual([0])
  for (const each of [slow, quick]) await each.leave()
  for (const each of [idle, live]) await each.close()
})

const batchOf = (count: number) => ({
  events: Array.from({ length: count }, () => ({ type: 'step.done', topic, data: {} })),
})
const isOf = (by: typeof alice) => (record: { tenantId: string }) => record.tenantId === by.tenantId

it('EVT-R48 a tenant that publishes a flood is written in turns with the others: nobody waits for more than the transaction under way and the next', async () => {
  await publish(bob)
  const before = host.recorded.filter(isOf(alice)).length
  const aliceRecorded = () => host.recorded.filter(isOf(alice)).length - before
  const flood = Array.from({ length: 20 }, () => host.events.events.publishBatch(alice, { body: batchOf(500) }))
  await Promise.race(flood)
  const passedAtFirst = aliceRecorded()
  const { eventId } = await publish(bob)
  const passed = host.recorded
    .slice(
      0,
      host.recorded.findIndex((record) => record.eventId === eventId),
    )
    .filter(isOf(alice)).length
  expect(passedAtFirst).toBeLessThan(4_000)
  expect(passed - before - passedAtFirst).toBeLessThanOrEqual(4_000)
  await Promise.all(flood)
  expect(aliceRecorded()).toBe(10_000)
}, 20_000)

it('EVT-R48 a delivery never stands behind the backlog of another tenant, while that is handed out too', async () => {
  const busy = await aMember(host, alice, await subscribe(alice, 'busy'), { credits: 10 })
  const quick = await aMember(host, bob, await subscribe(bob, 'calm'), { credits: 1 })
  for (let batch = 0; batch < 4; batch++) await host.events.events.publishBatch(alice, { body: batchOf(500) })
  let handed = 0
  const acknowledging = (async () => {
    for (; handed < 2_000; handed++) await busy.ack(await busy.delivery())
  })()
  for (let round = 0; round < 20; round++) {
    const handedBefore = handed
    const { eventId } = await publish(bob)
    const delivery = await quick.delivery()
    expect(delivery.event.id).toBe(eventId)
    // The publish and the lease are a transaction each; a member that acknowledges one by one gets no further in so many.
    expect(handed - handedBefore).toBeLessThanOrEqual(10)
    await quick.ack(delivery)
  }
  expect(handed).toBeGreaterThan(20)
  expect(handed).toBeLessThan(2_000)
  await acknowledging
  for (const each of [busy, quick]) await each.leave()
}, 20_000)
