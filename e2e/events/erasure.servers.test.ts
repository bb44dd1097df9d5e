import { randomUUID } from 'node:crypto'
import { openKafkaBus } from '@soma/adapter-kafka'
import { openNatsBus } from '@soma/adapter-nats'
import { eventsContract } from '@soma/events/contract'
import { principalErased, tenantDeleting } from '@soma/identity/contract'
import {
  buildClient,
  type EventBus,
  type EventEnvelope,
  event,
  LOG_START,
  on,
  onTopic,
  silentLogger,
  TOPICS,
} from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Backend, openBackend } from '../backends.ts'
import { aWitness } from './witness.ts'

const PARTITIONS = 2
const SECRET = 'nobody else may read this'

const erasureAsked = event({
  type: 'oracle.asked',
  topic: 'business-facts',
  summary: 'Somebody is to be erased.',
  data: z.strictObject({ principalId: z.string() }),
})

/** Says what identity says, and remembers what is read: for its place in the log, `module:oracle`. */
const anOracle = (seen: EventEnvelope[]) =>
  aWitness(
    [
      on(erasureAsked, async ({ tx, event: { data, tenantid: tenantId } }) => {
        const { principalId } = data as { principalId: string }
        const by = { byId: 'usr_admin' }
        if (principalId === '') tx.emit(tenantDeleting, { ...by, tenantId, slug: tenantId, region: 'local' })
        else tx.emit(principalErased, { ...by, principalId, kind: 'user', epoch: 2, changed: [] })
      }),
      onTopic('business-facts', 'note.*', async ({ event: note }) => void seen.push(note)),
    ],
    { module: 'oracle', events: [erasureAsked] },
  )

/** The bus as another program sees it. */
function openRaw({ name, bus }: Backend): Promise<EventBus> {
  const url = bus?.url as string
  const promises = {
    partitions: PARTITIONS,
    durability: 'process',
    maxEventBytes: 1_000,
    log: silentLogger,
  } as const
  return name === 'nats'
    ? openNatsBus({ ...promises, servers: [url], replicas: 1, serverSyncsAlways: false })
    : openKafkaBus({ ...promises, brokers: [url], production: false })
}

describe.each(['nats', 'kafka'] as const)('erasure with the log on %s', (name) => {
  const seen: EventEnvelope[] = []
  const running: RunningServer[] = []
  let backend: Backend
  let raw: EventBus

  const start = async (settings: object = {}) => {
    const server = await startServer({
      platform: { ...somaPlatform, modules: [...somaPlatform.modules, anOracle(seen)] },
      sources: {
        flags: {
          mode: 'developer-light',
          'server.port': 0,
          'events.partitions': PARTITIONS,
          'events.validation': 'warn',
          'events.erasureDelayMs': 0,
          ...backend.settings,
          ...settings,
        },
      },
      log: silentLogger,
    })
    running.push(server)
    return { server, events: buildClient(eventsContract, server.transport) }
  }
  beforeAll(async () => {
    backend = await openBackend(name, process.env['DATABASE_URL'])
    raw = await openRaw(backend)
  }, 120_000)
  afterAll(async () => {
    await raw?.close()
    for (const server of running) await server.stop()
    await backend?.end()
  }, 60_000)

  const readAll = async (bus: Pick<EventBus, 'read'>) => {
    const places = TOPICS.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, part) => ({ topic, part })))
    return (await Promise.all(places.map((at) => bus.read({ ...at, after: LOG_START, limit: 1_000 })))).flat()
  }
  const asBus = <Row>(server: RunningServer, sql: string, parameters: readonly unknown[] = []) =>
    server.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql, parameters))
  const reportOf = async (server: RunningServer, tenantId: string, userId: string) => {
    const sql = 'select report from events.erasures where tenant_id = $1 and user_id = $2 and ended_at is not null'
    await until(async () => (await asBus(server, sql, [tenantId, userId])).length === 1)
    return (await asBus<{ report: { bus: string } }>(server, sql, [tenantId, userId]))[0]?.report
  }
  /** Read anew from the bus by a group: a subscription that begins with the first event. */
  const deliveredOf = async (events: Awaited<ReturnType<typeof start>>['events'], tenantId: string, count: number) => {
    const context = testContext({ tenantId, principalId: 'agt_reader', kind: 'agent' })
    const { id: subscriptionId } = await events.subscriptions.create(context, {
      body: { name: randomUUID(), topics: ['business-facts'], types: ['note.*'], startAt: 'earliest' },
    })
    const params = { subscriptionId }
    const memberId = randomUUID()
    const found: unknown[] = []
    while (found.length < count) {
      const { deliveries } = await events.deliveries.pull(context, {
        params,
        body: { memberId, max: 100, waitMs: 5_000 },
      })
      found.push(...deliveries.map(({ event: { data } }) => data))
      const acks = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, emits: [] }))
      await events.deliveries.settle(context, { params, body: { memberId, acks } })
    }
    return found
  }

  /** The first event as a dead letter; answers its id. */
  const buryFirst = async (events: Awaited<ReturnType<typeof start>>['events'], tenantId: string): Promise<string> => {
    const context = testContext({ tenantId, principalId: 'agt_reader', kind: 'agent' })
    const { id: subscriptionId } = await events.subscriptions.create(context, {
      body: { name: randomUUID(), topics: ['business-facts'], types: ['note.*'], startAt: 'earliest' },
    })
    const params = { subscriptionId }
    const memberId = randomUUID()
    const { deliveries } = await events.deliveries.pull(context, { params, body: { memberId, max: 1, waitMs: 5_000 } })
    const [{ deliveryId, attempt }] = deliveries as [(typeof deliveries)[number]]
    await events.deliveries.settle(context, {
      params,
      body: { memberId, nacks: [{ deliveryId, attempt, dead: true }] },
    })
    return deliveryId
  }

  it('EVT-R45 EVT-R59 data is unreadable on the bus, erased everywhere when its key is destroyed, and no row of an erased tenant stays', async () => {
    const [first, second] = [await start(), await start()]
    const note = (tenantId: string, userId: string, text: string) =>
      first.events.events.publish(testContext({ tenantId, userId }), {
        body: { type: 'note.written', topic: 'business-facts', data: { text }, partitionKey: 'one-key' },
      })
    for (const tenantId of ['tenant-a', 'tenant-b'])
      for (const userId of ['usr_ada', 'usr_bob', 'usr_ada']) await note(tenantId, userId, `${SECRET} of ${userId}`)
    await until(() => seen.length === 6)
    expect(seen.every(({ data }) => JSON.stringify(data).includes(SECRET))).toBe(true)
    const stored = (await readAll(raw)).filter(({ type }) => type === 'note.written')
    expect(stored).toHaveLength(6)
    expect(JSON.stringify(await readAll(raw))).not.toContain(SECRET)
    expect(JSON.parse(stored[0]?.envelope as string)).toMatchObject({ type: 'note.written', partitionkey: 'one-key' })
    const dataOf = (tenantId: string) => seen.filter(({ tenantid }) => tenantid === tenantId).map(({ data }) => data)
    expect(await deliveredOf(second.events, 'tenant-a', 3)).toEqual(dataOf('tenant-a'))

    const letter = await buryFirst(first.events, 'tenant-a')
    const ask = (tenantId: string, principalId: string) =>
      first.events.events.publish(testContext({ tenantId }), {
        body: { type: 'oracle.asked', topic: 'business-facts', data: { principalId } },
      })
    await ask('tenant-a', 'usr_ada')
    expect(await reportOf(first.server, 'tenant-a', 'usr_ada')).toMatchObject({ bus: 'unreadable' })
    const left = [{ erased: true }, { text: `${SECRET} of usr_bob` }, { erased: true }]
    for (const { events, server } of [first, second]) {
      await until(async () => {
        const ofAda = (await readAll(server.spine.bus)).filter(
          (each) => each.tenantId === 'tenant-a' && each.userId === 'usr_ada',
        )
        return ofAda.every(({ envelope }) => !envelope.includes(SECRET))
      })
      expect(await deliveredOf(events, 'tenant-a', 3)).toEqual(left)
      const listed = await events.events.list(testContext({ tenantId: 'tenant-a' }), {
        query: { type: 'note.written' },
      } as never)
      expect(listed.items.map(({ data }) => data).toReversed()).toEqual(left)
    }
    const { event: dead } = await first.events.deadLetters.get(testContext({ tenantId: 'tenant-a' }), {
      params: { deliveryId: letter },
    })
    expect(dead).toMatchObject({ userid: 'usr_ada', data: { erased: true } })
    const ids = (records: typeof stored) => records.map(({ part, position, eventId }) => ({ part, position, eventId }))
    const after = (await readAll(first.server.spine.bus)).filter(({ type }) => type === 'note.written')
    expect(ids(after)).toEqual(ids(stored))
    expect(await deliveredOf(second.events, 'tenant-b', 3)).toEqual(dataOf('tenant-b'))

    await ask('tenant-b', '')
    await reportOf(first.server, 'tenant-b', '')
    const tables = ['log', 'outbox', 'delivery', 'dead_letter', 'cursor', 'subscriptions'].map(
      (table) => `events.${table}`,
    )
    for (const table of [...tables, 'runtime.inbox'])
      expect(await asBus(first.server, `select 1 from ${table} where tenant_id = 'tenant-b'`)).toEqual([])
    await until(async () => {
      const ofB = (await readAll(second.server.spine.bus)).filter(({ tenantId }) => tenantId === 'tenant-b')
      return ofB.every(({ envelope }) => !envelope.includes(SECRET))
    })
    expect(await deliveredOf(first.events, 'tenant-a', 3)).toEqual(left)
  }, 120_000)

  it('EVT-R61 without encryption others read along, what was sealed stays readable, and an erasure says that the bus keeps it until retention', async () => {
    for (const server of running.splice(0)) await server.stop()
    const { server, events } = await start({ 'events.brokerEncryption': false })
    const by = testContext({ tenantId: 'tenant-c', userId: 'usr_ada' })
    const body = { topic: 'business-facts', partitionKey: 'k' } as const
    await events.events.publish(by, { body: { ...body, type: 'note.written', data: { text: SECRET } } })
    await until(async () => JSON.stringify(await readAll(raw)).includes(SECRET))
    expect(await deliveredOf(events, 'tenant-a', 3)).toContainEqual({ text: `${SECRET} of usr_bob` })
    await events.events.publish(by, { body: { ...body, type: 'oracle.asked', data: { principalId: 'usr_ada' } } })
    expect(await reportOf(server, 'tenant-c', 'usr_ada')).toMatchObject({ bus: 'until retention' })
    const listed = await events.events.list(by, { query: { type: 'note.written' } } as never)
    expect(listed.items.map(({ data }) => data)).toEqual([{ erased: true }])
  }, 60_000)
})
