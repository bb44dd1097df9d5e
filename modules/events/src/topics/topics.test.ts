import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const HOUR_MS = 3_600_000
const context = anEventsContext()
const operator = anEventsContext('platform', { principalId: 'usr_operator' })
let host: EventsHost
let neighbour: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ settings: { maxEventBytes: 4096 } })
  await host.define(context, 'page.read')
  neighbour = await createEventsHost({
    database: host.database,
    isSecondProcess: true,
    settings: { maxEventBytes: 4096 },
  })
}, 60_000)
afterAll(async () => {
  await neighbour.drain()
  await host.close()
})

const publish = (by: EventsHost, bytes: number) =>
  by.events.events.publish(context, {
    body: { type: 'page.read', topic: 'business-facts', data: { text: 'x'.repeat(bytes) } },
  })
const change = (body: { retentionMs?: number | null; maxEventBytes?: number | null }, by = operator) =>
  host.events.topics.update(by, { params: { topic: 'business-facts' }, body })
const heard = (by: EventsHost, total: number) =>
  by.waitFor(() => by.recorded.filter(({ type }) => type === 'topic.changed').length === total)

describe('topics', () => {
  it('retention and largest event are set for all tenants and hold in every process, until null goes back to the configuration', async () => {
    await expect(publish(neighbour, 5000)).rejects.toMatchObject({ code: 'payload-too-large' })
    const changed = await change({ maxEventBytes: 8192, retentionMs: 2 * HOUR_MS })
    expect(changed).toMatchObject({ topic: 'business-facts', maxEventBytes: 8192, retentionMs: 2 * HOUR_MS })
    const fact = await heard(neighbour, 1)
    expect(JSON.parse(fact.envelope)).toMatchObject({
      tenantid: 'platform',
      partitionkey: 'business-facts',
      data: { topic: 'business-facts', retentionMs: 2 * HOUR_MS, maxEventBytes: 8192 },
    })
    await publish(neighbour, 5000)
    await publish(host, 5000)
    expect(await neighbour.events.topics.get(context, { params: { topic: 'business-events' } })).toMatchObject({
      retentionMs: 2 * HOUR_MS,
    })
    expect(await change({ maxEventBytes: null })).toMatchObject({ maxEventBytes: 4096, retentionMs: 2 * HOUR_MS })
    await heard(neighbour, 2)
    await expect(publish(neighbour, 5000)).rejects.toMatchObject({ code: 'payload-too-large' })
  })

  it('tell how old their oldest event is and what they take', async () => {
    const read = (topic: string) => host.events.topics.get(context, { params: { topic } })
    expect(await read('memory')).toMatchObject({ oldestAt: null })
    const before = await read('business-facts')
    const times = host.recorded.filter((each) => each.topic === 'business-facts').map(({ recordedAt }) => recordedAt)
    expect(before.oldestAt).toBe(new Date(Math.min(...times.map(Number))).toISOString())
    for (let round = 0; round < 40; round++) await publish(host, 3000)
    const after = await read('business-facts')
    expect(after.oldestAt).toBe(before.oldestAt)
    expect(after.bytes - before.bytes).toBeGreaterThan(8192)
    expect((await host.events.topics.list(context)).items.map(({ topic }) => topic)).toContain('memory')
  })

  it('are changed in the tenant platform alone, and within bounds', async () => {
    await expect(change({ retentionMs: HOUR_MS }, context)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(change({ retentionMs: 1 })).rejects.toMatchObject({ code: 'invalid-request' })
    await expect(change({})).rejects.toMatchObject({ code: 'invalid-request' })
  })
})
