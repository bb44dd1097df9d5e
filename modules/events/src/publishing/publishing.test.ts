import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'order.placed', {
    schema: {
      type: 'object',
      properties: { amount: { type: 'integer' } },
      required: ['amount'],
      additionalProperties: false,
    },
  })
})
afterAll(() => host.close())

const order = (more: Readonly<Record<string, unknown>> = {}) => ({
  type: 'order.placed',
  topic: 'business-facts',
  data: { amount: 1 },
  ...more,
})

describe('publishing', () => {
  it('answers after the event is in the log, with its place', async () => {
    const published = await host.events.events.publish(context, { body: order() })
    const stored = await host.events.events.get(context, { params: { eventId: published.eventId } })
    expect(stored).toMatchObject({ type: 'order.placed', data: { amount: 1 }, sequence: published.sequence })
    expect(published).toMatchObject({ topic: 'business-facts', duplicate: false, warnings: [] })
  })
})
