import { createMetrics } from '@soma/adapter-prometheus'
import { onTopic } from '@soma/kernel'
import { effectsMigration, openEventSpine, until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const SLO_MS = 60_000
const context = anEventsContext()
const metrics = createMetrics()
let host: EventsHost
let neighbour: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ settings: { lagSloMs: SLO_MS }, metrics })
  neighbour = await createEventsHost({
    database: host.database,
    isSecondProcess: true,
    settings: { lagSloMs: SLO_MS },
  })
  await host.define(context, 'step.done')
  await host.define(context, 'step.begun')
  await host.database.migrate([effectsMigration])
}, 60_000)
afterAll(async () => {
  await neighbour.drain()
  await host.close()
})

let made = 0
const subscribe = async (more: object = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: `lag-${++made}`, topics: ['business-facts'], types: ['step.done'], ...more },
    })
  ).id
const publish = (type = 'step.done') =>
  host.events.events.publish(context, { body: { type, topic: 'business-facts', data: {} } })
const facts = (group: string) =>
  host.recorded
    .filter(({ type, envelope }) => type.startsWith('consumer.') && envelope.includes(`"group":"${group}"`))
    .map(({ type, tenantId, envelope }) => ({ type, tenantId, data: JSON.parse(envelope).data }))
const asBus = <Row>(sql: string, parameters: readonly unknown[] = []) =>
  host.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql, parameters))
const told = async (name: string) =>
  ((await metrics.render()).body.match(new RegExp(`^${name}\\{.*$`, 'gm')) ?? []).toSorted()

describe('lag', () => {
  it('EVT-R56 a module group is told in the tenant platform, counts what retries and is parked, and lags from 10,000 events on however young they are', async () => {
    const group = 'module:measured'
    const owner = await openEventSpine({ ...host.database, close: async () => undefined }, {}, false)
    const consumer = owner.consumer(
      [
        onTopic('plan-events', '*', async () => {
          throw new Error('never')
        }),
      ],
      { commitEveryMs: 5, backoff: { baseMs: 600_000, factor: 1, maxMs: 600_000 } },
      group,
    )
    await consumer.start()
    const event = { topic: 'plan-events' as const, key: 'one' }
    await owner.publish(event, event, event)
    const rows = () => asBus<{ pos: number }>('select pos from events.delivery where grp = $1', [group])
    await until(async () => (await rows()).length === 3)
    await consumer.stop()
    await host.runJobs()
    expect(facts(group)).toEqual([])
    expect(await told('soma_events_parked_rows')).toContain(`soma_events_parked_rows{group="${group}"} 2`)
    await asBus(`update events.cursor set pos = pos - 10_001 where grp = $1 and part = 0`, [group])
    await host.runJobs()
    await host.waitFor(({ type, envelope }) => type === 'consumer.lagging' && envelope.includes(group))
    expect(facts(group)).toMatchObject([
      { type: 'consumer.lagging', tenantId: 'platform', data: { topic: 'plan-events' } },
    ])
    expect((await host.events.lag.list(context)).items).toEqual([])
    await owner.close()
  })

  it('EVT-R56 a subscription whose oldest event is over the threshold is told to lag once, by whichever process measures, and once to have caught up', async () => {
    const id = await subscribe()
    await publish()
    await host.runJobs()
    expect(facts(id)).toEqual([])
    for (const process of [host, neighbour]) process.clock.advance(SLO_MS + 1000)
    for (const process of [host, neighbour, host]) await process.runJobs()
    await host.waitFor(({ type }) => type === 'consumer.lagging')
    const data = { group: id, topic: 'business-facts', threshold: { lag: 10_000, oldestAgeMs: SLO_MS } }
    expect(facts(id)).toMatchObject([{ type: 'consumer.lagging', tenantId: 'tenant-a', data: { ...data, lag: 1 } }])
    expect(facts(id)[0]?.data.oldestAgeMs).toBeGreaterThan(SLO_MS)
    const series = async () => (await told('soma_events_consumer_lag_events')).filter((line) => line.includes(id))
    expect(await series()).toEqual([`soma_events_consumer_lag_events{group="${id}",topic="business-facts"} 1`])
    const lag = () => host.events.lag.list(context, { query: { subscriptionId: id } })
    expect(await lag()).toMatchObject({ lagSloMs: SLO_MS })
    expect((await lag()).items.every(({ isLagging }) => isLagging)).toBe(true)

    const member = await aMember(host, context, id)
    await member.ack(await member.delivery())
    await until(async () => (await lag()).items.every(({ lag: events }) => events === 0))
    await neighbour.runJobs()
    await host.runJobs()
    await host.waitFor(({ type }) => type === 'consumer.recovered')
    expect(facts(id)).toMatchObject([{}, { type: 'consumer.recovered', data: { ...data, lag: 0, oldestAgeMs: 0 } }])
    expect(await series()).toEqual([])
    expect((await lag()).items.some(({ isLagging }) => isLagging)).toBe(false)
    await member.leave()
    await host.events.subscriptions.delete(context, { params: { subscriptionId: id }, ifMatch: 1 })
  })

  it('a subscription that nobody is connected to does not lag behind events that it does not want', async () => {
    const id = await subscribe()
    await publish('step.begun')
    host.clock.advance(SLO_MS + 1000)
    await host.runJobs()
    await host.runJobs()
    expect(facts(id)).toEqual([])
    await publish()
    await host.runJobs()
    host.clock.advance(SLO_MS + 1000)
    await host.runJobs()
    expect(facts(id)).toMatchObject([{ type: 'consumer.lagging' }])
    await host.events.subscriptions.delete(context, { params: { subscriptionId: id }, ifMatch: 1 })
    await host.runJobs()
    expect(facts(id)).toHaveLength(1)
    expect(await asBus(`select from events.lagging where grp like 'sub:%'`)).toEqual([])
  })

  it('a process that measures no longer shows no gauges of its last measure', async () => {
    await host.runJobs()
    expect(await told('soma_events_consumer_oldest_age_seconds')).not.toEqual([])
    host.standBy()
    for (const name of ['consumer_oldest_age_seconds', 'consumer_lag_events', 'parked_rows', 'dead_letters_open'])
      expect(await told(`soma_events_${name}`)).toEqual([])
  })
})
