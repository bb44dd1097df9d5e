import { randomUUID } from 'node:crypto'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import {
  aMember,
  anEventsContext,
  aPushTarget,
  createEventsHost,
  daySuite,
  erasureSuite,
  type EventsHost,
  migrateEvents,
  moduleDeadLetterSuite,
  type ReceivedDelivery,
} from '../testing/index.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const open = (name: string): Promise<Database> =>
  createPostgresDatabase({
    connectionString: Object.assign(new URL(server), { pathname: `/${name}` }).href,
    poolSize: 10,
    log: silentLogger,
    statementTimeoutMs: 30_000,
  })
const onServer = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(sql)
  await client.end()
}
const made: string[] = []
const openFresh = async (name = `soma_events_${randomUUID().slice(0, 8)}`): Promise<Database> => {
  await onServer(`create database ${name}`)
  made.push(name)
  const database = await open(name)
  await migrateEvents(database)
  return database
}
afterAll(async () => {
  for (const name of made) await onServer(`drop database ${name} with (force)`)
}, 60_000)

const context = anEventsContext()
const numberOf = ({ event }: ReceivedDelivery) => (event.data as { n: number }).n
const ask = (host: EventsHost, n: number, partitionKey: string) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', data: { n }, partitionKey },
  })

describe.each(['inline', 'relay'] as const)('events on native Postgres, %s', (emit) => {
  it('publishes, delivers in order, retries, buries, replays, lists and follows as on the embedded engine', async () => {
    const host = await createEventsHost({ database: await openFresh(), emit })
    await host.define(context, 'job.asked')
    const { id } = await host.events.subscriptions.create(context, {
      body: { name: 'g', topics: ['business-facts'], maxAttempts: 2, backoff: { baseMs: 1, maxMs: 1 } },
    })
    const ending = new AbortController()
    const frames = await host.events.events.stream(context, {
      query: { topics: 'business-facts' },
      signal: ending.signal,
    })
    const tail = frames[Symbol.asyncIterator]()
    const member = await aMember(host, context, id)
    await Promise.all(Array.from({ length: 40 }, (_, n) => ask(host, n, `key-${n}`)))
    const seen = new Set<number>()
    while (seen.size < 40) {
      const delivery = await member.delivery()
      seen.add(numberOf(delivery))
      expect((await member.ack(delivery)).settled).toEqual([delivery.deliveryId])
    }
    for (let index = 0; index < 40; index++) expect((await tail.next()).value.event).toBe('event')
    for (const n of [100, 101, 102]) await ask(host, n, 'poison')
    const first = await member.delivery()
    await member.nack(first, { problem: { code: 'broken', detail: 'broken', retryable: true } })
    await member.nack(await member.delivery(), { problem: { code: 'broken', detail: 'broken', retryable: true } })
    for (const n of [101, 102]) {
      const delivery = await member.delivery()
      expect(numberOf(delivery)).toBe(n)
      await member.ack(delivery)
    }
    await host.events.deadLetters.replayMany(context, { body: { filter: { code: 'broken' }, note: 'mended' } })
    const again = await member.delivery()
    expect(again).toMatchObject({ deliveryId: first.deliveryId, attempt: 1 })
    await member.ack(again)
    const [dead] = (await host.events.deadLetters.list(context)).items
    expect(dead).toMatchObject({ state: 'replayed', attempts: [{}, {}] })
    const lag = (await host.events.lag.list(context)).items
    expect(lag.reduce((total, { inFlight, retrying, parked }) => total + inFlight + retrying + parked, 0)).toBe(0)
    expect((await host.events.events.list(context, { query: { topic: 'business-facts' } })).items).toHaveLength(43)
    await host.runJobs()
    await member.leave()
    ending.abort()
    await host.close()
  }, 60_000)
})

it('EVT-R48 subscriptions made at once by two processes on native Postgres are no more than the quota, whatever their spaces', async () => {
  const database = await openFresh()
  const settings = { quotaSubscriptions: 3 }
  const first = await createEventsHost({ database, settings })
  const second = await createEventsHost({ database, settings, isSecondProcess: true })
  const spaces = ['north', 'south'].map((spaceId) => anEventsContext('tenant-a', { spaceId }))
  const made = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) =>
      (n % 2 === 0 ? first : second).events.subscriptions.create(spaces[n % 3 === 0 ? 0 : 1] as typeof context, {
        body: { name: `of-${n}`, topics: ['business-facts'] },
      }),
    ),
  )
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  const seen = await Promise.all(spaces.map(async (by) => (await first.events.subscriptions.list(by)).items))
  expect(seen.flat()).toHaveLength(3)
  await second.drain()
  await first.close()
}, 60_000)

it('pushes on native Postgres: a second process goes on where the first died, a failing target is suspended after 5 days', async () => {
  const target = await aPushTarget()
  const database = await openFresh()
  const first = await createEventsHost({ database })
  await first.define(context, 'job.asked')
  const { id } = await first.events.subscriptions.create(context, {
    body: { name: 'pushed', topics: ['business-facts'], push: { url: target.url } },
  })
  const params = { subscriptionId: id }
  await first.events.subscriptions.rotateSecret(context, { params, body: {} })
  await ask(first, 1, 'one')
  const post = await target.next()
  expect(String(post.headers['webhook-signature']).split(' ')).toHaveLength(2)
  const second = await createEventsHost({ database, isSecondProcess: true })
  const dying = first.crash()
  post.answer(200)
  await dying
  const sql = (text: string) => database.transaction({ role: 'soma_bus' }, (session) => session.execute(text))
  await sql(`update runtime.job_leases set lease_until = '-infinity' where name like 'dispatch/%'`)
  const again = await target.next()
  expect(again.headers).toMatchObject({ 'webhook-id': post.headers['webhook-id'], 'soma-redelivered': 'true' })
  again.answer(200)
  await sql(`update events.push_targets set failing_since = clock_timestamp() - interval '6 days'`)
  await second.events.subscriptions.rotateSecret(context, { params, body: { overlapMs: 0 } })
  await ask(second, 2, 'two')
  ;(await target.next()).answer(500)
  await second.waitFor(({ type }) => type === 'subscription.suspended')
  await second.events.subscriptions.resume(context, { params, body: {} })
  await ask(second, 3, 'three')
  ;(await target.next()).answer(410)
  await until(async () => (await second.events.subscriptions.get(context, { params })).state === 'suspended')
  await second.close()
  await target.close()
}, 60_000)

moduleDeadLetterSuite({
  name: 'Postgres, with the owner of the group on connections of its own',
  open: async () => {
    const name = `soma_letters_${randomUUID().slice(0, 8)}`
    return { database: await openFresh(name), ofOwner: await open(name) }
  },
})

daySuite({ name: 'native Postgres', open: () => openFresh() })
erasureSuite({ name: 'native Postgres', open: () => openFresh() })
