import { newUuid } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../testing/index.ts'

const DAY_MS = 86_400_000
const topic = 'business-facts'
const alice = anEventsContext()
const bob = anEventsContext('tenant-b')
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost({
    partitions: 1,
    settings: { quotaBytesPerDay: 1_000_000, quotaSubscriptions: 2, quotaMembers: 2, quotaStreams: 2 },
  })
  for (const by of [alice, bob]) await host.define(by, 'step.done')
}, 60_000)
afterAll(() => host.close())

const publish = (by: typeof alice, more: object = {}, on = host) =>
  on.events.events.publish(by, { body: { type: 'step.done', topic, data: {}, ...more } })
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
const soon = { code: 'rate-limited', status: 429, extensions: { retryAfterMs: 5000 } }

describe('quotas of a tenant', () => {
  it('bytes a day are counted over all processes, until the day is over; another tenant publishes on', async () => {
    const large = { data: { filler: 'x'.repeat(20_000) } }
    const fill = async () => {
      for (;;) await publish(alice, large)
    }
    const { code, status, extensions } = await fill().catch((problem) => problem)
    expect({ code, status }).toEqual({ code: 'rate-limited', status: 429 })
    expect(extensions.retryAfterMs).toBeGreaterThan(0)
    expect(extensions.retryAfterMs).toBeLessThanOrEqual(DAY_MS)
    await publish(bob)
    const counted = () =>
      host.database.transaction({ role: 'soma_bus' }, (session) =>
        session.query<{ bytes: number }>(`select bytes from events.usage where tenant_id = 'tenant-a'`),
      )
    await until(async () => ((await counted())[0]?.bytes ?? 0) > 950_000)
    const neighbour = await createEventsHost({
      database: host.database,
      isSecondProcess: true,
      partitions: 1,
      settings: { quotaBytesPerDay: 1_000_000 },
    })
    await expect(publish(alice, large, neighbour)).rejects.toMatchObject({ code: 'rate-limited' })
    neighbour.clock.advance(DAY_MS)
    await publish(alice, {}, neighbour)
    await neighbour.drain()
    host.clock.advance(DAY_MS)
    await publish(alice)
  })

  it('events a second are refused with the time after which they are taken; another tenant publishes on', async () => {
    const narrow = await createEventsHost({ settings: { quotaEventsPerSecond: 5 } })
    for (const by of [alice, bob]) await narrow.define(by, 'step.done')
    const flood = await Promise.allSettled(Array.from({ length: 20 }, () => publish(alice, {}, narrow)))
    const refused = flood.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(refused.length).toBeGreaterThanOrEqual(10)
    for (const { code, status, extensions } of refused) {
      expect({ code, status }).toEqual({ code: 'rate-limited', status: 429 })
      expect(extensions.retryAfterMs).toBeGreaterThan(0)
      expect(extensions.retryAfterMs).toBeLessThanOrEqual(1000)
    }
    for (let n = 0; n < 5; n++) await publish(bob, {}, narrow)
    await narrow.close()
  })

  it('subscriptions, members by stream and by pull, and tails are bounded; whoever leaves makes room', async () => {
    const [first] = [await subscribe(alice, 'one'), await subscribe(alice, 'two')]
    await expect(subscribe(alice, 'three')).rejects.toMatchObject({ code: 'rate-limited', status: 429 })
    const theirs = await subscribe(bob, 'one')

    const members = [await aMember(host, alice, first), await aMember(host, alice, first)]
    await expect(aMember(host, alice, first)).rejects.toMatchObject(soon)
    const pull = () =>
      host.events.deliveries.pull(alice, { params: { subscriptionId: first }, body: { memberId: newUuid() } })
    await expect(pull()).rejects.toMatchObject(soon)
    await (await aMember(host, bob, theirs)).leave()
    const again = await aMember(host, alice, first, { memberId: members[0]?.memberId as string })
    expect(await members[0]?.next()).toMatchObject({ event: 'closed' })
    for (const left of members) await left.leave()
    expect((await pull()).deliveries).toEqual([])
    // A member that only pulls is gone when it has nothing in hand.
    await until(() =>
      pull().then(
        () => true,
        () => false,
      ),
    )
    await again.leave()

    const tails = [await follow(alice), await follow(alice)]
    await expect(follow(alice)).rejects.toMatchObject(soon)
    await (await follow(bob)).close()
    await tails[0]?.close()
    await (await follow(alice)).close()
    await tails[1]?.close()
    for (const { id, version } of (await host.events.subscriptions.list(alice)).items)
      await host.events.subscriptions.delete(alice, { params: { subscriptionId: id }, ifMatch: version })
  })
})
