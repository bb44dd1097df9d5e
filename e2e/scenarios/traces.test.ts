import { eventsContract } from '@soma/events/contract'
import { commonProblems, contract, defineModule, type EventEnvelope, newUuid, onTopic } from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { somaPlatform } from '@soma/server'
import {
  type CollectedSpan,
  type Collector,
  createCollector,
  createTestServer,
  type TestServer,
  testContext,
} from '@soma/server/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'

const context = testContext()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
/** Nothing but these members: a trace in it would be refused. */
const schema = {
  type: 'object',
  properties: { n: { type: 'integer' } },
  required: ['n'],
  additionalProperties: false,
}
interface Delivery {
  readonly deliveryId: string
  readonly event: EventEnvelope
}
const handled: EventEnvelope[] = []
let collector: Collector
let server: TestServer

const witness = defineModule({
  contract: contract({
    module: 'witness',
    summary: 'What was seen?',
    operations: {},
    events: [],
    capabilities: {},
    settings: {},
  }),
  uses: {},
  create: () => ({
    operations: {},
    handlers: [
      onTopic('business-facts', 'trace.seen', async ({ event }) => {
        handled.push(event)
        if (event.replayid === undefined) throw commonProblems.invalidRequest.create('not this time')
      }),
    ],
  }),
})

beforeAll(async () => {
  collector = await createCollector()
  server = await createTestServer({
    modules: [
      ...somaPlatform.modules.filter(({ contract: { module } }) => ['events', 'registry'].includes(module)),
      witness,
    ],
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    // As on a bus outside the database: the event waits in the outbox first.
    settings: { 'server.otlpEndpoint': collector.endpoint, 'events.emit': 'relay' },
  })
}, 60_000)
afterAll(() => collector.close())

const post = (path: string, body: object) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: {
      ...server.headersOf(context),
      'content-type': 'application/json',
      traceparent: `00-${TRACE}-${CALLER}-01`,
    },
    body: JSON.stringify(body),
  })
const spanOf = (traceparent: string | undefined) => traceparent?.split('-')[2]
const named = (spans: readonly CollectedSpan[], name: string) => spans.filter((span) => span.name === name)

it('EVT-R55 one trace from the request over outbox, log, delivery and dead letter; a replay is linked to it; data and its schema know nothing of it', async () => {
  const events = server.client(eventsContract)
  await server.client(registryContract).events.create(context, {
    body: {
      ...{ topic: 'business-facts', type: 'trace.seen', description: 'Seen.' },
      schema: { jsonSchema: schema as never },
    },
  })
  const { id: subscriptionId } = await events.subscriptions.create(context, {
    body: { name: 'far', topics: ['business-facts'], types: ['trace.seen'] },
  })
  const sent = { topic: 'business-facts', type: 'trace.seen', data: { n: 1 } }
  expect((await post('/v1/events', { ...sent, data: { n: 1, traceparent: 'x' } })).status).toBe(422)
  const answer = await post('/v1/events', sent)
  expect(answer.status).toBe(201)
  const { eventId } = (await answer.json()) as { eventId: string }

  const memberId = newUuid()
  const pull = async () =>
    (
      await events.deliveries.pull(context, {
        params: { subscriptionId },
        body: { memberId, max: 1, waitMs: 10_000 },
      })
    ).deliveries[0] as Delivery | undefined
  const { deliveryId, event } = (await pull()) as Delivery
  const { traceparent } = event
  expect(event).toMatchObject({ id: eventId, data: { n: 1 } })
  const deadAt = { deliveryId, attempt: 1, dead: true }
  await events.deliveries.settle(context, { params: { subscriptionId }, body: { memberId, nacks: [deadAt] } })
  const letters = async () => (await events.deadLetters.list(context, { query: {} })).items
  await expect.poll(async () => (await letters()).length).toBe(2)
  for (const letter of await letters()) {
    expect(letter.traceparent).toBe(traceparent)
    await events.deadLetters.replay(context, { params: { deliveryId: letter.deliveryId }, body: { note: 'again' } })
  }
  const again = await pull()
  expect(again?.event).toMatchObject({ id: eventId, traceparent, data: { n: 1 }, replayid: expect.any(String) })
  await expect.poll(() => handled.map(({ replayid }) => replayid !== undefined)).toEqual([false, true])
  expect(handled.map((event) => event.traceparent)).toEqual([traceparent, traceparent])
  expect(handled.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 1 }])

  await server.stop()
  const spans = collector.spans()
  const publishing = named(spans, 'events.events.publish').filter(({ spanId }) => spanId === spanOf(traceparent))
  expect(publishing).toMatchObject([{ traceId: TRACE, parentSpanId: CALLER }])
  const [first, replayed, ...more] = named(spans, 'handle trace.seen').toSorted((left, right) =>
    Number(BigInt(left.startTimeUnixNano) - BigInt(right.startTimeUnixNano)),
  )
  expect(first).toMatchObject({ traceId: TRACE, parentSpanId: spanOf(traceparent) })
  expect(replayed).toMatchObject({ links: [{ traceId: TRACE, spanId: spanOf(traceparent) }] })
  expect(replayed?.traceId).not.toBe(TRACE)
  expect(more).toEqual([])
})
