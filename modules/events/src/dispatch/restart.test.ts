import { describe, expect, it } from 'vitest'
import {
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
} from '../../testing/index.ts'

const context = anEventsContext()
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n

async function aHost(): Promise<EventsHost> {
  const host = await createEventsHost()
  await host.define(context, 'job.asked')
  return host
}
const ask = async (host: EventsHost, n: number, partitionKey: string) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', data: { n }, partitionKey },
  })
const subscribe = async (host: EventsHost, more: Readonly<Record<string, unknown>> = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: 'restarted', topics: ['business-facts'], backoff: { baseMs: 1, maxMs: 1 }, ...more },
    })
  ).id

describe('a dispatcher that died', () => {
  it('leaves rows from which its successor goes on: leased, retrying, parked, settled above the cursor, dead', async () => {
    const first = await aHost()
    const id = await subscribe(first, { leaseMs: 60_000 })
    const member = await aMember(first, context, id, { credits: 10 })
    for (const [n, key] of [
      [1, 'leased'],
      [2, 'leased'],
      [3, 'retrying'],
      [4, 'retrying'],
      [5, 'settled'],
      [6, 'dead'],
    ] as const)
      await ask(first, n, key)
    const held = new Map<number, ReceivedDelivery>()
    for (let index = 0; index < 4; index++) {
      const delivery = await member.delivery()
      held.set(numberOf(delivery), delivery)
    }
    expect([...held.keys()].toSorted((left, right) => left - right)).toEqual([1, 3, 5, 6])
    await member.ack(held.get(5) as ReceivedDelivery)
    await member.nack(held.get(6) as ReceivedDelivery, { dead: true })
    await member.nack(held.get(3) as ReceivedDelivery, { retryAfterMs: 1500 })
    await first.crash()

    const second = await createEventsHost({ database: first.database })
    const back = await aMember(second, context, id, { memberId: member.memberId, credits: 10 })
    const again = await back.delivery()
    expect(again).toMatchObject({ deliveryId: held.get(1)?.deliveryId, attempt: 1, redelivered: true })
    await back.ack(again)
    const seen: [number, number][] = []
    for (let index = 0; index < 3; index++) {
      const delivery = await back.delivery()
      seen.push([numberOf(delivery), delivery.attempt])
      await back.ack(delivery)
    }
    expect(seen.filter(([n]) => n <= 2)).toEqual([[2, 1]])
    expect(seen.filter(([n]) => n > 2)).toEqual([
      [3, 2],
      [4, 1],
    ])
    await ask(second, 7, 'settled')
    expect(numberOf(await back.delivery())).toBe(7)
    await second.close()
  }, 60_000)

  it('gives the leases of members that stay away to others within 5 s, with the next attempt', async () => {
    const first = await aHost()
    const id = await subscribe(first, { leaseMs: 3_600_000, memberGraceMs: 600_000 })
    const member = await aMember(first, context, id)
    await ask(first, 1, 'k')
    const lost = await member.delivery()
    await first.crash()

    const second = await createEventsHost({ database: first.database })
    const heir = await aMember(second, context, id)
    second.clock.advance(3100)
    const inherited = await heir.delivery()
    expect(inherited).toMatchObject({ deliveryId: lost.deliveryId, attempt: 2, redelivered: true })
    await heir.ack(inherited)
    expect((await second.events.deliveries.list(context, { params: { subscriptionId: id } })).items).toEqual([])
    await second.close()
  }, 60_000)

  it('answers a settle that was carried out before the crash as settled', async () => {
    const first = await aHost()
    const id = await subscribe(first)
    const member = await aMember(first, context, id)
    await ask(first, 1, 'k')
    const delivery = await member.delivery()
    await member.ack(delivery)
    await first.crash()
    const second = await createEventsHost({ database: first.database })
    const back = await aMember(second, context, id, { memberId: member.memberId })
    expect((await back.ack(delivery)).settled).toEqual([delivery.deliveryId])
    await second.close()
  }, 60_000)

  it('a delivery that was in hand and is finished before the log was read up to it is not handed out again', async () => {
    const first = await aHost()
    const id = await subscribe(first)
    const member = await aMember(first, context, id)
    await ask(first, 1, 'k')
    await member.delivery()
    await first.crash()
    // With room for no more than the row that it finds, the successor reads nothing before that one is finished.
    const second = await createEventsHost({ database: first.database, settings: { maxParked: 1 } })
    const back = await aMember(second, context, id, { memberId: member.memberId })
    await back.ack(await back.delivery())
    await ask(second, 2, 'k')
    expect(numberOf(await back.delivery())).toBe(2)
    await second.close()
  }, 60_000)
})
