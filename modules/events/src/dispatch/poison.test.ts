import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const context = anEventsContext()
const OTHERS = 99
const BEHIND = 50
const POISON = { problem: { code: 'unreadable', detail: 'it cannot be read', retryable: true } }
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost()
  for (const type of ['page.print.requested', 'page.printed']) await host.define(context, type)
}, 60_000)
afterAll(() => host.close())

const asked = (key: string, n: number) => ({
  type: 'page.print.requested',
  topic: 'business-facts',
  partitionKey: key,
  correlationId: `${key}-${n}`,
  responseType: 'page.printed',
  responseTopic: 'business-facts',
  data: { n },
})
const publish = (events: readonly object[]) =>
  host.events.events.publishBatch(context, { body: { events: events as never } })
const failedReplies = (correlationId: string) =>
  host.recorded.flatMap(({ type, envelope }) => {
    const event = JSON.parse(envelope)
    return type === 'page.printed' && event.correlationid === correlationId ? [event.outcome] : []
  })

describe('EVT-A3 poison of one key', () => {
  it.each(['continue', 'block'])(
    'delays no other key by a second, whatever becomes of its own (%s)',
    async (onDeadLetter) => {
      const key = `plan-7-${onDeadLetter}`
      const { id } = await host.events.subscriptions.create(context, {
        body: {
          name: onDeadLetter,
          topics: ['business-facts'],
          types: ['page.print.requested'],
          onDeadLetter: onDeadLetter as 'continue',
        },
      })
      const member = await aMember(host, context, id, { credits: 100 })
      await publish([asked(key, 0), ...Array.from({ length: BEHIND }, (_, n) => asked(key, n + 1))])
      const delays: number[] = []
      const others = async (from: number, to: number) => {
        for (let n = from; n < to; n++) {
          const sentAt = performance.now()
          await publish([asked(`${key}-well-${n}`, n)])
          const delivery = await member.delivery()
          expect(delivery.event['partitionkey']).toBe(`${key}-well-${n}`)
          await member.ack(delivery)
          delays.push(performance.now() - sentAt)
        }
      }
      for (let attempt = 1; attempt <= 5; attempt++) {
        const delivery = await member.delivery()
        expect(delivery).toMatchObject({ attempt, event: { partitionkey: key, data: { n: 0 } } })
        await member.nack(delivery, { ...POISON, retryAfterMs: 60_000 })
        if (attempt === 5) break
        await others((attempt - 1) * 25, Math.min(attempt * 25, OTHERS))
        host.clock.advance(60_000)
      }
      expect(delays).toHaveLength(OTHERS)
      expect(Math.max(...delays)).toBeLessThan(1000)
      const order: unknown[] = []
      if (onDeadLetter === 'continue') {
        while (order.length < BEHIND) {
          const delivery = await member.delivery()
          order.push(delivery.event.data)
          await member.ack(delivery)
        }
        expect(order).toEqual(Array.from({ length: BEHIND }, (_, n) => ({ n: n + 1 })))
      } else {
        const query = { limit: 100 }
        const { items } = await host.events.deliveries.list(context, { params: { subscriptionId: id }, query })
        expect(items.map((row) => [row.key, row.state])).toEqual(
          Array.from({ length: BEHIND + 1 }, () => [key, 'parked']),
        )
      }
      const dead = await host.events.deadLetters.list(context, { query: { subscriptionId: id } })
      expect(dead.items.map(({ key: of, attempts }) => [of, attempts.length])).toEqual([[key, 5]])
      expect(failedReplies(`${key}-0`)).toEqual(['failed'])
      await member.leave()
    },
  )
})
