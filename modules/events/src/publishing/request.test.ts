import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()
const bob = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost()
  for (const by of [context, bob]) for (const type of ['sum.asked', 'sum.told']) await host.define(by, type)
}, 60_000)
afterAll(() => host.close())

const ask = (data: object, more: Readonly<Record<string, unknown>> = {}, by = context) =>
  host.events.events.request(by, {
    body: {
      type: 'sum.asked',
      topic: 'business-facts',
      responseType: 'sum.told',
      responseTopic: 'business-facts',
      data: data as never,
      ...more,
    },
  })

describe('request and reply', () => {
  it('EVT-R10 a request without a live consumer is accepted with a warning; requireConsumer refuses it', async () => {
    const body = { type: 'sum.asked', topic: 'business-facts', responseType: 'sum.told', data: {} }
    expect((await host.events.events.publish(context, { body })).warnings).toMatchObject([{ code: 'no-live-consumer' }])
    await expect(ask({}, { requireConsumer: true })).rejects.toMatchObject({ code: 'no-consumer' })
  })

  it('answers the first reply of its own tenant and correlation; two requesters never get each other’s', async () => {
    const [mine, theirs] = await Promise.all(
      [context, bob].map(async (by) => {
        const { id } = await host.events.subscriptions.create(by, {
          body: { name: 'adders', topics: ['business-facts'], types: ['sum.asked'] },
        })
        return aMember(host, by, id)
      }),
    )
    const work = async (member: typeof mine, by: typeof context, total: number) => {
      for (let done = 0; done < total; done++) {
        const delivery = await member?.delivery()
        if (delivery === undefined) throw new Error('no member')
        const { left, right } = delivery.event.data as { left: number; right: number }
        await member?.ack(delivery, [
          { type: 'sum.told', topic: 'business-facts', data: { sum: left + right, tenant: by.tenantId } },
        ])
      }
    }
    const working = [work(mine, context, 3), work(theirs, bob, 1)]
    const replies = await Promise.all([
      ask({ left: 1, right: 1 }, { correlationId: 'same' }),
      ask({ left: 2, right: 2 }),
      ask({ left: 3, right: 3 }),
      ask({ left: 4, right: 4 }, { correlationId: 'same' }, bob),
    ])
    expect(replies.map(({ data }) => data)).toEqual([
      { sum: 2, tenant: 'tenant-a' },
      { sum: 4, tenant: 'tenant-a' },
      { sum: 6, tenant: 'tenant-a' },
      { sum: 8, tenant: 'tenant-b' },
    ])
    await Promise.all(working)
    const late = await ask({ left: 5, right: 5 }, { timeoutMs: 100 }).catch((error: unknown) => error)
    expect(late).toMatchObject({ code: 'response-timeout' })
    const { correlationId } = (late as { extensions: { correlationId: string } }).extensions
    await work(mine, context, 1)
    const { items } = await host.events.events.list(context, { query: { correlationId, type: 'sum.told' } })
    expect(items.map(({ data }) => data)).toEqual([{ sum: 10, tenant: 'tenant-a' }])
    for (const member of [mine, theirs]) await member?.leave()
  })
})
