import { type Delivered, onTopic } from '@soma/kernel'
import { effectsMigration, openEventSpine, queue } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost, type TestMember } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()
beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'step.done')
  await host.database.migrate([effectsMigration])
}, 60_000)
afterAll(() => host.close())

let made = 0
const subscribe = async (more: object = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: `seek-${++made}`, topics: ['business-facts'], types: ['step.done'], ...more },
    })
  ).id
const publish = async (id: string, partitionKey = 'one') =>
  (
    await host.events.events.publish(context, {
      body: { id, type: 'step.done', topic: 'business-facts', data: {}, partitionKey },
    })
  ).sequence as string
type To = Parameters<EventsHost['events']['subscriptions']['seek']>[1]['body']['to']
const seek = (subscriptionId: string, to: To, by = context) =>
  host.events.subscriptions.seek(by, { params: { subscriptionId }, body: { to, note: 'a test' } })
const takeAll = async (member: TestMember, total: number) => {
  const ids: string[] = []
  while (ids.length < total) {
    const delivery = await member.delivery()
    ids.push(delivery.event.id)
    await member.ack(delivery)
  }
  return ids
}

describe('seek', () => {
  it('EVT-R42 back delivers again what was settled, to that group alone, and a module’s effects stay single', async () => {
    const [moved, other] = [await subscribe(), await subscribe()]
    const owner = await openEventSpine({ ...host.database, close: async () => undefined }, {}, false)
    const handled = queue<Delivered>()
    const effect = async (given: Delivered) => {
      await owner.effect(given)
      handled.push(given)
    }
    const aConsumer = () =>
      owner.consumer([onTopic('business-facts', 'step.done', effect)], { commitEveryMs: 5 }, 'module:sought')
    const consumer = aConsumer()
    await consumer.start()
    const first = await aMember(host, context, moved)
    const bystander = await aMember(host, context, other)
    const sequence = await publish('a')
    for (const id of ['b', 'c', 'd']) await publish(id)
    expect(await takeAll(first, 4)).toEqual(['a', 'b', 'c', 'd'])
    expect(await takeAll(bystander, 4)).toEqual(['a', 'b', 'c', 'd'])
    await handled.take(4)

    await seek(moved, { sequence, topic: 'business-facts' })
    expect(await first.next()).toMatchObject({ event: 'closed' })
    const again = await aMember(host, context, moved, { memberId: first.memberId })
    expect(await takeAll(again, 4)).toEqual(['a', 'b', 'c', 'd'])
    await again.leave()
    await seek(moved, 'earliest')
    const third = await aMember(host, context, moved)
    expect(await takeAll(third, 4)).toEqual(['a', 'b', 'c', 'd'])

    await consumer.stop()
    await owner.asBus((session) =>
      session.execute(`update events.cursor set pos = 0, segment = 0, epoch = epoch + 1 where grp = 'module:sought'`),
    )
    const next = aConsumer()
    await next.start()
    await publish('e')
    expect(await takeAll(third, 1)).toEqual(['e'])
    expect(await takeAll(bystander, 1)).toEqual(['e'])
    await handled.take(1)
    expect((await owner.effects()).map(({ event_id }) => event_id)).toEqual(['a', 'b', 'c', 'd', 'e'])
    await Promise.all([next.stop(), third.leave(), bystander.leave()])
    await owner.close()
  })

  it('forward skips what waits, ends what is in hand, and a late ack of it is lost', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id, { credits: 1 })
    await publish('f')
    const inHand = await member.delivery()
    await publish('g')
    await seek(id, 'latest')
    const again = await aMember(host, context, id)
    const { deliveryId, attempt } = inHand
    expect(await again.settle({ memberId: member.memberId, acks: [{ deliveryId, attempt, emits: [] }] })).toMatchObject(
      {
        settled: [],
        lost: [{ deliveryId }],
      },
    )
    await publish('h')
    expect(await takeAll(again, 1)).toEqual(['h'])
    await again.leave()
  })

  it('by another process moves a dispatcher that runs here', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id)
    await publish('i')
    expect(await takeAll(member, 1)).toEqual(['i'])
    const neighbour = await createEventsHost({ database: host.database, isSecondProcess: true })
    const ended = member.next()
    await neighbour.events.subscriptions.seek(context, {
      params: { subscriptionId: id },
      body: { to: { time: new Date(Date.now() - 3_600_000).toISOString() }, note: 'from afar' },
    })
    await neighbour.drain()
    expect(await ended).toMatchObject({ event: 'closed' })
    const again = await aMember(host, context, id)
    expect((await again.delivery()).event.id).toBe('a')
    await again.leave()
  })

  it('refuses places beyond the head, other people’s groups and other tenants', async () => {
    const id = await subscribe()
    await expect(seek(id, { sequence: '0-999999', topic: 'business-facts' })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/to/sequence' }] },
    })
    const colleague = anEventsContext('tenant-a', { principalId: 'agt_two', capabilities: ['event:subscribe'] })
    await expect(seek(id, 'latest', colleague)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(seek(id, 'latest', anEventsContext('tenant-b'))).rejects.toMatchObject({ code: 'not-found' })
  })
})
