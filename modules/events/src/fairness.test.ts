import { afterAll, beforeAll, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../testing/index.ts'

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
async function follow(by: typeof alice) {
  const ending = new AbortController()
  const frames = await host.events.events.stream(by, { query: { topics: topic }, signal: ending.signal })
  const iterator = frames[Symbol.asyncIterator]()
  return {
    next: async () => (await iterator.next()).value as { event: string; data: { id: string } },
    close: async () => {
      ending.abort()
      await iterator.return?.()
    },
  }
}
it('a tenant whose backlog fills its window and whose readers stand still holds up nobody else on the same partition', async () => {
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
