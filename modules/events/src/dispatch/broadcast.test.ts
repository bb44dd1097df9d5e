import { newUuid } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost, type TestMember } from '../../testing/index.ts'

const topic = 'business-facts'
const context = anEventsContext()
let host: EventsHost
let neighbour: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ isShared: true })
  neighbour = await createEventsHost({ database: host.database, isSecondProcess: true })
  await host.define(context, 'cache.dropped')
}, 60_000)
afterAll(async () => {
  await neighbour.drain()
  await host.close()
})

let made = 0
const subscribe = (more: object = {}) =>
  host.events.subscriptions.create(context, {
    body: { name: `all-${++made}`, mode: 'broadcast', topics: [topic], types: ['cache.dropped'], ...more },
  })
const publish = async (...ids: readonly string[]) => {
  for (const id of ids)
    await host.events.events.publish(context, {
      body: { id, type: 'cache.dropped', topic, data: {}, partitionKey: 'one' },
    })
}
const take = async (member: TestMember, total: number) => {
  const ids: string[] = []
  while (ids.length < total) {
    const delivery = await member.delivery()
    ids.push(delivery.event.id)
    await member.ack(delivery)
  }
  return ids
}
const asBus = <Row>(sql: string, parameters: readonly unknown[] = []) =>
  host.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql, parameters))
const placesOf = async (memberId: string) =>
  (await asBus<{ grp: string }>(`select distinct grp from events.cursor where grp like '%/' || $1`, [memberId])).length

describe('broadcast', () => {
  it('EVT-R22 every member gets every event, at a place of its own: what one settles, refuses or misses is not the others’', async () => {
    const { id } = await subscribe({ maxAttempts: 1 })
    const first = await aMember(host, context, id)
    const second = await aMember(host, context, id)
    await publish('a', 'b')
    expect(await take(first, 2)).toEqual(['a', 'b'])
    const refused = await second.delivery()
    expect(refused.event.id).toBe('a')
    const { deliveryId, attempt } = refused
    const foreign = await first.settle({ acks: [{ deliveryId, attempt, emits: [] }] })
    expect(foreign.settled).toEqual([])
    await second.nack(refused, { dead: true })
    expect(await take(second, 1)).toEqual(['b'])
    const letters = await host.events.deadLetters.list(context, { query: { subscriptionId: id } })
    expect(letters.items).toMatchObject([{ deliveryId, group: id }])

    await first.leave()
    await publish('c')
    const third = await aMember(host, context, id)
    await publish('d')
    expect(await take(second, 2)).toEqual(['c', 'd'])
    // Whoever is new begins where the subscription says, by default at the head.
    expect(await take(third, 1)).toEqual(['d'])
    const again = await aMember(host, context, id, { memberId: first.memberId })
    expect(await take(again, 2)).toEqual(['c', 'd'])

    const body = { note: 'again' }
    await host.events.deadLetters.replay(context, { params: { deliveryId }, body })
    expect(await take(second, 1)).toEqual(['a'])
    await publish('e')
    for (const member of [second, third, again]) {
      expect(await take(member, 1)).toEqual(['e'])
      await member.leave()
    }
    const lag = (await host.events.lag.list(context, { query: { subscriptionId: id } })).items
    expect(new Set(lag.map(({ memberId }) => memberId))).toEqual(
      new Set([first.memberId, second.memberId, third.memberId]),
    )
    expect((await host.events.subscriptions.list(context)).items.map((each) => each.id)).toContain(id)
  })

  it('EVT-R22 members are at any process, by stream or pull, and take their place along', async () => {
    const { id } = await subscribe({ startAt: 'earliest', types: ['cache.dropped'] })
    const here = await aMember(host, context, id)
    const there = await aMember(neighbour, context, id)
    const total = host.recorded.filter(({ type }) => type === 'cache.dropped').length
    await publish('f')
    const all = await take(here, total + 1)
    expect(await take(there, total + 1)).toEqual(all)
    const memberId = newUuid()
    const pulled = await neighbour.events.deliveries.pull(context, {
      params: { subscriptionId: id },
      body: { memberId, max: 100, waitMs: 1000 },
    })
    expect(pulled.deliveries.map(({ event }) => event.id)).toEqual(all.slice(0, 1))
    const acks = pulled.deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, emits: [] }))
    const settled = await host.events.deliveries.settle(context, {
      params: { subscriptionId: id },
      body: { memberId, acks },
    })
    expect(settled.settled).toHaveLength(1)

    await here.leave()
    await publish('g')
    const moved = await aMember(neighbour, context, id, { memberId: here.memberId })
    expect(await take(moved, 1)).toEqual(['g'])
    expect(await take(there, 1)).toEqual(['g'])
    const { items } = await host.events.deliveries.list(context, { params: { subscriptionId: id } })
    expect(items.every((row) => row.memberId === memberId || row.memberId === null)).toBe(true)
    await Promise.all([moved.leave(), there.leave()])
  })

  it('EVT-R22 a place is kept for 24 hours after its member was last seen, not longer', async () => {
    const { id } = await subscribe()
    const member = await aMember(host, context, id)
    const other = await aMember(host, context, id)
    await publish('h')
    for (const each of [member, other]) expect(await take(each, 1)).toEqual(['h'])
    await member.leave()
    await publish('i')
    expect(await take(other, 1)).toEqual(['i'])
    const unseenFor = async (hours: number) => {
      await asBus(`update events.members set seen_at = clock_timestamp() - $1 * interval '1 hour'`, [hours])
      await host.runJobs()
    }
    // The dispatcher of a member that left is put away after a while: that is when it was last seen.
    host.clock.advance(20_000)
    const dispatched = () =>
      asBus(`select from runtime.job_leases where name like $1 and owner is not null`, [
        `dispatch/%/${member.memberId}`,
      ])
    await until(async () => (await dispatched()).length === 0)
    await unseenFor(23.9)
    expect(await placesOf(member.memberId)).toBe(1)
    await unseenFor(24.1)
    expect(await placesOf(member.memberId)).toBe(0)
    expect(await placesOf(other.memberId)).toBe(1)
    await publish('j')
    expect(await take(other, 1)).toEqual(['j'])
    await other.leave()
  })

  it('pause, seek, changes and deletion of a broadcast hold for every member', async () => {
    const { id } = await subscribe()
    const params = { subscriptionId: id }
    const members = [await aMember(host, context, id), await aMember(neighbour, context, id)] as const
    await host.events.subscriptions.pause(context, { params, body: {} })
    await publish('k')
    await host.events.subscriptions.resume(context, { params, body: {} })
    for (const member of members) expect(await take(member, 1)).toEqual(['k'])

    await host.events.subscriptions.seek(context, {
      params,
      body: {
        to: { time: host.recorded.findLast(({ eventId }) => eventId === 'k')?.recordedAt.toISOString() as string },
        note: 'x',
      },
    })
    const again: TestMember[] = []
    for (const member of members) {
      await until(async () => (await member.next())?.event === 'closed')
      again.push(await aMember(member === members[0] ? host : neighbour, context, id, { memberId: member.memberId }))
    }
    for (const member of again) expect(await take(member, 1)).toEqual(['k'])

    const { version } = await host.events.subscriptions.get(context, { params })
    await host.events.subscriptions.delete(context, { params, ifMatch: version })
    for (const member of again) await until(async () => (await member.next())?.event === 'closed')
    expect(
      await asBus(`select from events.cursor where grp like 'sub:%/%' and grp like $1`, [`%${again[0]?.memberId}`]),
    ).toEqual([])
    await expect(aMember(host, context, id)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('begins at no sequence, is not replayed to, and bounds the places of a tenant', async () => {
    const sequence = { sequence: '0-1', topic }
    await expect(subscribe({ startAt: sequence })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/startAt' }] },
    })
    const { id } = await subscribe()
    await expect(host.events.replays.create(context, { body: { subscriptionId: id } })).rejects.toMatchObject({
      code: 'conflict',
    })
    const foreign = anEventsContext('tenant-b')
    await expect(aMember(host, foreign, id)).rejects.toMatchObject({ code: 'not-found' })
  })
})
