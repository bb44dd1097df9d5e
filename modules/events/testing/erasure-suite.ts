import { principalErased, tenantDeleting } from '@soma/identity/contract'
import type { Context, Database } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TENANT_TABLES } from '../src/erasure/tenant-rows.ts'
import { anEventsContext, createEventsHost, type EventsHost } from './events-host.ts'
import { aMember } from './test-member.ts'

const alice = anEventsContext('tenant-a', { principalId: 'agt_one', userId: 'usr_alice' })
const bob = anEventsContext('tenant-a', { principalId: 'agt_two', userId: 'usr_bob' })
const stranger = anEventsContext('tenant-b', { principalId: 'agt_three', userId: 'usr_alice' })

/** `schema.table` of all that has a tenant's rows, but the parts of the log. */
async function tenantTables(database: Database): Promise<string[]> {
  const rows = await database.asOwner((session) =>
    session.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text in ('events', 'runtime') order by 1`,
    ),
  )
  return rows.map(({ name }) => name)
}

/** Registers the tests of erasure; without a database it is the embedded one. */
export function erasureSuite({ name, open }: { name: string; open: () => Promise<Database | undefined> }): void {
  let host: EventsHost
  beforeAll(async () => {
    const database = await open()
    host = await createEventsHost({ ...(database === undefined ? {} : { database }), settings: { erasureDelayMs: 0 } })
    for (const context of [alice, stranger]) await host.define(context, 'note.written')
    await host.startHandlers()
  }, 60_000)
  afterAll(() => host.close())

  const write = (context: Context, text: string, more: object = {}) =>
    host.events.events.publish(context, {
      body: { type: 'note.written', topic: 'business-facts', data: { text }, partitionKey: 'k', ...more },
    })
  const subscribe = async (context: Context, name: string, more: object = {}) =>
    (
      await host.events.subscriptions.create(context, {
        body: { name, topics: ['business-facts'], types: ['note.*'], startAt: 'earliest', ...more },
      })
    ).id
  const textsOf = async (context: Context) =>
    (await host.events.events.list(context, { query: { topic: 'business-facts', limit: 200 } })).items
      .map(({ data }) => data)
      .toReversed()
  const ended = async (tenantId: string, userId: string) => {
    await until(async () => {
      await host.runJobs()
      const [row] = await asBus<{ ended_at: Date | null }>(
        'select ended_at from events.erasures where tenant_id = $1 and user_id = $2',
        [tenantId, userId],
      )
      return row !== undefined && row.ended_at !== null
    })
  }
  const asBus = <Row>(sql: string, parameters: readonly unknown[] = []) =>
    host.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql, parameters))
  const erasePerson = (context: Context, principalId: string) =>
    host.say(context, 'identity', principalErased, {
      byId: 'usr_admin',
      principalId,
      kind: 'user',
      epoch: 2,
      changed: [],
    })

  describe(`erasing a user on ${name}`, () => {
    it('EVT-R59 leaves ids, order and the data of everybody else, in the log, in what waits and in dead letters, and forgets what is in memory', async () => {
      const subscriptionId = await subscribe(alice, 'dies', { maxAttempts: 1 })
      await write(alice, 'secret 1')
      await write(bob, 'names "userid":"usr_alice"')
      await write(alice, 'secret 2')
      await write(alice, 'secret later', { deliverAt: new Date(Date.now() + 3_600_000).toISOString() })
      await write(stranger, 'of another tenant')
      const before = (await host.events.events.list(alice, { query: { topic: 'business-facts' } })).items
      const member = await aMember(host, alice, subscriptionId, { credits: 1 })
      await member.nack(await member.delivery(), { dead: true })
      const letter = async () => (await host.events.deadLetters.list(alice, { query: {} })).items[0]
      await until(async () => (await letter()) !== undefined)

      await erasePerson(alice, 'usr_alice')
      await ended('tenant-a', 'usr_alice')

      expect(await textsOf(alice)).toEqual([{ erased: true }, { text: 'names "userid":"usr_alice"' }, { erased: true }])
      expect(await textsOf(stranger)).toEqual([{ text: 'of another tenant' }])
      const after = (await host.events.events.list(alice, { query: { topic: 'business-facts' } })).items
      const withoutData = ({ data: _data, ...rest }: (typeof before)[number]) => rest
      expect(after.map(withoutData)).toEqual(before.map(withoutData))
      const places = after.map(({ recordedtime, id }) => ({ recordedtime, id }))
      expect(places).toEqual(before.map(({ recordedtime, id }) => ({ recordedtime, id })))
      expect((await host.events.scheduled.list(alice, { query: {} })).items).toMatchObject([{ data: { erased: true } }])
      const found = await host.events.deadLetters.get(alice, {
        params: { deliveryId: (await letter())?.deliveryId as string },
      })
      expect(found.event).toMatchObject({ userid: 'usr_alice', data: { erased: true } })

      expect(JSON.stringify(await host.readMemory('business-facts'))).not.toContain('secret')
      await until(async () => (await member.next()) === undefined)
      const again = await aMember(host, alice, subscriptionId, { memberId: member.memberId })
      const rest = []
      for (let n = 0; n < 2; n++) {
        const delivery = await again.delivery()
        rest.push(delivery.event.data)
        await again.ack(delivery)
      }
      expect(rest).toEqual([{ text: 'names "userid":"usr_alice"' }, { erased: true }])
      await again.leave()
    })

    it('a fact that names no one erases nobody, above all not the whole tenant', async () => {
      const fact = { byId: 'usr_admin', principalId: '', kind: 'user', epoch: 2, changed: [] }
      await expect(host.say(alice, 'identity', principalErased, fact)).rejects.toThrow()
      const { data: _schema, ...loose } = principalErased
      await host.say(alice, 'identity', { ...loose, data: { parse: () => fact } } as never, fact as never)
      await until(async () => (await asBus(`select 1 from events.delivery where grp = 'module:events'`)).length > 0)
      expect(await asBus(`select 1 from events.erasures where user_id = ''`)).toEqual([])
    })
  })

  describe(`erasing a tenant on ${name}`, () => {
    it('EVT-R59 removes its rows from every table, leaves the positions dense and the other tenants alone', async () => {
      const tenantId = 'tenant-end'
      const context = anEventsContext(tenantId, { userId: 'usr_carol' })
      await host.define(context, 'note.written')
      const subscriptionId = await subscribe(context, 'ends', { maxAttempts: 1 })
      for (let n = 0; n < 5; n++) {
        await write(context, `secret ${n}`)
        await write(bob, `stays ${n}`)
      }
      await write(context, 'secret later', { deliverAt: new Date(Date.now() + 3_600_000).toISOString() })
      const member = await aMember(host, context, subscriptionId, { credits: 1 })
      await member.nack(await member.delivery(), { dead: true })
      await member.ack(await member.delivery())
      await host.events.replays.create(context, { body: { subscriptionId, ratePerSecond: 1 } })
      await member.leave()
      const others = await textsOf(bob)

      await host.say(context, 'identity', tenantDeleting, {
        byId: 'usr_admin',
        tenantId,
        slug: 'end',
        region: 'local',
      })
      await ended(tenantId, '')

      const besides = ['events.erasures', 'events.log', 'events.sealing_keys']
      expect(await tenantTables(host.database)).toEqual([...TENANT_TABLES, ...besides].toSorted())
      for (const table of TENANT_TABLES) {
        const rows = await host.database.asOwner(async (session) => {
          await session.execute(`alter table ${table} no force row level security`)
          const found = await session.query(`select * from ${table} where tenant_id = $1`, [tenantId])
          await session.execute(`alter table ${table} force row level security`)
          return found
        })
        expect({ table, rows }).toEqual({ table, rows: [] })
      }
      expect(await textsOf(bob)).toEqual(others)
      for (const { topic, part, head } of await asBus<{ topic: string; part: number; head: number }>(
        'select topic, part, head from events.partition where head > 0',
      )) {
        const [{ count } = { count: 0 }] = await asBus<{ count: number }>(
          'select count(*)::int8 as count from events.log where topic = $1 and part = $2',
          [topic, part],
        )
        expect({ topic, part, count }).toEqual({ topic, part, count: head })
      }
      const reader = await subscribe(bob, 'reads-over-the-holes')
      const fresh = await aMember(host, bob, reader, { credits: 100 })
      const seen = []
      for (let n = 0; n < others.length; n++) {
        const delivery = await fresh.delivery()
        seen.push(delivery.event.data)
        await fresh.ack(delivery)
      }
      expect(seen).toEqual(others)
      await fresh.leave()
    })

    it('waits until every module has heard of it', async () => {
      const tenantId = 'tenant-slow'
      const context = anEventsContext(tenantId)
      await host.define(context, 'note.written')
      await write(context, 'secret')
      await asBus(
        `insert into events.cursor (grp, topic, part) select 'module:slow', 'system-events', part from events.partition where topic = 'system-events'`,
      )
      await host.say(context, 'identity', tenantDeleting, { byId: 'u', tenantId, slug: 'slow', region: 'local' })
      await until(
        async () => (await asBus('select 1 from events.erasures where tenant_id = $1', [tenantId])).length > 0,
      )
      await host.runJobs()
      expect(await textsOf(context)).toEqual([{ text: 'secret' }])
      await asBus(`update events.cursor set pos = 1000000 where grp = 'module:slow'`)
      await ended(tenantId, '')
      expect(await textsOf(context)).toEqual([])
      await asBus(`delete from events.cursor where grp = 'module:slow'`)
    })
  })
}
