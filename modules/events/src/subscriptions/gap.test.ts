import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  openRetention,
  type TestMember,
} from '../../testing/index.ts'

const YEAR_MS = 31_536_000_000
const topic = 'business-facts'
const context = anEventsContext()
let host: EventsHost
let neighbour: EventsHost
let retention: Awaited<ReturnType<typeof openRetention>>

beforeAll(async () => {
  host = await createEventsHost({ isShared: true })
  neighbour = await createEventsHost({ database: host.database, isSecondProcess: true })
  await host.define(context, 'step.done')
  retention = await openRetention(host)
}, 60_000)
afterAll(async () => {
  await retention.close()
  await neighbour.drain()
  await host.close()
})

let made = 0
const subscribe = async (more: object = {}) =>
  (await host.events.subscriptions.create(context, { body: { name: `gap-${++made}`, topics: [topic], ...more } })).id
const remove = (subscriptionId: string) =>
  host.events.subscriptions.delete(context, { params: { subscriptionId }, ifMatch: 1 })
const publish = (id: string) =>
  host.events.events.publish(context, {
    body: { id, type: 'step.done', topic, data: { of: id }, partitionKey: 'one' },
  })
const take = async (member: TestMember, id: string) => {
  const delivery = await member.delivery()
  expect(delivery.event.id).toBe(id)
  await member.ack(delivery)
}
const gapsOf = (subscriptionId: string) =>
  host.recorded
    .filter(({ type, envelope }) => type === 'subscription.gap-recorded' && envelope.includes(subscriptionId))
    .map(({ tenantId, envelope }) => ({ tenantId, ...JSON.parse(envelope).data }))
const isThere = async (eventId: string) =>
  (await host.events.events.list(context, { query: { topic, id: eventId } })).items.length === 1
const numberOf = (sequence: string | undefined) => Number(sequence?.split('-')[1])

describe('retention and subscriptions', () => {
  it('EVT-R43 waits for a group within the grace time, then moves it on: a fact, and a gap frame to its open streams; what is in hand keeps its event', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id, { credits: 1 })
    const first = await publish('a')
    const inHand = await member.delivery()
    const hasPassed = async () =>
      (await host.events.lag.list(context, { query: { subscriptionId: id } })).items.every(({ lag }) => lag === 0)
    await until(hasPassed)
    for (const later of ['b', 'c', 'd']) await publish(later)
    await retention.expire(topic, YEAR_MS)
    expect(gapsOf(id)).toEqual([])
    expect(await isThere('b')).toBe(true)

    await retention.expire(topic)
    await host.waitFor(({ type, envelope }) => type === 'subscription.gap-recorded' && envelope.includes(id))
    const part = Number(first.sequence?.split('-')[0])
    const at = numberOf(first.sequence)
    const gap = { topic, part, fromPosition: at + 1, toPosition: at + 3, reason: 'trimmed' }
    expect(gapsOf(id)).toEqual([{ tenantId: 'tenant-a', subscriptionId: id, ...gap }])
    const sequence = (position: number) => `${part}-${String(position).padStart(16, '0')}`
    expect(await member.next()).toEqual({
      event: 'gap',
      data: { topic, from: sequence(at + 1), to: sequence(at + 3), reason: 'trimmed' },
    })
    expect(await member.next()).toMatchObject({ event: 'closed' })

    expect(await isThere('a')).toBe(true)
    const again = await aMember(host, context, id, { memberId: member.memberId })
    expect(await again.delivery()).toMatchObject({ deliveryId: inHand.deliveryId, event: { data: { of: 'a' } } })
    await again.ack(inHand)
    await publish('e')
    await take(again, 'e')
    await again.leave()
    await remove(id)
    await retention.expire(topic)
    expect(await isThere('a')).toBe(false)
  })

  it('a gap that nobody was connected for is told to the next stream, once', async () => {
    const id = await subscribe({ startAt: 'earliest' })
    await publish('f')
    await retention.expire(topic)
    const first = await aMember(host, context, id)
    const second = await aMember(host, context, id)
    expect(await first.next()).toMatchObject({ event: 'gap', data: { topic, reason: 'trimmed' } })
    await publish('g')
    const frame = await Promise.race([first.next(), second.next()])
    expect(frame).toMatchObject({ event: 'delivery', data: { event: { id: 'g' } } })
    await Promise.all([first.leave(), second.leave()])
    await remove(id)
  })

  it('EVT-R43 a stream at another process than the dispatcher gets the frame; in a broadcast the member that is behind does', async () => {
    const broadcast = await subscribe({ mode: 'broadcast' })
    const away = await aMember(host, context, broadcast)
    const present = await aMember(host, context, broadcast)
    await away.leave()
    host.clock.advance(20_000)
    const dispatched = () =>
      host.database.transaction({ role: 'soma_bus' }, (session) =>
        session.query(`select from runtime.job_leases where name like $1 and owner is not null`, [
          `%/${away.memberId}`,
        ]),
      )
    await until(async () => (await dispatched()).length === 0)
    const group = await subscribe()
    const holder = await aMember(host, context, group, { credits: 1 })
    await publish('g1')
    await take(present, 'g1')
    await holder.delivery()
    const guest = await aMember(neighbour, context, group)
    await publish('g2')
    await take(present, 'g2')
    const caughtUp = async () =>
      (await host.events.lag.list(context, { query: { subscriptionId: broadcast } })).items
        .filter(({ memberId }) => memberId === present.memberId)
        .every(({ lag }) => lag === 0)
    await until(caughtUp)
    await retention.expire(topic)
    expect(await guest.next()).toMatchObject({ event: 'gap', data: { topic, reason: 'trimmed' } })
    await host.waitFor(({ type, envelope }) => type === 'subscription.gap-recorded' && envelope.includes(broadcast))
    const back = await aMember(host, context, broadcast, { memberId: away.memberId })
    expect(await back.next()).toMatchObject({ event: 'gap', data: { topic } })
    await publish('g3')
    await take(back, 'g3')
    await take(present, 'g3')
    for (const each of [holder, guest, back, present]) await each.leave()
    for (const id of [group, broadcast]) await remove(id)
  })

  it('EVT-R43 a dead letter keeps its event whatever its age, and is replayed when the log has lost it', async () => {
    const id = await subscribe({ maxAttempts: 1 })
    const member = await aMember(host, context, id)
    await publish('h')
    const delivery = await member.delivery()
    await member.nack(delivery, { dead: true })
    await publish('i')
    await take(member, 'i')
    await until(async () => {
      await retention.expire(topic)
      return !(await isThere('h'))
    })
    expect(gapsOf(id)).toEqual([])
    const params = { deliveryId: delivery.deliveryId }
    expect(await host.events.deadLetters.get(context, { params })).toMatchObject({ event: { data: { of: 'h' } } })
    await host.events.deadLetters.replay(context, { params, body: { note: 'mended' } })
    const again = await member.delivery()
    expect(again).toMatchObject({ deliveryId: delivery.deliveryId, event: { id: 'h', data: { of: 'h' } } })
    await member.ack(again)
    await member.leave()
    await remove(id)
  })
})
