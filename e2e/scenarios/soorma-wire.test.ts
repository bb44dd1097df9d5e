import { eventsContract } from '@soma/events/contract'
import { buildClient, silentLogger } from '@soma/kernel'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type RawStream, type SoormaAgent, type SoormaTenant, onboard, openStream as open } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
let beta: SoormaTenant
const start = (settings: Record<string, unknown> = {}) =>
  startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: {
        mode: 'test',
        'server.port': 0,
        'server.dataDirectory': 'memory',
        'server.graceMs': 3000,
        'soorma.legacyPorts': [0, 0, 0, 0, 0],
        'soorma.heartbeatMs': 300,
        ...settings,
      },
    },
  })
beforeAll(async () => {
  server = await start()
  acme = await onboard(`${server.url}/soorma`)
  beta = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

const streams: RawStream[] = []
/** Closed after the test. */
async function openStream(agent: SoormaAgent, query: string, options?: Parameters<typeof open>[2]): Promise<RawStream> {
  const stream = await open(agent, query, options)
  streams.push(stream)
  return stream
}
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})

const LIMIT_MS = 60_000
const anEvent = (tenant: SoormaTenant, more: Record<string, unknown> = {}) => ({
  source: 'caller',
  type: 'math.add.requested',
  topic: 'action-requests',
  data: { a: 1 },
  tenant_id: tenant.tenantId,
  user_id: 'alice',
  ...more,
})

test(
  'a stream speaks the bytes of the dialect: connected, messages, heartbeats while idle, and its headers',
  async () => {
    const stream = await openStream(acme, 'topics=action-requests&agent_id=bytes-1&agent_name=bytes')
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(stream.headers.get('cache-control')).toBe('no-store')
    expect(stream.headers.get('x-accel-buffering')).toBe('no')
    const event = anEvent(acme, {
      id: 'bytes-event',
      source: 'Research Advisor',
      time: '2026-04-18T01:21:18.123456',
      correlation_id: 'c-1',
      parent_event_id: 'parent',
      trace_id: 'free text',
      session_id: 's-1',
      goal_id: 'g-1',
      plan_id: 'p-1',
      response_event: 'math.added',
      response_topic: 'action-results',
      payload_schema_name: 'sum_v1',
    })
    const published = await acme.publish(event)
    expect([published.status, published.body]).toEqual([
      200,
      { success: true, event_id: 'bytes-event', message: 'Event published to action-requests' },
    ])
    await stream.waitForMessages(1)
    await stream.waitFor((frame) => frame.event === 'heartbeat')
    const [connected, ...others] = stream.text().split('\r\n\r\n')
    const message = others.find((text) => text.includes('event: message'))
    expect(connected).toMatch(
      /^event: connected\r\ndata: \{"connection_id":"[0-9a-f-]{36}","agent_id":"bytes-1","topics":\["action-requests"\]\}$/,
    )
    expect(message).toMatch(/^id: bytes-event\r\nevent: message\r\ndata: \{.*\}$/)
    expect(JSON.parse((message ?? '').split('data: ')[1] ?? '')).toEqual({
      ...event,
      specversion: '1.0',
      time: expect.stringMatching(/^2026-04-18T01:21:18/),
      platform_tenant_id: acme.tenantId,
    })
    expect(stream.text()).toMatch(/event: heartbeat\r\ndata: \{"connection_id":"[0-9a-f-]{36}"\}\r\n\r\n/)
    stream.close()
  },
  LIMIT_MS,
)

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

test('what is no event of the dialect is refused in its words', async () => {
  const refused = async (more: Record<string, unknown>) => {
    const { status, body } = await acme.publish(anEvent(acme, more))
    return [status, Array.isArray(body.detail) ? body.detail[0].loc : body.detail]
  }
  expect(await refused({ tenant_id: undefined })).toEqual([422, 'tenant_id is required'])
  expect(await refused({ user_id: '   ' })).toEqual([422, 'user_id is required'])
  expect(await refused({ tenant_id: 'x'.repeat(65) })).toEqual([422, 'tenant_id must be at most 64 characters'])
  expect(await refused({ user_id: 'x'.repeat(65) })).toEqual([422, 'user_id must be at most 64 characters'])
  expect(await refused({ data: [1] })).toEqual([422, ['body', 'event', 'data']])
  expect(await refused({ topic: 'audit' })).toEqual([422, ['body', 'event', 'topic']])
  expect(await refused({ type: undefined })).toEqual([422, ['body', 'event', 'type']])
  expect(await refused({ type: 'nul\0' })).toEqual([422, ['body', 'event', 'type']])
  expect(await refused({ data: { 'half \ud83e': 1 } })).toEqual([422, ['body', 'event', 'data']])
  const deep = JSON.stringify({ event: anEvent(acme, { data: {} }) }).replace('"data":{}', `"data":${nested(5000)}`)
  expect((await acme.ask('POST /v1/events/publish', deep)).status).toBe(422)
  // Longer than 255 characters as ours keeps it.
  expect((await refused({ type: 'Ä'.repeat(100) }))[0]).toBe(422)
  const noTopic = await acme.get('/v1/events/stream?topics=,&agent_id=a')
  expect([noTopic.status, noTopic.body]).toEqual([400, { detail: 'At least one topic is required' }])
  expect((await acme.get('/v1/events/stream?topics=action-requests')).status).toBe(422)
})

test('SOO-R7 principals publish for any user and space of their tenant, a user for itself alone', async () => {
  expect((await acme.publish(anEvent(acme, { tenant_id: 'a-customer', user_id: 'bob' }))).status).toBe(200)
  const user = await acme.as('user', { serviceUserId: 'alice' })
  expect((await user.publish(anEvent(acme))).status).toBe(200)
  for (const more of [{ user_id: 'bob' }, { tenant_id: 'a-customer' }]) {
    const { status, body } = await user.publish(anEvent(acme, more))
    expect([status, body]).toEqual([403, { detail: 'Trust policy denied' }])
  }
  expect((await user.get('/v1/events/stream?topics=action-requests&agent_id=u')).status).toBe(403)
})

test(
  'SOO-R6 an event of any type comes as it was sent, and so does the type of its reply: in capitals, of one word, or under a noun of the platform',
  async () => {
    const stream = await openStream(acme, 'topics=task-events&agent_id=t-1&agent_name=types')
    const types = ['Research.Requested', 'greet', 'inventory.low_stock', 'plan.started', 'soorma.greet', 'Ärger & Co.']
    for (const type of types) {
      const { status } = await acme.publish(anEvent(acme, { topic: 'task-events', type, response_event: type }))
      expect([type, status]).toEqual([type, 200])
    }
    await stream.waitForMessages(types.length)
    const got = stream.messages().map((event) => `${event.type} ${event.response_event}`)
    expect(new Set(got)).toEqual(new Set(types.map((type) => `${type} ${type}`)))
    stream.close()
  },
  LIMIT_MS,
)

test(
  'SOO-R8 two tenants with one agent name share neither streams nor groups, and each sees its own connections',
  async () => {
    const query = 'topics=action-requests&agent_id=w-1&agent_name=worker'
    const ofAcme = await openStream(acme, query)
    const ofBeta = await openStream(beta, query)
    for (let index = 0; index < 6; index += 1)
      await acme.publish(anEvent(acme, { id: `iso-${index}`, type: 'iso.asked' }))
    await beta.publish(anEvent(beta, { id: 'iso-of-beta', type: 'iso.asked' }))
    await ofAcme.waitForMessages(6)
    await ofBeta.waitForMessages(1)
    expect(
      ofAcme
        .messages()
        .map(({ id }) => String(id))
        .toSorted(),
    ).toEqual([0, 1, 2, 3, 4, 5].map((index) => `iso-${index}`))
    expect(ofBeta.messages().map(({ id }) => id)).toEqual(['iso-of-beta'])
    for (const [tenant, stream] of [
      [acme, ofAcme],
      [beta, ofBeta],
    ] as const) {
      const [{ data: own } = { data: {} }] = stream.frames()
      // Streams of earlier tests may be noticed as closed a little later.
      const connections = async () => (await tenant.get('/v1/admin/connections')).body
      await expect.poll(connections, { timeout: 30_000 }).toEqual({ count: 1, connections: [own] })
    }
    ofAcme.close()
    ofBeta.close()
  },
  LIMIT_MS,
)

test(
  'SOO-R10 an event whose connection breaks within 2 s goes to the group again, and one that it outlived does not',
  async () => {
    const query = 'topics=business-facts&agent_id=c-1&agent_name=confirmed'
    const first = await openStream(acme, query)
    await acme.publish(anEvent(acme, { id: 'lived', topic: 'business-facts', type: 'order.placed' }))
    await first.waitForMessages(1)
    // The connection lives on for as long as its frame needs to count; a heartbeat is sent each 300 ms.
    const beats = () => first.frames().filter(({ event }) => event === 'heartbeat').length
    const before = beats()
    await first.waitFor(() => beats() >= before + 12)
    await acme.publish(anEvent(acme, { id: 'broken', topic: 'business-facts', type: 'order.placed' }))
    await first.waitForMessages(2)
    first.close()
    const second = await openStream(acme, query)
    await second.waitForMessages(1)
    await acme.publish(anEvent(acme, { id: 'after', topic: 'business-facts', type: 'order.placed' }))
    await second.waitForMessages(2)
    expect(second.messages().map(({ id }) => id)).toEqual(['broken', 'after'])
    second.close()
  },
  LIMIT_MS,
)

test('SOO-R10 a reader that pauses while 1,500 events come is read no more than 1,000 for, and gets all of them then', async () => {
  const stream = await openStream(acme, 'topics=billing-events&agent_id=slow&agent_name=slow', { paused: true })
  const text = 'x'.repeat(10_000)
  const ids = Array.from({ length: 1500 }, (_, index) => `slow-${index}`)
  for (let start = 0; start < ids.length; start += 50)
    await Promise.all(
      ids.slice(start, start + 50).map(async (id, offset) => {
        const data = { text, index: start + offset }
        const event = anEvent(acme, { id, topic: 'billing-events', type: 'usage-line.made', data, correlation_id: id })
        expect((await acme.publish(event)).status).toBe(200)
      }),
    )
  // What the kernels of both sides buffer is far less than the 500 events beyond.
  const { connections } = buildClient(eventsContract, server.transport)
  const reader = testContext({ tenantId: acme.tenantId, capabilities: ['event:read'] })
  const inFlight = async () => Math.max(...(await connections.list(reader, {})).items.map((open) => open.inFlight ?? 0))
  await expect.poll(inFlight, { timeout: 30_000 }).toBe(1000)
  stream.resume()
  // At least once: what a busy machine held longer than its lease comes twice.
  await expect.poll(() => new Set(stream.messages().map(({ id }) => id)).size, { timeout: 50_000 }).toBe(ids.length)
}, 120_000)

test('SOO-A5 a reader that pauses while 4,000 events of 2 kB come gets all of them then, those of one key in order', async () => {
  const KEYS = 40
  const stream = await openStream(acme, 'topics=plan-events&agent_id=paused&agent_name=paused', { paused: true })
  const text = 'x'.repeat(2000)
  const lanes = Array.from({ length: KEYS }, async (_, key) => {
    for (let index = 0; index < 4000 / KEYS; index += 1) {
      const more = { topic: 'plan-events', type: 'step.made', session_id: `key-${key}`, data: { text, key, index } }
      const event = anEvent(acme, { id: `${key}-${index}`, ...more })
      // The tenant's quota of events a second holds here, too.
      let { status } = await acme.publish(event)
      while (status === 429) ({ status } = await acme.publish(event))
      expect(status).toBe(200)
    }
  })
  await Promise.all(lanes)
  stream.resume()
  await stream.waitForMessages(4000)
  const next = Array.from({ length: KEYS }, () => 0)
  for (const { key, index } of stream.messages().map(({ data }) => data)) {
    // At least once: what came before may come again.
    expect(index).toBeLessThanOrEqual(next[key] as number)
    next[key] = Math.max(next[key] as number, index + 1)
  }
  expect(new Set(next)).toEqual(new Set([4000 / KEYS]))
}, 180_000)

test(
  'SOO-R10 at most once restores the original: what was sent is not sent again',
  async () => {
    const original = await start({ 'soorma.delivery': 'at-most-once' })
    try {
      const tenant = await onboard(`${original.url}/soorma`)
      const query = 'topics=business-facts&agent_id=o-1&agent_name=once'
      const first = await openStream(tenant, query)
      await tenant.publish(anEvent(tenant, { id: 'sent', topic: 'business-facts', type: 'order.placed' }))
      await first.waitForMessages(1)
      first.close()
      const second = await openStream(tenant, query)
      await tenant.publish(anEvent(tenant, { id: 'next', topic: 'business-facts', type: 'order.placed' }))
      await second.waitForMessages(1)
      expect(second.messages().map(({ id }) => id)).toEqual(['next'])
      second.close()
    } finally {
      await original.stop()
    }
  },
  LIMIT_MS,
)

test(
  'SOO-R11 the same event twice is one, the last that a client has is not sent again, and a stream ends with `disconnected`',
  async () => {
    const own = await start()
    const tenant = await onboard(`${own.url}/soorma`)
    const everything = await openStream(tenant, 'topics=*&agent_id=all')
    expect(everything.frames()[0]?.data.topics).toHaveLength(8)
    everything.close()
    const query = 'topics=action-requests,research.*&agent_id=d-1'
    const stream = await openStream(tenant, query)
    for (let times = 0; times < 2; times += 1)
      expect((await tenant.publish(anEvent(tenant, { id: 'twice' }))).status).toBe(200)
    await tenant.publish(anEvent(tenant, { id: 'once' }))
    await stream.waitForMessages(2)
    expect(
      stream
        .messages()
        .map(({ id }) => String(id))
        .toSorted(),
    ).toEqual(['once', 'twice'])
    stream.close()
    const resumed = await openStream(tenant, query, { lastEventId: 'once' })
    await resumed.waitForMessages(1)
    expect(resumed.messages().map(({ id }) => id)).toEqual(['twice'])
    await own.stop()
    await resumed.ended
    expect(resumed.frames().at(-1)?.event).toBe('disconnected')
  },
  LIMIT_MS,
)

test(
  'a new group begins now, `from=earliest` where the log does, and a durable one is kept',
  async () => {
    const named = (id: string) => anEvent(acme, { id, topic: 'notification-events', type: 'note.sent' })
    await acme.publish(named('early'))
    const fromNow = await openStream(acme, 'topics=notification-events&agent_id=n-1')
    const fromStart = await openStream(acme, 'topics=notification-events&agent_id=n-2&from=earliest&durable=true')
    await acme.publish(named('late'))
    await fromNow.waitForMessages(1)
    await fromStart.waitForMessages(2)
    expect(fromNow.messages().map(({ id }) => id)).toEqual(['late'])
    expect(fromStart.messages().map(({ id }) => id)).toEqual(['early', 'late'])
    const context = testContext({ tenantId: acme.tenantId, capabilities: ['event:subscribe', 'event:read'] })
    const { items } = await buildClient(eventsContract, server.transport).subscriptions.list(context, { query: {} })
    const ofTopic = items.filter(({ topics }) => topics.includes('notification-events'))
    expect(ofTopic.map(({ idleTtlMs }) => idleTtlMs).toSorted((one, other) => one - other)).toEqual([0, 60_000])
  },
  LIMIT_MS,
)

test('the legacy ports serve each service at its root', async () => {
  const [registry, events, , , identity] = server.frontUrls
  const json = async (url: string) => (await fetch(url)).json()
  expect(await json(`${registry}/health`)).toEqual({ status: 'healthy' })
  expect(await json(`${events}/health`)).toMatchObject({ status: 'healthy', adapter: 'postgres', connected: true })
  expect(await json(`${identity}/v1/identity/.well-known/openid-configuration`)).toMatchObject({
    issuer: 'soorma-identity-service',
  })
  expect((await fetch(`${events}/`)).status).toBe(401)
})
