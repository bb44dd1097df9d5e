import { eventsContract } from '@soma/events/contract'
import { buildClient, silentLogger } from '@soma/kernel'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RawStream, type SoormaTenant, onboard, openStream } from '../soorma/client.ts'

const LINGER_MS = 2500
const LIMIT_MS = 60_000
let server: RunningServer
let acme: SoormaTenant
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: {
        ...{ mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 },
        ...{ 'soorma.groupLingerMs': LINGER_MS, 'soorma.heartbeatMs': 300 },
      },
    },
  })
  acme = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

const publish = async (id: string) => {
  const event = { id, source: 'caller', type: 'order.placed', topic: 'business-facts', tenant_id: acme.tenantId }
  expect((await acme.publish({ ...event, user_id: 'alice', data: {} })).status).toBe(200)
}
const idsOf = (stream: RawStream) => stream.messages().map(({ id }) => id)
const query = (name: string, more = '') => `topics=business-facts&agent_id=${name}-1&agent_name=${name}${more}`
/** Groups of a name that are there. */
const groupsOf = async (name: string) => {
  const context = testContext({ tenantId: acme.tenantId, capabilities: ['event:subscribe', 'event:read'] })
  const { items } = await buildClient(eventsContract, server.transport).subscriptions.list(context, { query: {} })
  return items.filter((group) => group.name.includes(`.${name}.`)).length
}
/** Closes it when what it had counts. */
const leave = async (stream: RawStream) => {
  const beats = () => stream.frames().filter(({ event }) => event === 'heartbeat').length
  const before = beats()
  await stream.waitFor(() => beats() >= before + 12)
  stream.close()
}

test(
  'SOO-R9 a group keeps what comes while its agent connects again, and is gone a while after its last stream: then an agent begins at now',
  async () => {
    const first = await openStream(acme, query('linger'))
    await publish('had')
    await first.waitForMessages(1)
    await leave(first)
    await publish('meanwhile')
    const second = await openStream(acme, query('linger'))
    await second.waitForMessages(1)
    expect(idsOf(second)).toEqual(['meanwhile'])
    await leave(second)
    expect(await groupsOf('linger')).toBe(1)
    await expect.poll(() => groupsOf('linger'), { timeout: 30_000 }).toBe(0)
    await publish('missed')
    const third = await openStream(acme, query('linger'))
    await publish('seen')
    await third.waitForMessages(1)
    expect(idsOf(third)).toEqual(['seen'])
    third.close()
  },
  LIMIT_MS,
)

test(
  'SOO-R9 a durable group stays, and a group may begin at the beginning or at a time',
  async () => {
    const durable = await openStream(acme, query('durable', '&durable=true'))
    const passing = await openStream(acme, query('passing'))
    await publish('before')
    await durable.waitForMessages(1)
    await leave(durable)
    await leave(passing)
    await expect.poll(() => groupsOf('passing'), { timeout: 30_000 }).toBe(0)
    expect(await groupsOf('durable')).toBe(1)
    const at = encodeURIComponent(new Date().toISOString())
    await publish('after')
    const again = await openStream(acme, query('durable', '&durable=true'))
    await again.waitForMessages(1)
    expect(idsOf(again)).toEqual(['after'])
    const fromTime = await openStream(acme, query('from-time', `&from=${at}`))
    await fromTime.waitForMessages(1)
    expect(idsOf(fromTime)).toEqual(['after'])
    const earliest = await openStream(acme, query('earliest', '&from=earliest'))
    await earliest.waitFor(() => idsOf(earliest).includes('after'))
    expect(idsOf(earliest)).toContain('before')
    for (const stream of [again, fromTime, earliest]) stream.close()
    expect((await acme.get(`/v1/events/stream?${query('x', '&from=yesterday')}`)).status).toBe(422)
  },
  LIMIT_MS,
)
