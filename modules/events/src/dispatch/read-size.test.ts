import { expect, it, vi } from 'vitest'
import { aMember, anEventsContext, createEventsHost } from '../../testing/index.ts'

const context = anEventsContext()

it('EVT-R16 a dispatcher reads more at once while its group lags, less while its members fail, and more again when they succeed', async () => {
  const host = await createEventsHost({ partitions: 1 })
  await host.define(context, 'thing.tried')
  await host.define(context, 'thing.passed')
  const publish = (type: string, count: number) =>
    host.events.events.publishBatch(context, {
      body: { events: Array.from({ length: count }, () => ({ type, topic: 'business-facts', data: {} })) } as never,
    })
  const read = vi.spyOn(host.reader, 'read')
  const limits = () => read.mock.calls.filter(([topic]) => topic === 'business-facts').map(([, , , limit]) => limit)
  const { id } = await host.events.subscriptions.create(context, {
    body: { name: 'g', topics: ['business-facts'], types: ['thing.tried'], startAt: 'earliest' },
  })
  for (let batch = 0; batch < 4; batch++) await publish('thing.passed', 500)
  const member = await aMember(host, context, id, { credits: 1 })
  await vi.waitFor(() => expect(limits()).toContain(512), 20_000)
  expect(limits()[0]).toBe(256)

  const settleEach = async (count: number, settle: typeof member.ack) => {
    for (let n = 0; n < count; n++) {
      await publish('thing.tried', 1)
      await settle(await member.delivery())
    }
  }
  await settleEach(30, (delivery) => member.nack(delivery, { retryAfterMs: 600_000 }))
  expect(limits().at(-1)).toBe(16)
  await settleEach(30, member.ack)
  expect(limits().at(-1)).toBe(16)
  await publish('thing.passed', 500)
  await vi.waitFor(() => expect(limits().at(-1)).toBe(512), 20_000)
  await member.leave()
  await host.close()
}, 60_000)
