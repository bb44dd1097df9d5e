import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, aTail, createEventsHost, type EventsHost, openRetention } from '../../testing/index.ts'

const topic = 'business-facts'
const context = anEventsContext()
let host: EventsHost
let retention: Awaited<ReturnType<typeof openRetention>>

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'step.done')
  retention = await openRetention(host)
}, 60_000)
afterAll(async () => {
  await retention.close()
  await host.close()
})

const publish = async (total: number) => {
  const event = { type: 'step.done', topic, data: {}, partitionKey: 'one' }
  await host.events.events.publishBatch(context, { body: { events: Array.from({ length: total }, () => event) } })
}
const newest = async () => {
  const { items } = await host.events.events.list(context, { query: { topic, limit: 1 } })
  const { sequence, recordedtime: time } = items[0] as unknown as { sequence: string; recordedtime: string }
  return { position: Number(sequence.split('-')[1]), sequence, time }
}
const open = (query: Readonly<Record<string, string>>) => aTail(host, context, query)

describe('places that the log has lost', () => {
  it('are 410 position-trimmed with the oldest position: cursors of tails and lists, seek, a new subscription, a replay', async () => {
    await publish(30)
    const tail = await open({ from: 'earliest' })
    const { id: cursor } = await tail.next()
    await tail.close()
    const page = await host.events.events.list(context, { query: { topic, limit: 5 } })
    const old = await newest()
    const { id } = await host.events.subscriptions.create(context, { body: { name: 'late', topics: [topic] } })
    await publish(1)
    await host.events.subscriptions.seek(context, { params: { subscriptionId: id }, body: { to: 'latest', note: 'x' } })
    await retention.expire(topic)
    await publish(1)
    const { position: oldest } = await newest()
    const trimmed = { code: 'position-trimmed', status: 410, extensions: { oldestPosition: oldest } }

    await expect(open({ from: cursor as string })).rejects.toMatchObject(trimmed)
    const next = host.events.events.list(context, { query: { topic, limit: 5, cursor: page.nextCursor as string } })
    await expect(next).rejects.toMatchObject(trimmed)
    const place = { sequence: old.sequence, topic }
    const seek = host.events.subscriptions.seek(context, {
      params: { subscriptionId: id },
      body: { to: place, note: 'x' },
    })
    await expect(seek).rejects.toMatchObject(trimmed)
    const body = { name: 'later', topics: [topic], startAt: place }
    await expect(host.events.subscriptions.create(context, { body })).rejects.toMatchObject(trimmed)
    const replay = host.events.replays.create(context, {
      body: { subscriptionId: id, from: old.time, ratePerSecond: 10 },
    })
    await expect(replay).rejects.toMatchObject(trimmed)
  })

  it('EVT-R50 a tail that reads history slower than retention takes it gets a gap from where it stood, and goes on with the oldest', async () => {
    await host.events.subscriptions.list(context)
    await publish(450)
    const tail = await open({ from: 'earliest' })
    const first = await tail.next()
    await retention.expire(topic)
    await publish(1)
    let frame = first
    let last = first
    for (frame = await tail.next(); frame.event === 'event'; frame = await tail.next())
      if (frame.id !== undefined) last = frame
    expect(frame).toMatchObject({ event: 'gap', data: { from: last.id, reason: 'trimmed' } })
    const after = await tail.next()
    expect(after).toMatchObject({ event: 'event', data: { sequence: (await newest()).sequence } })
    await tail.close()
  })
})
