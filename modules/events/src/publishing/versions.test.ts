import { newUuid, schemaUri } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const context = anEventsContext('tenant-a')
const params = (version: string) => ({ topic: 'business-facts', type: 'order.placed', version })
const HOUR_MS = 3_600_000

let host: EventsHost

const define = (version: string, amount: string) =>
  host.registry.events.create(context, {
    body: {
      ...params(version),
      description: 'An order was placed.',
      schema: { jsonSchema: { type: 'object', required: ['amount'], properties: { amount: { type: amount } } } },
    },
  })
const publish = (amount: unknown, version?: string, more: object = {}) =>
  host.events.events.publish(context, {
    body: {
      ...{ type: 'order.placed', topic: 'business-facts', data: { amount } as never, ...more },
      ...(version === undefined ? {} : { dataSchema: schemaUri('order.placed', version) }),
    },
  })

beforeAll(async () => {
  host = await createEventsHost()
  await define('1.0.0', 'integer')
  await define('2.0.0', 'string')
}, 60_000)
afterAll(() => host.close())

describe('versions of an event type', () => {
  it('REG-R17 majors live side by side: dataschema chooses, the latest is the default, and consumers receive those in their range alone', async () => {
    const subscribe = async (name: string, versions: Record<string, string>) => {
      const { id } = await host.events.subscriptions.create(context, {
        body: { name, topics: ['business-facts'], types: ['order.placed'], versions },
      })
      return aMember(host, context, id)
    }
    const [first, second, both] = await Promise.all([
      subscribe('first', { 'order.placed': '^1' }),
      subscribe('second', { 'order.placed': '>=2' }),
      subscribe('both', {}),
    ])
    await expect(publish('2 €')).resolves.toMatchObject({ warnings: [] })
    await expect(publish(1, '1.0.0')).resolves.toMatchObject({ warnings: [] })
    await expect(publish('2 €', '1.0.0')).rejects.toMatchObject({ code: 'schema-mismatch' })
    await expect(publish(1, '3.0.0')).rejects.toMatchObject({ code: 'unknown-event-type' })
    await publish('3 €', '2.0.0')
    const amounts = async (member: typeof both, count: number) => {
      const received: unknown[] = []
      while (received.length < count) {
        const delivery = await member.delivery()
        received.push((delivery.event.data as { amount: unknown }).amount)
        await member.ack(delivery)
      }
      return new Set(received)
    }
    expect(await amounts(both, 3)).toEqual(new Set(['2 €', 1, '3 €']))
    expect([await amounts(first, 1), await amounts(second, 2)]).toEqual([new Set([1]), new Set(['2 €', '3 €'])])
    await publish(4, '1.0.0', { partitionKey: 'last' })
    await publish('5 €', '2.0.0', { partitionKey: 'last' })
    expect([await amounts(first, 1), await amounts(second, 1)]).toEqual([new Set([4]), new Set(['5 €'])])
    for (const member of [first, second, both]) await member.leave()
  })

  it('REG-R17 a deprecated version warns its publishers, shows its successor, and is refused after its sunset', async () => {
    const sunsetAt = new Date(host.clock.now().getTime() + HOUR_MS).toISOString()
    await publish(1, '1.0.0')
    const deprecated = await host.registry.events.deprecate(context, {
      params: params('1.0.0'),
      body: { replacedBy: '2.0.0', sunsetAt, note: 'amounts have currencies' },
    })
    expect(deprecated).toMatchObject({ status: 'deprecated', replacedBy: '2.0.0', sunsetAt })
    expect((await publish(1, '1.0.0')).warnings).toEqual([
      { code: 'deprecated-version', detail: expect.stringMatching(`use 2.0.0.*${sunsetAt}`) },
    ])
    expect((await publish('1 €')).warnings).toEqual([])
    host.clock.advance(HOUR_MS)
    await expect(publish(1, '1.0.0')).rejects.toMatchObject({
      code: 'unknown-event-type',
      message: expect.stringContaining('use 2.0.0'),
    })
    await publish('1 €')
  })

  it('a version that was retired is refused', async () => {
    await host.registry.events.retire(context, { params: params('2.0.0'), body: { force: true, note: 'over' } })
    await expect(publish('1 €', '2.0.0')).rejects.toMatchObject({
      code: 'unknown-event-type',
      message: expect.stringContaining('retired'),
    })
  })

  it('REG-R18 a version that is consumed, or was published in the last 24 h, is retired by force alone, and that is audited', async () => {
    const of = { topic: 'business-facts', type: 'parcel.sent' }
    await host.define(context, of.type)
    const retire = (force = false) =>
      host.registry.events.retire(context, {
        params: { ...of, version: '1.0.0' },
        body: { force, note: 'nobody sends parcels' },
      })
    await host.events.events.publish(context, { body: { ...of, data: {}, source: 'parcel-desk' } })
    const instance = { name: 'sorter', instanceId: newUuid() }
    await host.registry.instances.register(context, {
      params: instance,
      body: { kind: 'worker', description: 'Sorts.', agentVersion: '1.2.0', consumes: [of] },
    })
    await expect(retire()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/sorter 1\.2\.0.*parcel-desk/),
      extensions: { consumers: ['sorter 1.2.0'], publishers: ['parcel-desk'] },
    })
    await host.registry.instances.deregister(context, { params: instance })
    await expect(retire()).rejects.toMatchObject({ extensions: { consumers: [], publishers: ['parcel-desk'] } })
    expect(await retire(true)).toMatchObject({ status: 'retired' })
    const audited = await host.waitFor(
      ({ topic, envelope }) => topic === 'audit' && /event-definition\.retire.*parcel\.sent@1\.0\.0/.test(envelope),
    )
    expect(JSON.parse(audited.envelope).data).toMatchObject({
      action: 'event-definition.retire',
      actor: { id: 'agt_one' },
      resource: { id: 'business-facts/parcel.sent@1.0.0' },
      reason: 'forced: nobody sends parcels',
    })
  })

  it('REG-R18 a version that nobody used for a day is retired at once', async () => {
    await host.define(context, 'parcel.lost')
    await host.events.events.publish(context, { body: { type: 'parcel.lost', topic: 'business-facts', data: {} } })
    host.clock.advance(24 * HOUR_MS + 1)
    const params = { topic: 'business-facts', type: 'parcel.lost', version: '1.0.0' }
    const retired = await host.registry.events.retire(context, { params, body: { note: 'no more' } })
    expect(retired.status).toBe('retired')
  })

  it('a subscription refuses what is no range of versions', async () => {
    const body = { name: 'wrong', topics: ['business-facts'], versions: { 'order.placed': 'latest' } }
    await expect(host.events.subscriptions.create(context, { body })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [expect.objectContaining({ pointer: '/body/versions/order.placed' })] },
    })
  })
})
