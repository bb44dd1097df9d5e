import { type Metrics, newTraceparent, noMetrics } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../testing/index.ts'

const context = anEventsContext('tenant-a')
const stranger = anEventsContext('tenant-b')
const log = createMemoryLog(4)
const counted = new Map<string, number>()
const metrics: Metrics = {
  ...noMetrics,
  count: (name, _labels, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
}
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ bus: log, metrics })
  const schema = { type: 'object', properties: { cups: { type: 'number' } }, required: ['cups'] }
  for (const by of [context, stranger]) await host.define(by, 'kiosk.sold', { schema })
}, 60_000)
afterAll(() => host.close())

let made = 0
const aSale = (more: Readonly<Record<string, unknown>> = {}) => ({
  specversion: '1.0',
  id: `sale-${++made}`,
  source: '/kiosk/1',
  type: 'kiosk.sold',
  tenantid: 'tenant-a',
  traceparent: newTraceparent(),
  dataschema: '/v1/registry/schemas/kiosk.sold/versions/1.0.0',
  partitionkey: 'kiosk',
  data: { cups: 2 },
  ...more,
})

const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const BESIDE = { ...STRUCTURED, ce_tenantid: 'tenant-a', ce_type: 'kiosk.sold' }
const writeText = (body: string, headers: Readonly<Record<string, string>> = BESIDE) =>
  log.write({ topic: 'business-facts', part: 1 }, { headers, body })
/** As a program spells it that is not ours. */
const write = (event: object) => writeText(JSON.stringify(event, null, 1), STRUCTURED)

const subscribe = async (more: Readonly<Record<string, unknown>> = {}, by = context) =>
  (
    await host.events.subscriptions.create(by, {
      body: { name: `kiosk-${++made}`, topics: ['business-facts'], types: ['kiosk.sold'], ...more } as never,
    })
  ).id
const lettersOf = async (subscriptionId: string, by = context) =>
  (await host.events.deadLetters.list(by, { query: { subscriptionId, limit: 100 } })).items

describe('what another program writes to the bus', () => {
  it('EVT-R37 a subscription buries what is no event and gets all others, in order, whether they are streamed or pulled', async () => {
    const [streamed, pulled] = [await subscribe(), await subscribe()]
    const member = await aMember(host, context, streamed, { credits: 100 })
    const sales = Array.from({ length: 10 }, () => aSale())
    const broken = ['no event', '{"half":', '', '[]', '\0', JSON.stringify(aSale({ traceparent: undefined }))]
    for (const [index, sale] of sales.entries()) {
      if (index < broken.length) writeText(broken[index] as string)
      write(sale)
    }
    const got: string[] = []
    while (got.length < sales.length) {
      const delivery = await member.delivery()
      got.push(delivery.event.id)
      await member.ack(delivery)
    }
    expect(got).toEqual(sales.map(({ id }) => id))
    const memberId = '0199d5a0-0000-7000-8000-000000000001'
    const params = { subscriptionId: pulled }
    const again: string[] = []
    while (again.length < sales.length) {
      const { deliveries } = await host.events.deliveries.pull(context, {
        params,
        body: { memberId, max: 100, waitMs: 5000 },
      })
      again.push(...deliveries.map(({ event }) => event.id))
      const acks = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, emits: [] }))
      await host.events.deliveries.settle(context, { params, body: { memberId, acks } as never })
    }
    expect(again).toEqual(got)
    for (const subscriptionId of [streamed, pulled]) {
      await until(async () => (await lettersOf(subscriptionId)).length === broken.length)
      const letters = await lettersOf(subscriptionId)
      expect(new Set(letters.map(({ problem }) => problem.code))).toEqual(new Set(['envelope-invalid']))
      expect(letters.map(({ event }) => String(event['data'])).toSorted()).toEqual(broken.toSorted())
      const lag = async () => (await host.events.lag.list(context, { query: { subscriptionId } })).items
      await until(async () => (await lag()).every((row) => row.lag === 0))
    }
    await member.leave()
  })

  it('such a dead letter can be discarded, but not delivered again, and it blocks nothing', async () => {
    const subscriptionId = await subscribe({ onDeadLetter: 'block' })
    const member = await aMember(host, context, subscriptionId)
    writeText('no event', { ...BESIDE, ce_partitionkey: 'kiosk' })
    const sale = aSale()
    write(sale)
    expect((await member.delivery()).event.id).toBe(sale.id)
    const [letter] = await lettersOf(subscriptionId)
    const params = { deliveryId: letter?.deliveryId as string }
    const body = { note: 'try' }
    const { deadLetters } = host.events
    await expect(deadLetters.replay(context, { params, body })).rejects.toMatchObject({ code: 'conflict' })
    await expect(deadLetters.replay(context, { params, body: { ...body, data: {} } })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await deadLetters.replayMany(context, { body: { filter: { subscriptionId }, note: 'try' } })).toMatchObject({
      matched: 1,
      replayed: 0,
    })
    expect(await deadLetters.discard(context, { params, body })).toMatchObject({ state: 'discarded' })
    await member.leave()
  })

  it('data that a publish would refuse is a dead letter: another schema, or a type that nobody registered', async () => {
    const subscriptionId = await subscribe({ types: ['kiosk.*'] })
    const member = await aMember(host, context, subscriptionId)
    write(aSale({ data: { cups: 'two' } }))
    write(aSale({ type: 'kiosk.unheard-of' }))
    const sale = aSale()
    write(sale)
    expect((await member.delivery()).event.id).toBe(sale.id)
    const codes = (await lettersOf(subscriptionId)).map(({ problem }) => problem.code)
    expect(codes.toSorted()).toEqual(['schema-mismatch', 'unknown-event-type'])
    await member.leave()
  })

  it('what names another tenant than the one beside it reaches neither of them', async () => {
    const [mine, theirs] = [await subscribe(), await subscribe({}, stranger)]
    const secret = JSON.stringify(aSale({ tenantid: 'tenant-b', data: { cups: 7 } }))
    writeText(secret)
    writeText(secret.slice(0, -5))
    writeText(secret, { ...STRUCTURED, ce_tenantid: 'tenant-b', ce_id: 'another' })
    const [ours, sale] = [aSale(), aSale({ tenantid: 'tenant-b' })]
    write(ours)
    write(sale)
    const [member, other] = [await aMember(host, context, mine), await aMember(host, stranger, theirs)]
    expect((await member.delivery()).event.id).toBe(ours.id)
    expect((await other.delivery()).event.id).toBe(sale.id)
    expect(await lettersOf(mine)).toEqual([])
    // Of its own it learns, though it is no event.
    expect((await lettersOf(theirs, stranger)).map(({ event }) => event['data'])).toEqual([secret])
    await member.leave()
    await other.leave()
  })

  it('tails, lists and requests pass it by, and it is counted', async () => {
    const { signal } = new AbortController()
    const query = { topics: 'business-facts', from: 'now' }
    const frames = (await host.events.events.stream(context, { query, signal }))[Symbol.asyncIterator]()
    const next = frames.next()
    // It is counted by a tail that has read to the head.
    await until(async () => {
      writeText('no event')
      return counted.has('soma_events_tail_skipped_total')
    })
    const sale = aSale({ planid: 'plan-1', data: { cups: 1, text: 'NUL \0 and half a \ud83e fox' } })
    write(sale)
    expect((await next).value).toMatchObject({ event: 'event', data: { id: sale.id } })
    await frames.return?.()
    await until(async () => (await host.events.events.list(context, { query: { id: sale.id } })).items.length === 1)
    const listed = await host.events.events.list(context, { query: { planId: 'plan-1' } })
    expect(listed.items.map(({ id }) => id)).toEqual([sale.id])
    expect(await host.events.events.get(context, { params: { eventId: sale.id } })).toMatchObject(sale)
    expect(counted.get('soma_events_broken_records_total')).toBeGreaterThan(2)
    const everything = await host.events.events.list(context, { query: { limit: 200 } })
    expect(everything.items.every(({ source }) => source !== '')).toBe(true)
  })

  it('a reply that is none does not end the wait for the one that comes', async () => {
    await host.define(context, 'cups.count.requested', { topic: 'action-requests' })
    await host.define(context, 'cups.counted', { topic: 'action-results' })
    const asking = host.events.events.request(context, {
      body: {
        type: 'cups.count.requested',
        topic: 'action-requests',
        data: {},
        responseType: 'cups.counted',
        correlationId: 'corr-1',
        timeoutMs: 10_000,
      },
    })
    await host.waitFor(({ type }) => type === 'cups.count.requested')
    const reply = aSale({ type: 'cups.counted', correlationid: 'corr-1', data: {} })
    const place = { topic: 'action-results', part: 0 }
    log.write(place, { headers: { ...BESIDE, ce_type: 'cups.counted' }, body: '"corr-1" is no event' })
    log.write(place, { headers: STRUCTURED, body: JSON.stringify(reply) })
    expect(await asking).toMatchObject({ id: reply.id })
  })

  it('a replay of the past leaves out what was buried then', async () => {
    const subscriptionId = await subscribe()
    const member = await aMember(host, context, subscriptionId)
    const from = new Date().toISOString()
    const sale = aSale()
    writeText('no event')
    write(sale)
    await member.ack(await member.delivery())
    await until(async () => (await lettersOf(subscriptionId)).length === 1)
    const body = { subscriptionId, topics: ['business-facts'], from }
    await until(async () => {
      const rows = (await host.events.lag.list(context, { query: { subscriptionId } })).items
      return rows.every(({ lag }) => lag === 0)
    })
    await host.events.replays.create(context, { body })
    const again = await member.delivery()
    expect(again.event).toMatchObject({ id: sale.id, replayid: expect.stringMatching(/^rpl_/) as string })
    await member.ack(again)
    expect(await lettersOf(subscriptionId)).toHaveLength(1)
    await member.leave()
  })

  it('a change of a subscription that another program claims ends nobody’s stream', async () => {
    const subscriptionId = await subscribe()
    const member = await aMember(host, context, subscriptionId)
    const claim = aSale({ type: 'subscription.deleted', data: { subscriptionId } })
    log.write({ topic: 'system-events', part: 0 }, { headers: STRUCTURED, body: JSON.stringify(claim) })
    const sale = aSale()
    write(sale)
    expect((await member.delivery()).event.id).toBe(sale.id)
    await member.leave()
  })
})
