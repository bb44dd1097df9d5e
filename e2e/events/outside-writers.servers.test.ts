import { eventsContract } from '@soma/events/contract'
import {
  buildClient,
  type Client,
  createHttpTransport,
  event,
  newTraceparent,
  newUuid,
  on,
  partitionOf,
  silentLogger,
} from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { type OwnServer, ownServer, until } from '@soma/runtime/testing'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { openOutsideWriter, type OutsideMessage, type OutsideWriter } from './outside-writer.ts'
import { aWitness } from './witness.ts'

const ADDRESS = { nats: 'events.natsUrl', kafka: 'events.kafkaBrokers' } as const
const TENANT = 'default'
const PARTITIONS = 16
const COUNT = 100
const STRUCTURED = 'application/cloudevents+json'

const sold = event({
  type: 'kiosk.sold',
  topic: 'business-facts',
  data: z.strictObject({ number: z.number().int() }),
  summary: 'A kiosk sold something.',
})

interface Sale {
  readonly id: string
  readonly partitionkey: string
}

let made = 0
const aSale = (more: Readonly<Record<string, unknown>> = {}) => ({
  specversion: '1.0',
  id: `sale-${++made}`,
  source: '/kiosk/1',
  type: sold.type,
  tenantid: TENANT,
  traceparent: newTraceparent(),
  dataschema: '/v1/registry/schemas/kiosk.sold/versions/1.0.0',
  partitionkey: `key-${made % 7}`,
  data: { number: made },
  ...more,
})

const messageOf = ({ partitionkey }: Sale, body: string, attributes = {}): OutsideMessage => ({
  topic: sold.topic,
  part: partitionOf(TENANT, partitionkey, PARTITIONS),
  attributes,
  contentType: STRUCTURED,
  body,
})

/** What a careless program makes of an event. The tenant is known by the header, so that somebody can look at the letter. */
const breakages: ((sale: ReturnType<typeof aSale>) => string)[] = [
  () => 'no event',
  () => '{"half":',
  () => '"text"',
  () => '',
  () => '\0\u{1F4A5}',
  (sale) => JSON.stringify({ ...sale, subject: 7 }),
  (sale) => JSON.stringify({ ...sale, id: 'x'.repeat(5_000) }),
  ...(['specversion', 'id', 'source', 'type', 'tenantid', 'traceparent', 'dataschema'] as const).map(
    (name) => (sale: ReturnType<typeof aSale>) => JSON.stringify({ ...sale, [name]: undefined }),
  ),
]
const beside = { tenantid: TENANT, type: sold.type }

const idsOf = (sales: readonly Sale[], key: string) =>
  sales.filter(({ partitionkey }) => partitionkey === key).map(({ id }) => id)

function expectSame(got: readonly Sale[], written: readonly Sale[]): void {
  expect(got.map(({ id }) => id).toSorted()).toEqual(written.map(({ id }) => id).toSorted())
  for (const { partitionkey } of written) expect(idsOf(got, partitionkey)).toEqual(idsOf(written, partitionkey))
}

describe.each(['nats', 'kafka'] as const)('a program outside Soma that writes to %s', (bus) => {
  const seen: Sale[] = []
  const witness = aWitness([on(sold, async ({ event: given }) => void seen.push(given as unknown as Sale))])
  const nobody = undefined as never
  let away: OwnServer
  let server: RunningServer
  let writer: OutsideWriter
  let events: Client<typeof eventsContract>

  beforeAll(async () => {
    away = await ownServer(bus)
    server = await startServer({
      platform: { ...somaPlatform, modules: [...somaPlatform.modules, witness] },
      sources: {
        flags: {
          mode: 'developer-light',
          'server.port': 0,
          'server.dataDirectory': 'memory',
          'events.bus': bus,
          [ADDRESS[bus]]: away.url,
          'events.durability': 'process',
          'events.partitions': PARTITIONS,
        },
      },
      log: silentLogger,
    })
    writer = await openOutsideWriter(bus, away.url)
    const transport = createHttpTransport({ url: server.url, headers: () => ({}), fetch, timeoutMs: 60_000 })
    events = buildClient(eventsContract, transport)
    await buildClient(registryContract, transport).events.create(nobody, {
      body: {
        topic: sold.topic,
        type: sold.type,
        description: sold.summary,
        schema: { jsonSchema: z.toJSONSchema(sold.data) as never },
      },
    })
  }, 120_000)
  afterAll(async () => {
    await writer.close()
    await server.stop()
    await away.end()
  })

  const subscribe = (name: string) =>
    events.subscriptions.create(nobody, { body: { name, topics: [sold.topic], types: [sold.type] } })

  /** Handles what there is until so many were handled. */
  async function pull(subscriptionId: string, count: number): Promise<Sale[]> {
    const params = { subscriptionId }
    const memberId = newUuid()
    const got: Sale[] = []
    while (got.length < count) {
      const { deliveries } = await events.deliveries.pull(nobody, {
        params,
        body: { memberId, max: 100, waitMs: 1000 },
      })
      got.push(...deliveries.map((delivery) => delivery.event as unknown as Sale))
      const acks = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, emits: [] }))
      if (acks.length > 0) await events.deliveries.settle(nobody, { params, body: { memberId, acks } })
    }
    return got
  }

  const codesOf = async (group: { subscriptionId: string } | { moduleGroup: string }): Promise<string[]> =>
    (await events.deadLetters.list(nobody, { query: { ...group, limit: 200 } })).items.map(
      ({ problem }) => problem.code,
    )

  it('EVT-R37 EVT-A10 100 broken and 100 good: 100 dead letters and, in order per key, 100 deliveries, to a module and to a subscription; a tail sees the 100', async () => {
    const { id: subscriptionId } = await subscribe('all-sales')
    const ended = new AbortController()
    const query = { topics: sold.topic, types: sold.type, from: 'now' }
    const tail = await events.events.stream(nobody, { query, signal: ended.signal })
    const good = Array.from({ length: COUNT }, () => aSale())
    await writer.write(
      good.flatMap((sale, index) => [
        messageOf(sale, (breakages[index % breakages.length] as (typeof breakages)[number])(sale), beside),
        messageOf(sale, JSON.stringify(sale)),
      ]),
    )
    const watched: Sale[] = []
    for await (const frame of tail)
      if (frame.event === 'event' && watched.push(frame.data as unknown as Sale) === COUNT) break
    ended.abort()
    expectSame(watched, good)
    expectSame(await pull(subscriptionId, COUNT), good)
    await until(() => seen.length >= COUNT)
    expectSame(seen, good)
    for (const group of [{ subscriptionId }, { moduleGroup: 'module:witness' }]) {
      await until(async () => (await codesOf(group)).length >= COUNT)
      expect(await codesOf(group)).toEqual(Array.from({ length: COUNT }, () => 'envelope-invalid'))
    }
    const listed = await events.events.list(nobody, { query: { type: sold.type, limit: 200 } })
    expect(listed.items).toHaveLength(COUNT)
  }, 120_000)

  it('EVT-A10 100 whose data does not fit its schema and 100 that fit: 100 dead letters and 100 deliveries, to a module and to a subscription', async () => {
    const before = seen.length
    const { id: subscriptionId } = await subscribe('fitting-sales')
    const good = Array.from({ length: COUNT }, () => aSale())
    await writer.write(
      good.flatMap((sale) => [
        messageOf(sale, JSON.stringify(aSale({ partitionkey: sale.partitionkey, data: { number: 'many' } }))),
        messageOf(sale, JSON.stringify(sale)),
      ]),
    )
    expectSame(await pull(subscriptionId, COUNT), good)
    await until(() => seen.length >= before + COUNT)
    expectSame(seen.slice(before), good)
    const mismatches = async (group: Parameters<typeof codesOf>[0]) =>
      (await codesOf(group)).filter((code) => code === 'schema-mismatch').length
    for (const group of [{ subscriptionId }, { moduleGroup: 'module:witness' }]) {
      await until(async () => (await mismatches(group)) >= COUNT)
      expect(await mismatches(group)).toBe(COUNT)
    }
  }, 120_000)
})
