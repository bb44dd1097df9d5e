import { newUuid } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, aPushTarget, aTail, createEventsHost, type EventsHost } from '../testing/index.ts'

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
const subscribe = async (by: typeof alice, name: string, more = {}) =>
  (await host.events.subscriptions.create(by, { body: { name, topics: [topic], ...more } })).id
const follow = (by: typeof alice) => aTail(host, by)
/** Answers how many of so many events of alice, sent at once in batches of five, were accepted. */
async function flood(on: EventsHost, count: number): Promise<number> {
  const events = Array.from({ length: 5 }, () => ({ type: 'step.done', topic, data: {} }))
  const batches = Array.from({ length: count / 5 }, () => on.events.events.publishBatch(alice, { body: { events } }))
  const answers = await Promise.allSettled(batches)
  const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
  expect(refused).toMatchObject(refused.map(() => ({ code: 'rate-limited', status: 429 })))
  return (answers.length - refused.length) * 5
}
const soon = { code: 'rate-limited', status: 429, extensions: { retryAfterMs: 5000 } }

describe('EVT-R48 quotas of a tenant', () => {
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

  it('bytes a day are never more than the quota, however many processes publish, die and start again', async () => {
    const quotaBytes = 200_000
    const settings = { quotaBytesPerDay: quotaBytes }
    const large = { data: { filler: 'x'.repeat(9_000) } }
    const first = await createEventsHost({ settings, isShared: true })
    await first.define(alice, 'step.done')
    const again = () => createEventsHost({ database: first.database, isSecondProcess: true, settings })
    const publishSome = async (on: EventsHost, most: number) => {
      for (let n = 0; n < most; n++) await publish(alice, large, on)
    }
    await publishSome(first, 5)
    await first.crash()
    const [second, third] = [await again(), await again()]
    const ends = await Promise.allSettled([publishSome(second, 100), publishSome(third, 100)])
    expect(ends).toMatchObject(ends.map(() => ({ status: 'rejected', reason: { code: 'rate-limited', status: 429 } })))
    for (const each of [second, third]) await each.drain()
    const fourth = await again()
    // What two others gave back may make room for one more.
    await expect(publishSome(fourth, 2)).rejects.toMatchObject({ code: 'rate-limited' })
    const stored = await first.database.transaction({ role: 'soma_bus' }, (session) =>
      session.query("select from events.log where type = 'step.done'"),
    )
    expect(stored.length * 9_000).toBeLessThanOrEqual(quotaBytes)
    expect(stored.length * 9_000).toBeGreaterThan(quotaBytes * 0.8)
    await fourth.drain()
    await first.database.close()
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

  it('events a second are those of all processes together, of one that starts again too', async () => {
    const perSecond = 50
    const settings = { quotaEventsPerSecond: perSecond }
    const first = await createEventsHost({ settings, isShared: true })
    const isSecondProcess = true
    const next = () => createEventsHost({ database: first.database, isSecondProcess, settings })
    const all = [first, await next(), await next()]
    for (const by of [alice, bob]) await first.define(by, 'step.done')
    const startedAt = performance.now()
    const accepted = await Promise.all([flood(first, 500), flood(all[1] as EventsHost, 500)])
    await first.drain()
    accepted.push(await flood(all[2] as EventsHost, 500))
    const seconds = (performance.now() - startedAt) / 1000
    const total = accepted.reduce((sum, count) => sum + count, 0)
    expect(total).toBeLessThanOrEqual(perSecond * (1 + seconds))
    expect(total).toBeGreaterThanOrEqual(perSecond * 0.9)
    for (let n = 0; n < 20; n++) await publish(bob, {}, all[1])
    for (const host of all.slice(1)) await host.drain()
    await first.database.close()
  })

  it('subscriptions, members by stream and by pull, and tails are bounded; whoever leaves makes room', async () => {
    const [first] = [await subscribe(alice, 'one'), await subscribe(alice, 'two')]
    const inSpace = anEventsContext('tenant-a', { spaceId: 'north' })
    for (const by of [alice, inSpace])
      await expect(subscribe(by, 'three')).rejects.toMatchObject({ code: 'rate-limited', status: 429 })
    const target = await aPushTarget()
    await expect(subscribe(alice, 'three', { push: { url: target.url } })).rejects.toMatchObject({ status: 429 })
    expect(target.handshakes).toBe(0)
    await target.close()
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
