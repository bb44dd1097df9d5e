import { newUuid } from '@soma/kernel'
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

  it('EVT-R46 raw SQL of tenant B finds nothing of tenant A in any table of events', async () => {
    const tables = await host.database.transaction({ role: 'soma_bus' }, (session) =>
      session.query<{ name: string }>(
        `select distinct c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = 'events' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' and has_table_privilege('soma_app', c.table_schema || '.' || c.table_name, 'select')`,
      ),
    )
    const names = tables.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'subscriptions',
        'members',
        'seen',
        'settled',
        'cursor',
        'delivery',
        'dead_letter',
        'log',
        'outbox',
        'replays',
      ]),
    )
    const scope = { role: 'soma_app', tenantId: 'tenant-b', spaceId: '' } as const
    for (const table of names) {
      const rows = await host.database.transaction(scope, (session) =>
        session.query<{ tenant_id: string }>(`select distinct tenant_id from events.${table}`),
      )
      expect([table, rows.filter(({ tenant_id }) => tenant_id !== 'tenant-b')]).toEqual([table, []])
    }
  })

  /** One of everything, each with `hush` in its name; what others read may not have it. */
  async function makeOneOfEverything(by: typeof alice) {
    const { events } = host.events
    const subscription = await host.events.subscriptions.create(by, {
      body: { name: `hush-${by.tenantId}-${by.principal.id}`, topics: ['business-facts'], types: ['job.asked'] },
    })
    const params = { subscriptionId: subscription.id }
    const member = await aMember(host, by, subscription.id, { credits: 1 })
    const publish = (more: object) =>
      events.publish(by, {
        body: { type: 'job.asked', topic: 'business-facts', data: { word: 'hush' }, partitionKey: 'hush', ...more },
      })
    const from = new Date(Date.now() - 1).toISOString()
    const first = await publish({ id: `hush-${by.tenantId}-${by.principal.id}`, correlationId: 'same' })
    for (const word of ['one', 'two']) await publish({ subject: word })
    const dead = await member.delivery()
    await member.nack(dead, { dead: true, problem: { code: 'hush', detail: 'hush' } })
    const inHand = await member.delivery()
    await publish({ deliverAt: new Date(Date.now() + 60_000).toISOString() })
    const { id: replayId } = await host.events.replays.create(by, {
      body: { subscriptionId: subscription.id, from, ratePerSecond: 1 },
    })
    return { subscription, params, member, from, first, dead, inHand, replayId }
  }
  type Everything = Awaited<ReturnType<typeof makeOneOfEverything>>

  /** The answers of every read path, asked by a stranger in general and by the ids of another's things. */
  async function readEverything(by: typeof alice, { subscription, params, first, dead, replayId, from }: Everything) {
    const { events } = host.events
    const answers: unknown[] = [
      await events.list(by, { query: { limit: 100 } }),
      await events.list(by, { query: { id: first.eventId } }),
      await events.list(by, { query: { correlationId: 'same' } }),
      await events.list(by, { query: { key: 'hush' } }),
      await host.events.scheduled.list(by, { query: {} }),
      await host.events.subscriptions.list(by),
      await host.events.lag.list(by, { query: {} }),
      await host.events.lag.list(by, { query: { subscriptionId: subscription.id } }),
      await host.events.connections.list(by),
      await host.events.deadLetters.list(by),
      await host.events.deadLetters.list(by, { query: { code: 'hush' } }),
      await host.events.deadLetters.causes(by, { query: {} }),
    ]
    const deliveryId = dead.deliveryId
    const refused = await Promise.allSettled([
      events.get(by, { params: { eventId: first.eventId } }),
      host.events.subscriptions.get(by, { params }),
      host.events.deliveries.list(by, { params }),
      host.events.deliveries.pull(by, { params, body: { memberId: newUuid() } }),
      aMember(host, by, subscription.id),
      host.events.deadLetters.get(by, { params: { deliveryId } }),
      host.events.deadLetters.replay(by, { params: { deliveryId }, body: { note: 'x', dryRun: true } }),
      host.events.replays.get(by, { params: { replayId } }),
      host.events.replays.create(by, { body: { subscriptionId: subscription.id, from, dryRun: true } }),
    ])
    expect(refused.map((result) => result.status === 'rejected' && (result.reason as { code: string }).code)).toEqual(
      refused.map(() => 'not-found'),
    )
    const purged = await host.events.deadLetters.purge(by, { query: { code: 'hush', note: 'x' } })
    return JSON.stringify([answers, purged])
  }

  /** All that strangers are answered and sent while the owner has one of everything. */
  async function whatOthersRead(owner: typeof alice, strangers: readonly (typeof alice)[]): Promise<string[]> {
    const streams = await Promise.all(
      strangers.map(async (by) => {
        const frames = await host.events.events.stream(by, { query: { topics: 'business-facts', from: 'earliest' } })
        const own = await host.events.subscriptions.create(by, {
          body: { name: `own-${by.tenantId}-${by.spaceId}`, topics: ['business-facts'], types: ['job.asked'] },
        })
        return { by, frames: frames[Symbol.asyncIterator](), member: await aMember(host, by, own.id), own }
      }),
    )
    const made = await makeOneOfEverything(owner)
    const reads: string[] = []
    for (const { by, frames, member } of streams) {
      const read = await readEverything(by, made)
      expect(read).not.toContain(made.subscription.id)
      reads.push(read)
      expect(read).toMatch(/\{"(count|purged|deleted)":0\}/)
      const { eventId } = await ask(by, 7)
      expect((await member.delivery()).event.id).toBe(eventId)
      for (let frame = (await frames.next()).value; ; frame = (await frames.next()).value) {
        reads.push(JSON.stringify(frame))
        if ((frame as { data: { id: string } }).data.id === eventId) break
      }
      await Promise.all([member.leave(), frames.return?.()])
    }
    // The owner still has all of it.
    const letters = await host.events.deadLetters.list(owner, { query: { code: 'hush' } })
    expect(letters.items.map(({ deliveryId }) => deliveryId)).toContain(made.dead.deliveryId)
    expect((await made.member.ack(made.inHand)).settled).toEqual([made.inHand.deliveryId])
    await made.member.leave()
    return reads
  }

  it('EVT-R46 no read path tells another tenant a row, frame, name or count', async () => {
    for (const read of await whatOthersRead(alice, [bob])) expect(read).not.toContain('hush')
  })

  it('EVT-R46 nor does it tell a principal that is bound to another space', async () => {
    const inSpace = (spaceId: string) => anEventsContext('tenant-a', { principalId: `agt_${spaceId}`, spaceId })
    const whole = anEventsContext('tenant-a', { principalId: 'agt_whole' })
    const reads = [
      ...(await whatOthersRead(inSpace('green'), [inSpace('yellow')])),
      ...(await whatOthersRead(whole, [inSpace('violet')])),
    ]
    for (const read of reads) expect(read).not.toContain('hush')
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
