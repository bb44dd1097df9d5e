import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../testing/index.ts'

let host: EventsHost
const alice = anEventsContext('tenant-a', { principalId: 'agt_same' })
const bob = anEventsContext('tenant-b', { principalId: 'agt_same' })

beforeAll(async () => {
  host = await createEventsHost()
  for (const context of [alice, bob]) await host.define(context, 'job.asked')
}, 60_000)
afterAll(() => host.close())

const ask = (context: typeof alice, n: number) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', data: { n }, partitionKey: 'same-key' },
  })

describe('tenants', () => {
  it('EVT-A6 with the same group name, agent name, topic and key never meet', async () => {
    const body = { name: 'same-name', topics: ['business-facts'] }
    const mine = await host.events.subscriptions.create(alice, { body })
    const theirs = await host.events.subscriptions.create(bob, { body })
    const member = await aMember(host, alice, mine.id)
    const other = await aMember(host, bob, theirs.id)
    for (let n = 0; n < 6; n++) await ask(alice, n)
    const received = []
    for (let n = 0; n < 6; n++) {
      const delivery = await member.delivery()
      received.push(delivery)
      if (n < 5) await member.ack(delivery)
    }
    expect(received.map(({ event }) => event.tenantid)).toEqual(Array.from({ length: 6 }, () => 'tenant-a'))
    const first = await ask(bob, 100)
    expect((await other.delivery()).event.id).toBe(first.eventId)

    const inHand = received[5] as (typeof received)[number]
    const acks = [{ deliveryId: inHand.deliveryId, attempt: 1 }]
    const absent = [{ deliveryId: 'dlv_01h455vb4pex5vsknk084sn02q', attempt: 1 }]
    expect((await other.settle({ acks })).lost).toEqual([{ deliveryId: inHand.deliveryId, reason: 'unknown' }])
    expect((await other.settle({ acks: absent })).lost).toEqual([
      { deliveryId: absent[0]?.deliveryId, reason: 'unknown' },
    ])
    expect(
      (await host.events.events.list(bob, { query: { topic: 'business-facts' } })).items.map(
        ({ tenantid }) => tenantid,
      ),
    ).toEqual(['tenant-b'])
    expect(
      (await host.events.lag.list(bob, { query: {} })).items.every(
        ({ subscriptionId }) => subscriptionId === theirs.id,
      ),
    ).toBe(true)
    expect((await host.events.connections.list(bob)).items.map(({ subscriptionId }) => subscriptionId)).toEqual([
      theirs.id,
    ])
    expect((await host.events.subscriptions.list(bob)).items.map(({ id }) => id)).toEqual([theirs.id])
    for (const subscriptionId of [mine.id, 'sub_01h455vb4pex5vsknk084sn02q']) {
      const params = { subscriptionId }
      const code = { code: 'not-found' }
      await expect(host.events.deliveries.list(bob, { params })).rejects.toMatchObject(code)
      await expect(host.events.subscriptions.get(bob, { params })).rejects.toMatchObject(code)
      await expect(host.events.subscriptions.delete(bob, { params, ifMatch: 1 })).rejects.toMatchObject(code)
      await expect(
        host.events.deliveries.pull(bob, { params, body: { memberId: other.memberId } }),
      ).rejects.toMatchObject(code)
      await expect(
        host.events.deliveries.settle(bob, { params, body: { memberId: other.memberId, acks } }),
      ).rejects.toMatchObject(code)
      await expect(aMember(host, bob, subscriptionId)).rejects.toMatchObject(code)
    }
    await member.nack(inHand, { dead: true })
    for (const deliveryId of [inHand.deliveryId, 'dlv_01h455vb4pex5vsknk084sn02q']) {
      const replay = host.events.deadLetters.replay(bob, { params: { deliveryId }, body: { note: 'mine?' } })
      await expect(replay).rejects.toMatchObject({ code: 'not-found', message: `no dead letter ${deliveryId}` })
    }
    expect((await host.events.deadLetters.list(bob)).items).toEqual([])
    for (const each of [member, other]) await each.leave()
  })

  it('raw SQL of tenant B finds nothing of tenant A in any table of the module', async () => {
    const scope = { role: 'soma_app', tenantId: 'tenant-b', spaceId: '' } as const
    for (const table of [
      'subscriptions',
      'members',
      'seen',
      'settled',
      'cursor',
      'delivery',
      'dead_letter',
      'log',
      'outbox',
    ]) {
      const rows = await host.database.transaction(scope, (session) =>
        session.query<{ tenant_id: string }>(`select distinct tenant_id from events.${table}`),
      )
      expect([table, rows.filter(({ tenant_id }) => tenant_id !== 'tenant-b')]).toEqual([table, []])
    }
  })

  it('a principal bound to a space sees events and subscriptions of that space alone', async () => {
    const red = anEventsContext('tenant-a', { principalId: 'agt_red', spaceId: 'red' })
    const blue = anEventsContext('tenant-a', { principalId: 'agt_blue', spaceId: 'blue' })
    const subscription = await host.events.subscriptions.create(red, {
      body: { name: 'red-group', topics: ['business-facts'] },
    })
    const member = await aMember(host, red, subscription.id)
    await ask(blue, 1)
    const { eventId } = await ask(red, 2)
    expect((await member.delivery()).event.id).toBe(eventId)
    await expect(
      host.events.subscriptions.get(blue, { params: { subscriptionId: subscription.id } }),
    ).rejects.toMatchObject({ code: 'not-found' })
    await expect(aMember(host, blue, subscription.id)).rejects.toMatchObject({ code: 'not-found' })
    expect((await host.events.events.list(blue, { query: {} })).items.every(({ spaceid }) => spaceid === 'blue')).toBe(
      true,
    )
    await member.leave()
  })
})
