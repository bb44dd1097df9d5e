import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'step.done')
}, 60_000)
afterAll(() => host.close())

/** What a member does with the n-th delivery it gets. */
type Act = 'ack' | 'nack' | 'late' | 'die'

/** Well below `maxAttempts`: what is dead is never completed. */
const LAST_PLAYED = 12
let count = 0

describe('order per key', () => {
  it('first completions are in log order per key whatever members do, and no key is in two hands at once', async () => {
    const acts = fc.array(fc.constantFrom<Act>('ack', 'ack', 'ack', 'nack', 'late', 'die'), {
      minLength: 5,
      maxLength: 40,
    })
    const keys = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 25 })
    await fc.assert(fc.asyncProperty(keys, acts, fc.integer({ min: 1, max: 6 }), run), { numRuns: 15 })
  }, 120_000)
})

async function run(keys: readonly number[], acts: readonly Act[], credits: number): Promise<void> {
  const round = ++count
  const { id } = await host.events.subscriptions.create(context, {
    body: {
      name: `order-${round}`,
      topics: ['business-facts'],
      filter: { subject: `round-${round}` },
      maxAttempts: 20,
      leaseMs: 1000,
      memberGraceMs: 0,
      backoff: { baseMs: 1, factor: 1, maxMs: 1 },
    },
  })
  await host.events.events.publishBatch(context, {
    body: {
      events: keys.map((key, n) => ({
        type: 'step.done',
        topic: 'business-facts',
        subject: `round-${round}`,
        partitionKey: `key-${key}`,
        data: { key, n },
      })),
    },
  })
  const completed: { key: number; n: number }[] = []
  const inHand = new Map<number, string>()
  let step = 0
  const work = async (): Promise<void> => {
    let member = await aMember(host, context, id, { credits })
    while (completed.length < keys.length) {
      const delivery = await Promise.race([member.delivery(), isDone])
      if (delivery === 'done') break
      const { key, n } = delivery.event.data as { key: number; n: number }
      const other = inHand.get(key)
      expect(other === undefined || other === delivery.deliveryId).toBe(true)
      inHand.set(key, delivery.deliveryId)
      const isPlayed = step++ < acts.length * 3 && delivery.attempt < LAST_PLAYED
      const act = isPlayed ? acts[step % acts.length] : 'ack'
      if (act === 'nack') {
        inHand.delete(key)
        await member.nack(delivery)
      } else if (act === 'die') {
        await member.leave()
        member = await aMember(host, context, id, { credits })
      } else {
        if (act === 'late') host.clock.advance(1100)
        inHand.delete(key)
        if ((await member.ack(delivery)).settled.length > 0) completed.push({ key, n })
      }
    }
    done('done')
    await member.leave()
  }
  let done: (value: 'done') => void = () => {}
  const isDone = new Promise<'done'>((resolve) => {
    done = resolve
  })
  await Promise.all([work(), work()])
  for (const key of new Set(keys)) {
    const order = completed.filter((entry) => entry.key === key).map(({ n }) => n)
    expect(order).toEqual(keys.flatMap((each, n) => (each === key ? [n] : [])))
  }
}
