import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aJobGroup,
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
  type TestMember,
} from '../../testing/index.ts'

const context = anEventsContext()
const EVENTS = 6
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'job.asked')
}, 60_000)
afterAll(() => host.close())

let groups = 0
const subscribe = (more = {}) => {
  groups++
  return aJobGroup(host, context, { ordered: false, leaseMs: 60_000, ...more })
}
/** All of one key. */
const ask = () =>
  host.events.events.publishBatch(context, {
    body: {
      events: Array.from({ length: EVENTS }, (_, n) => ({
        type: 'job.asked',
        topic: 'business-facts',
        partitionKey: `key-${groups}`,
        data: { n },
      })),
    },
  })
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n
const take = async (member: TestMember, events: number): Promise<ReceivedDelivery[]> => {
  const taken: ReceivedDelivery[] = []
  while (taken.length < events) taken.push(await member.delivery())
  return taken.toSorted((left, right) => numberOf(left) - numberOf(right))
}
const all = Array.from({ length: EVENTS }, (_, n) => n)
const states = async (subscriptionId: string) =>
  (await host.events.deliveries.list(context, { params: { subscriptionId } })).items.map(({ state }) => state)
const problem = { code: 'printer-on-fire', detail: 'the printer is on fire', retryable: true }

describe('EVT-R24 a subscription with ordered: false', () => {
  it('has all events of a key in hand at once, by several members, where an ordered one has the first', async () => {
    const id = await subscribe()
    const ordered = await subscribe({ ordered: true })
    const members = [
      await aMember(host, context, id, { credits: 3 }),
      await aMember(host, context, id, { credits: 3 }),
    ] as const
    const one = await aMember(host, context, ordered, { credits: 10 })
    await ask()
    const [left, right] = [await take(members[0], 3), await take(members[1], 3)]
    expect(new Set([...left, ...right].map(numberOf))).toEqual(new Set(all))
    expect(await states(id)).toEqual(all.map(() => 'leased'))
    expect(numberOf(await one.delivery())).toBe(0)
    expect((await states(ordered)).filter((state) => state === 'leased')).toHaveLength(1)
    for (const delivery of right) await members[1].ack(delivery)
    expect(await states(id)).toHaveLength(3)
    for (const member of [...members, one]) await member.leave()
  })

  it.each(['continue', 'block'])(
    'retries, dead letters and leases are as ever, and none of them holds back another event (onDeadLetter: %s)',
    async (onDeadLetter) => {
      const id = await subscribe({ onDeadLetter, maxAttempts: 2 })
      const member = await aMember(host, context, id, { credits: 2 })
      await ask()
      const [retried, dead] = await take(member, 2)
      await member.nack(retried as ReceivedDelivery, { problem, retryAfterMs: 30_000 })
      await member.nack(dead as ReceivedDelivery, { problem, dead: true })
      const [lapsed, acked] = await take(member, 2)
      const { deliveryId, attempt } = acked as ReceivedDelivery
      await member.settle({ acks: [{ deliveryId, attempt }], credits: 0 })
      host.clock.advance(60_000)
      await until(async () => (await states(id)).every((state) => state !== 'leased'))
      await member.settle({ credits: 2 })
      const again = [await member.delivery(), await member.delivery()]
      expect(new Map(again.map((each) => [each.deliveryId, each.attempt]))).toEqual(
        new Map([retried, lapsed].map((each) => [each?.deliveryId, 2])),
      )
      for (const each of again) await member.nack(each, { problem })
      const rest = await take(member, EVENTS - 4)
      for (const each of rest) await member.ack(each)
      const letters = (await host.events.deadLetters.list(context, { query: { subscriptionId: id } })).items
      expect(Object.fromEntries(letters.map((letter) => [letter.deliveryId, letter.attempts.length]))).toEqual(
        Object.fromEntries([[dead?.deliveryId, 1], ...again.map((each) => [each.deliveryId, 2])]),
      )
      await member.leave()
    },
  )

  it('a restart delivers what was not settled, once each; made ordered again, a key is in one hand', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id)
    await ask()
    const taken = await take(member, EVENTS)
    // Around events that are not settled.
    for (const n of [1, 4]) await member.ack(taken[n] as ReceivedDelivery)
    await host.crash()
    host = await createEventsHost({ database: host.database })
    const back = await aMember(host, context, id, { memberId: member.memberId })
    expect((await take(back, EVENTS - 2)).map(numberOf)).toEqual([0, 2, 3, 5])
    await back.settle({
      nacks: taken.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, release: true })),
      credits: 0,
    })
    const { version } = await host.events.subscriptions.get(context, { params: { subscriptionId: id } })
    await host.events.subscriptions.update(context, {
      params: { subscriptionId: id },
      body: { ordered: true },
      ifMatch: version,
    } as never)
    await back.leave()
    const last = await aMember(host, context, id)
    for (const n of [0, 2, 3, 5]) {
      const delivery = await last.delivery()
      expect(numberOf(delivery)).toBe(n)
      expect((await states(id)).filter((state) => state === 'leased')).toHaveLength(1)
      await last.ack(delivery)
    }
    await last.leave()
  })
})
