import { type Labels, noMetrics, schemaUri } from '@soma/kernel'
import { createModuleDatabase } from '@soma/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventSchemaViolated } from '../../contract/facts.ts'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const context = anEventsContext('tenant-a')
const REQUESTED = { type: 'sum.requested', topic: 'action-requests' }
const ANSWERED = { type: 'sum.answered', topic: 'action-results' }
const POSITIVE = schemaUri('positive-sum', '1.0.0')

let strict: EventsHost
let warned: EventsHost
let other: EventsHost
const counted: Labels[] = []

/** `sum.answered` takes any number; the schema `positive-sum` takes positive ones alone. */
async function define(host: EventsHost, by = context): Promise<void> {
  await host.define(by, REQUESTED.type, { topic: REQUESTED.topic })
  const sum = (minimum?: number) => ({
    type: 'object',
    required: ['sum'],
    properties: { sum: { type: 'integer', ...(minimum === undefined ? {} : { minimum }) } },
  })
  await host.define(by, ANSWERED.type, { topic: ANSWERED.topic, schema: sum() })
  await host.registry.schemas.create(by, { body: { name: 'positive-sum', version: '1.0.0', jsonSchema: sum(1) } })
}

beforeAll(async () => {
  strict = await createEventsHost()
  const count = (name: string, labels: Labels = {}) => {
    if (name === 'soma_events_validation_refused_total') counted.push(labels)
  }
  warned = await createEventsHost({ settings: { validation: 'warn' }, metrics: { ...noMetrics, count } })
  other = await createEventsHost({ settings: { validation: 'warn' }, database: warned.database, isSecondProcess: true })
  await define(strict)
  await define(warned)
}, 60_000)
afterAll(async () => {
  await strict.close()
  await other.drain()
  await warned.close()
})

const ask = (host: EventsHost, more: Readonly<Record<string, unknown>> = {}) =>
  host.events.events.publish(context, {
    body: { ...REQUESTED, data: {}, responseType: ANSWERED.type, responseSchema: POSITIVE, ...more },
  })
const answer = (host: EventsHost, more: Readonly<Record<string, unknown>>) =>
  host.events.events.publish(context, { body: { ...ANSWERED, data: { sum: 0 }, ...more } })

const UNLIKE = { code: 'schema-mismatch', extensions: { schemaId: POSITIVE, errors: [{ pointer: '/body/data/sum' }] } }

describe('validation', () => {
  it('EVT-R5 refuses a type that nobody registered with the nearest names, and data with every field that does not fit', async () => {
    const publish = (type: string, data: object) =>
      strict.events.events.publish(context, { body: { ...ANSWERED, type, data } as never })
    await expect(publish('sum.answerd', {})).rejects.toMatchObject({
      code: 'unknown-event-type',
      remedy: expect.stringContaining('Register'),
      extensions: { nearest: ['sum.answered'] },
    })
    await expect(publish('sum.answered', { sum: 'many' })).rejects.toMatchObject({
      code: 'schema-mismatch',
      extensions: {
        schemaId: schemaUri('sum.answered', '1.0.0'),
        errors: [expect.objectContaining({ pointer: '/body/data/sum' })],
      },
    })
  })

  it('EVT-R5 holds a reply against the schema that its requester named, whoever sends it and however it names the request', async () => {
    const { eventId } = await ask(strict)
    await expect(answer(strict, { correlationId: eventId })).rejects.toMatchObject(UNLIKE)
    await answer(strict, { correlationId: eventId, data: { sum: 1 } })
    await ask(strict, { id: 'asked-1', correlationId: 'conversation-1' })
    const reply = { correlationId: 'conversation-1', causationId: 'asked-1' }
    await expect(answer(strict, reply)).rejects.toMatchObject(UNLIKE)
    await answer(strict, { ...reply, outcome: 'failed', data: { problem: { code: 'tired', detail: 'No.' } } })
    await answer(strict, { correlationId: 'another-conversation', causationId: 'asked-1' })
    const stranger = anEventsContext('tenant-b')
    await define(strict, stranger)
    await strict.events.events.publish(stranger, { body: { ...ANSWERED, data: { sum: 0 }, correlationId: eventId } })
  })

  it('REG-R12 holds data and replies against schemas that refer to others, too', async () => {
    const by = anEventsContext('tenant-d')
    await define(strict, by)
    const jsonSchema = { type: 'object', properties: { total: { $ref: 'positive-sum@1.0.0' } } }
    await strict.registry.schemas.create(by, { body: { name: 'total', version: '1.0.0', jsonSchema } })
    await strict.define(by, 'total.told', { schema: { $ref: 'total@1.0.0' } })
    const tell = (sum: number, more = {}) =>
      strict.events.events.publish(by, {
        body: { type: 'total.told', topic: 'business-facts', data: { total: { sum } }, ...more },
      })
    const unlike = { code: 'schema-mismatch', extensions: { errors: [{ pointer: '/body/data/total/sum' }] } }
    await expect(tell(0)).rejects.toMatchObject(unlike)
    await tell(1)
    await strict.define(by, 'total.answered', { topic: ANSWERED.topic })
    const asked = await strict.events.events.publish(by, {
      body: { ...REQUESTED, data: {}, responseType: 'total.answered', responseSchema: schemaUri('total', '1.0.0') },
    })
    const reply = { type: 'total.answered', topic: ANSWERED.topic, correlationId: asked.eventId }
    await expect(tell(0, reply)).rejects.toMatchObject(unlike)
    await tell(1, reply)
  })

  it('EVT-R5 an ack whose reply is not what the requester asked for is refused, and the lease stands', async () => {
    const { id } = await strict.events.subscriptions.create(context, {
      body: { name: 'adders', topics: [REQUESTED.topic], types: [REQUESTED.type] },
    })
    const member = await aMember(strict, context, id)
    await ask(strict)
    const delivery = await member.delivery()
    const { refused } = await member.ack(delivery, [{ ...ANSWERED, data: { sum: 0 } }])
    expect(refused).toMatchObject([{ problem: { code: 'schema-mismatch' } }])
    const { settled } = await member.ack(delivery, [{ ...ANSWERED, data: { sum: 1 } }])
    expect(settled).toEqual([delivery.deliveryId])
    await member.leave()
  })

  it('EVT-R5 refuses a request whose reply nobody could check', async () => {
    for (const responseSchema of [schemaUri('positive-sum', '2.0.0'), 'https://example.org/sum'])
      await expect(ask(strict, { responseSchema })).rejects.toMatchObject({
        code: 'invalid-request',
        extensions: { errors: [{ pointer: '/body/responseSchema', code: 'unknown-schema' }] },
      })
  })

  it('EVT-R5 in warn mode the same is accepted with warnings and counted, and modules’ own events stay strict', async () => {
    const codes = async (published: ReturnType<typeof ask>) => (await published).warnings.map(({ code }) => code)
    expect(await codes(answer(warned, { type: 'sum.unheard' }))).toEqual(['unknown-event-type'])
    expect(await codes(answer(warned, { data: {} }))).toEqual(['schema-mismatch'])
    const { eventId } = await ask(warned)
    expect(await codes(answer(warned, { correlationId: eventId }))).toEqual(['schema-mismatch'])
    expect(counted).toEqual(Array.from({ length: 3 }, () => ({ mode: 'warn' })))
    const module = createModuleDatabase({
      database: warned.database,
      emitter: { write: async () => undefined, committed: () => undefined },
      clock: warned.clock,
      region: 'local',
      module: { name: 'events', jobCapabilities: [] },
    })
    const emit = module.asWorker(module.moduleContext('tenant-a'), async (tx) =>
      tx.emit(eventSchemaViolated, { topic: 'business-facts' } as never),
    )
    await expect(emit).rejects.toThrow(/count/)
  })

  it('EVT-R5 says once an hour per type that events do not fit, whichever process sees them', async () => {
    const by = anEventsContext('tenant-c')
    await warned.define(by, 'order.placed', { schema: { type: 'object', required: ['amount'] } })
    const bad = (host: EventsHost) =>
      host.events.events.publish(by, { body: { type: 'order.placed', topic: 'business-facts', data: {} } })
    const facts = async () => {
      const query = { topic: 'system-events', type: 'event.schema-violated' }
      return (await warned.events.events.list(by, { query })).items.map(({ data }) => data)
    }
    await Promise.all([bad(warned), bad(other), bad(warned), bad(other)])
    expect(await facts()).toMatchObject([{ type: 'order.placed', errors: [{ pointer: '/body/data/amount' }] }])
    for (const host of [warned, other]) host.clock.advance(3_600_001)
    await bad(other)
    await bad(warned)
    expect(await facts()).toHaveLength(2)
  })
})
