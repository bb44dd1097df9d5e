import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeEvent, eventsContract, TOPIC_ALIASES } from '../../contract/index.ts'
import { anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext('tenant-a', { principalId: 'agt_seller' })

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'order.placed', {
    schema: {
      type: 'object',
      properties: { amount: { type: 'integer' }, note: { type: 'string' } },
      required: ['amount'],
      additionalProperties: false,
    },
  })
}, 60_000)
afterAll(() => host.close())

const order = (more: Readonly<Record<string, unknown>> = {}) => ({
  type: 'order.placed',
  topic: 'business-facts',
  data: { amount: 1 },
  ...more,
})
const publish = (more: Readonly<Record<string, unknown>> = {}, by = context, idempotencyKey?: string) =>
  host.events.events.publish(by, { body: order(more), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) })
const stored = (eventId: string, by = context) => host.events.events.get(by, { params: { eventId } })
const count = (eventId: string) => host.recorded.filter((record) => record.eventId === eventId).length

describe('publishing', () => {
  it('answers after the event is in the log, with its place', async () => {
    const published = await publish()
    expect(published).toMatchObject({ topic: 'business-facts', duplicate: false, warnings: [] })
    expect(await stored(published.eventId)).toMatchObject({ data: { amount: 1 }, sequence: published.sequence })
  })

  it('EVT-R3 stamps tenant, author, space and constitution over what the caller writes', async () => {
    const wire = {
      specversion: '1.0',
      id: 'forged-1',
      source: 'shop',
      ...order(),
      authid: 'usr_boss',
      authtype: 'user',
      region: 'moon',
      constitutionhash: 'mine',
      recordedtime: '1999-01-01T00:00:00Z',
    }
    const body = decodeEvent({ contentType: 'application/cloudevents+json', headers: {}, body: wire }) as never
    await host.events.events.publish(context, { body })
    const event = await stored('forged-1')
    expect(event).toMatchObject({
      tenantid: 'tenant-a',
      authid: 'agt_seller',
      authtype: 'service_account',
      region: 'local',
      constitutionhash: 'none',
    })
    expect(String(event.recordedtime)).not.toContain('1999')
    const plain = anEventsContext('tenant-a', {
      principalId: 'agt_plain',
      userId: 'usr-1',
      capabilities: ['event:publish'],
    })
    await expect(publish({ tenantId: 'tenant-b' }, plain)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(publish({ userId: 'usr-2' }, plain)).rejects.toMatchObject({
      code: 'forbidden',
      extensions: { capability: 'principal:act-for' },
    })
    await expect(publish({ spaceId: 'other' }, plain)).rejects.toMatchObject({ code: 'forbidden' })
    const trusted = anEventsContext('tenant-a', { capabilities: ['event:publish', 'principal:act-for'] })
    const { eventId } = await publish({ userId: 'usr-2', spaceId: 'red' }, trusted)
    expect(await stored(eventId)).toMatchObject({ userid: 'usr-2', spaceid: 'red' })
  })

  it('EVT-R4 an unknown topic is refused with the nearest name; every alias publishes to its topic and reads by its filter', async () => {
    await expect(publish({ topic: 'bussiness-facts' })).rejects.toMatchObject({
      code: 'unknown-topic',
      message: /did you mean "business-facts"/,
    })
    await expect(publish({ topic: 'business.*' })).rejects.toMatchObject({ code: 'unknown-topic' })
    const open = TOPIC_ALIASES.filter(
      ({ topics }) => !['conversation', 'memory', 'audit', 'dead-letter'].includes(topics[0] as string),
    )
    const warned = await createEventsHost({ settings: { validation: 'warn' } })
    for (const { name, topics } of open) {
      const { topic } = await warned.events.events.publish(context, {
        body: order({ topic: name, type: 'order.unheard' }),
      })
      expect([name, topic]).toEqual([name, topics[0]])
    }
    for (const alias of TOPIC_ALIASES) await warned.events.events.list(context, { query: { topic: alias.name } })
    const read = async (topic: string) => (await warned.events.events.list(context, { query: { topic } })).items.length
    expect([await read('project.events'), await read('business-events'), await read('slm.metrics')]).toEqual([3, 1, 0])
    await warned.close()
  })

  it('platform nouns and the topics of modules are closed to tenants', async () => {
    await expect(publish({ type: 'subscription.created', topic: 'system-events' })).rejects.toMatchObject({
      code: 'type-reserved',
    })
    for (const topic of ['conversation', 'memory', 'audit', 'dead-letter', 'memory.wal'])
      await expect(publish({ topic })).rejects.toMatchObject({ code: 'type-reserved' })
  })

  it('unregistered types and data that does not fit are refused with what is wrong, and nothing is stored', async () => {
    const before = host.recorded.length
    await expect(publish({ type: 'order.plaecd' })).rejects.toMatchObject({ code: 'unknown-event-type' })
    await expect(publish({ data: { amount: 'many', note: 7 } })).rejects.toMatchObject({
      code: 'schema-mismatch',
      extensions: {
        schemaId: expect.stringContaining('/v1/registry/schemas/'),
        errors: expect.arrayContaining([
          expect.objectContaining({ pointer: '/body/data/amount' }),
          expect.objectContaining({ pointer: '/body/data/note' }),
        ]),
      },
    })
    expect(host.recorded.length).toBe(before)
  })

  it('warn mode accepts with a warning and says so once an hour per type', async () => {
    const warned = await createEventsHost({ settings: { validation: 'warn' } })
    await warned.define(context, 'order.placed', {
      schema: { type: 'object', required: ['amount'], properties: { amount: { type: 'integer' } } },
    })
    const bad = () => warned.events.events.publish(context, { body: order({ data: {} }) })
    expect((await bad()).warnings).toMatchObject([{ code: 'schema-mismatch' }])
    await bad()
    const facts = () => warned.recorded.filter(({ type }) => type === 'event.schema-violated')
    expect(facts()).toHaveLength(1)
    warned.clock.advance(3_600_001)
    await bad()
    expect(JSON.parse(facts()[1]?.envelope as string).data).toMatchObject({ type: 'order.placed', count: 2 })
    await warned.close()
  })

  it('a type that is defined later is known at once', async () => {
    const body = { type: 'order.shipped', topic: 'business-facts', data: {} }
    await expect(host.events.events.publish(context, { body })).rejects.toMatchObject({ code: 'unknown-event-type' })
    await host.define(context, 'order.shipped')
    await host.events.events.publish(context, { body })
  })

  it('EVT-R8 the same id and content is a duplicate with the first recordedAt; other content is refused', async () => {
    const first = await publish({ id: 'once-1', source: 'shop' })
    host.clock.advance(1000)
    const again = await publish({ id: 'once-1', source: 'shop' })
    expect(again).toMatchObject({ duplicate: true, recordedAt: first.recordedAt, eventId: 'once-1' })
    await expect(publish({ id: 'once-1', source: 'shop', data: { amount: 2 } })).rejects.toMatchObject({
      code: 'event-id-reused',
    })
    expect(count('once-1')).toBe(1)
    expect((await publish({ id: 'once-1', source: 'other shop'.replace(' ', '-') })).duplicate).toBe(false)
    const bob = anEventsContext('tenant-b')
    await host.define(bob, 'order.placed')
    expect((await publish({ id: 'once-1', source: 'shop', data: { amount: 9 } }, bob)).duplicate).toBe(false)
    host.clock.advance(86_400_001)
    expect((await publish({ id: 'once-1', source: 'shop', data: { amount: 2 } })).duplicate).toBe(false)
    const concurrent = await Promise.all(Array.from({ length: 20 }, () => publish({ id: 'once-2', source: 'shop' })))
    expect(concurrent.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(count('once-2')).toBe(1)
  })

  it('a repeated request with the same Idempotency-Key is the same event', async () => {
    const first = await publish({}, context, 'key-1')
    const again = await publish({}, context, 'key-1')
    expect(again).toMatchObject({ eventId: first.eventId, duplicate: true })
  })

  it('EVT-R9 a batch is all or none with all errors at once; with atomic=false each index stands alone; order per key is kept', async () => {
    const bad = [
      order({ id: 'batch-1' }),
      order({ type: 'order.unknown' }),
      order({ data: {} }),
      { topic: 'business-facts' },
    ]
    await expect(host.events.events.publishBatch(context, { body: { events: bad } })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: {
        errors: [
          { pointer: '/body/events/1' },
          { pointer: '/body/events/2/data/amount' },
          { pointer: '/body/events/3/type' },
        ].map((error) => expect.objectContaining(error)),
      },
    })
    expect(count('batch-1')).toBe(0)
    const { results } = await host.events.events.publishBatch(context, {
      query: { atomic: 'false' },
      body: { events: bad },
    })
    expect(results.map(({ index, status, problem }) => [index, status, problem?.code])).toEqual([
      [0, 'accepted', undefined],
      [1, 'refused', 'unknown-event-type'],
      [2, 'refused', 'schema-mismatch'],
      [3, 'refused', 'invalid-request'],
    ])
    const reused = [order({ id: 'batch-2' }), order({ id: 'batch-1', data: { amount: 5 } })]
    await expect(host.events.events.publishBatch(context, { body: { events: reused } })).rejects.toMatchObject({
      code: 'event-id-reused',
    })
    expect(count('batch-2')).toBe(0)
    const ids = Array.from({ length: 50 }, (_, n) => `ordered-${n}`)
    await host.events.events.publishBatch(context, {
      body: { events: ids.map((id) => order({ id, partitionKey: 'one' })) },
    })
    const recorded = host.recorded
      .filter(({ eventId }) => ids.includes(eventId))
      .toSorted((left, right) => left.position - right.position)
    expect(recorded.map(({ eventId }) => eventId)).toEqual(ids)
    const many = Array.from({ length: 501 }, () => order())
    await expect(host.events.events.publishBatch(context, { body: { events: many } })).rejects.toMatchObject({
      code: 'payload-too-large',
      message: /500/,
    })
  })

  it('times out of bounds, envelopes over the limit and double data are refused with a pointer', async () => {
    const soon = new Date(host.clock.now().getTime() + 600_000).toISOString()
    await expect(publish({ time: soon })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/time' }] },
    })
    await expect(publish({ deliverAt: '2090-01-01T00:00:00Z' })).rejects.toMatchObject({
      extensions: { errors: [{ pointer: '/body/deliverAt' }] },
    })
    await expect(publish({ expiryTime: '2001-01-01T00:00:00Z' })).rejects.toMatchObject({
      extensions: { errors: [{ pointer: '/body/expiryTime' }] },
    })
    await expect(publish({ data: { amount: 1, note: 'x'.repeat(262_144) } })).rejects.toMatchObject({
      code: 'payload-too-large',
      message: /262144/,
    })
    await expect(publish({ dataBase64: 'aGk=' })).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('a tenant over its quota of events is told when to come back; another tenant is not', async () => {
    const small = await createEventsHost({ settings: { quotaEventsPerSecond: 5, validation: 'warn' } })
    const send = (by: typeof context) => small.events.events.publish(by, { body: order() })
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => send(context)))
    const refused = answers.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThanOrEqual(14)
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({
      code: 'rate-limited',
      extensions: { retryAfterMs: expect.any(Number) },
    })
    await send(anEventsContext('tenant-c'))
    await small.close()
  })

  it('every fact of the contract goes to system-events or dead-letter', () => {
    expect(new Set(eventsContract.events.map(({ topic }) => topic))).toEqual(new Set(['system-events', 'dead-letter']))
  })
})
