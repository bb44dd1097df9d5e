import { type Metrics, newUuid, noMetrics, schemaUri } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const context = anEventsContext()
const counted: string[] = []
const metrics: Metrics = {
  ...noMetrics,
  count: (name, labels) => {
    if (name === 'soma_events_deliveries_total' && labels?.outcome === 'unsupported-version')
      counted.push(String(labels.group))
  },
}
let host: EventsHost
beforeAll(async () => {
  host = await createEventsHost({ metrics })
}, 60_000)
afterAll(() => host.close(), 60_000)

const amount = (type: string) => ({
  jsonSchema: { type: 'object', required: ['amount'], properties: { amount: { type } } },
})
const asked = { topic: 'action-requests', type: 'sum.requested' }
const ORDER = { topic: 'business-facts', type: 'order.placed' }
const orders = (version: string, type: string) => ({
  ...{ ...ORDER, version, description: 'An order was placed.', schema: amount(type) },
})
const aGroup = async (name: string, range: string, of = asked) => {
  const { id } = await host.events.subscriptions.create(context, {
    body: { name, topics: [of.topic], types: [of.type], versions: { [of.type]: range } },
  })
  return { id, member: await aMember(host, context, id) }
}
const ask = (version: string, correlationId: string) =>
  host.events.events.publish(context, {
    body: {
      ...{ ...asked, correlationId, data: { amount: 1 }, dataSchema: schemaUri(asked.type, version) },
      ...{ responseType: 'sum.completed', responseTopic: 'action-results' },
    },
  })
const replies = async (correlationId: string) =>
  (await host.events.events.list(context, { query: { type: 'sum.completed', correlationId } })).items

describe('versions that a group does not take', () => {
  it('REG-R7 are never handed to it, and counted; a request that no group takes is answered once as failed', async () => {
    for (const version of ['1.0.0', '2.0.0', '3.0.0'])
      await host.registry.events.create(context, {
        body: { ...asked, version, kind: 'request', description: `Sum ${version}.`, schema: amount('integer') },
      })
    await host.define(context, 'sum.completed', { topic: 'action-results' })
    const first = await aGroup('first', '^1')
    const second = await aGroup('second', '^2')
    await ask('2.0.0', 'taken')
    await ask('3.0.0', 'refused')
    await ask('1.0.0', 'taken too')
    const given = await Promise.all([first.member.delivery(), second.member.delivery()])
    expect(given.map(({ event }) => event.correlationid)).toEqual(['taken too', 'taken'])
    const refusal = await host.waitFor(({ type }) => type === 'sum.completed')
    expect(JSON.parse(refusal.envelope)).toMatchObject({
      correlationid: 'refused',
      outcome: 'failed',
      data: { problem: { code: 'no-compatible-consumer', status: 409, retryable: false } },
    })
    await expect
      .poll(() => counted.toSorted((left, right) => left.localeCompare(right)), { timeout: 30_000 })
      .toEqual([first.id, first.id, second.id, second.id])
    for (const [index, { member }] of [first, second].entries()) {
      await member.ack(given[index] as never)
      await member.leave()
    }
    expect(await replies('refused')).toHaveLength(1)
    expect([...(await replies('taken')), ...(await replies('taken too'))]).toEqual([])
  })

  it('leaves a request alone that was there before its group', async () => {
    for (const { id, version } of (await host.events.subscriptions.list(context, { query: {} })).items)
      await host.events.subscriptions.delete(context, { params: { subscriptionId: id }, ifMatch: version })
    await ask('3.0.0', 'old')
    const { id } = await host.events.subscriptions.create(context, {
      body: {
        ...{ name: 'late', topics: [asked.topic], types: [asked.type], versions: { [asked.type]: '^1' } },
        startAt: 'earliest',
      },
    })
    const member = await aMember(host, context, id)
    expect((await member.delivery()).event.correlationid).toBe('taken too')
    await expect.poll(() => counted.filter((group) => group === id), { timeout: 30_000 }).toHaveLength(3)
    await ask('3.0.0', 'new')
    await expect.poll(() => replies('new'), { timeout: 30_000 }).toHaveLength(1)
    expect(await replies('old')).toEqual([])
    await member.leave()
  })

  it('REG-A3 a breaking change is refused as a minor version and taken as a major one, which the consumers of the other do not get', async () => {
    await host.registry.events.create(context, { body: orders('1.2.0', 'integer') })
    const consumers = await Promise.all(
      ['biller', 'packer'].map(async (name) => {
        await host.registry.instances.register(context, {
          params: { name, instanceId: newUuid() },
          body: { kind: 'worker', description: name, agentVersion: '1.0.0', consumes: [{ ...ORDER, range: '^1' }] },
        })
        return (await aGroup(name, '^1', ORDER)).member
      }),
    )
    const produce = (version: string) =>
      host.registry.instances.register(context, {
        params: { name: 'shop', instanceId: newUuid() },
        body: {
          ...{ kind: 'worker', description: 'Sells.', agentVersion: '1.0.0', produces: [ORDER] },
          events: [orders(version, 'string')],
        },
      })
    await expect(produce('1.3.0')).rejects.toMatchObject({
      ...{ code: 'schema-incompatible', status: 422 },
      extensions: {
        errors: [{ pointer: '/body/events/0/schema/jsonSchema/properties/amount/type' }],
        reports: [
          {
            ...{ from: '1.2.0', to: '1.3.0', needs: '2.0.0' },
            changes: [{ pointer: '/schema/properties/amount/type', level: 'major', counterexample: expect.anything() }],
          },
        ],
      },
    })
    await produce('2.0.0')
    const publish = (version: string, amount: unknown) =>
      host.events.events.publish(context, {
        body: { ...ORDER, partitionKey: 'one', data: { amount } as never, dataSchema: schemaUri(ORDER.type, version) },
      })
    await publish('2.0.0', '2 €')
    await publish('1.2.0', 1)
    for (const member of consumers) {
      expect((await member.delivery()).event.data).toEqual({ amount: 1 })
      await member.leave()
    }
  })
})
