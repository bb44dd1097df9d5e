import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()
const stranger = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost()
  for (const by of [context, stranger]) for (const type of ['bill.sent', 'bill.paid']) await host.define(by, type)
}, 60_000)
afterAll(() => host.close())

let made = 0
const subscribe = async (more: object = {}) =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: `acts-${++made}`, topics: ['business-facts'], types: ['bill.*'], ...more },
    })
  ).id
/** Events that die in a group: by their ids, with the problem's code. */
const die = async (
  subscriptionId: string,
  ids: readonly string[],
  { code = 'no-printer', type = 'bill.sent' } = {},
) => {
  const member = await aMember(host, context, subscriptionId)
  await host.events.events.publishBatch(context, {
    body: {
      events: ids.map((id) => ({ id, type, topic: 'business-facts', data: { n: 1 }, partitionKey: `key of ${id}` })),
    },
  })
  for (const _id of ids) {
    const delivery = await member.delivery()
    await member.nack(delivery, { dead: true, problem: { code, detail: 'it cannot be done', retryable: false } })
  }
  return member
}
const lettersOf = async (subscriptionId: string) =>
  (await host.events.deadLetters.list(context, { query: { subscriptionId } })).items
const factsOf = (type: string, note: string) =>
  host.recorded
    .filter((record) => record.type === type)
    .map(({ envelope }) => JSON.parse(envelope).data as { deliveryId: string; note: string; byId: string })
    .filter((data) => data.note === note)

describe('acts on dead letters', () => {
  it('EVT-R39 listed, grouped by cause, inspected, replayed one, edited, or by filter at a rate to that group only, discarded and purged with a note; each act is a fact', async () => {
    const subscriptionId = await subscribe()
    const bystander = await aMember(host, context, await subscribe(), { credits: 100 })
    const ids = Array.from({ length: 8 }, (_, index) => `bill-${index}`)
    const member = await die(subscriptionId, ids)
    const heard: string[] = []
    for (const _id of ids) heard.push((await bystander.delivery()).event.id)
    expect(heard.toSorted()).toEqual(ids)
    await member.leave()
    const other = await die(subscriptionId, ['paid-0', 'paid-1', 'paid-2'], { code: 'no-bank', type: 'bill.paid' })
    expect((await lettersOf(subscriptionId)).map(({ eventId }) => eventId).toSorted()).toEqual(
      [...ids, 'paid-0', 'paid-1', 'paid-2'].toSorted(),
    )
    expect((await host.events.deadLetters.causes(context, { query: { subscriptionId } })).items).toMatchObject([
      { code: 'no-printer', type: 'bill.sent', group: subscriptionId, count: 8 },
      { code: 'no-bank', type: 'bill.paid', group: subscriptionId, count: 3 },
    ])
    const letter = (await lettersOf(subscriptionId)).find(({ eventId }) => eventId === 'paid-0')
    const params = { deliveryId: letter?.deliveryId as string }
    expect(await host.events.deadLetters.get(context, { params })).toMatchObject({
      eventId: 'paid-0',
      event: { data: { n: 1 } },
      attempts: [{ problem: { code: 'no-bank' } }],
    })

    await host.events.deadLetters.replay(context, { params, body: { note: 'one', data: { n: 2 } } })
    const edited = await other.delivery()
    expect(edited.event).toMatchObject({ causationid: 'paid-0', data: { n: 2 }, replayid: params.deliveryId })
    expect(edited.event.id).not.toBe('paid-0')
    await other.ack(edited)
    expect(factsOf('dead-letter.replayed', 'one')).toMatchObject([{ ...params, byId: 'agt_one' }])

    const many = { filter: { subscriptionId, code: 'no-printer' }, note: 'many', ratePerSecond: 10 }
    expect(await host.events.deadLetters.replayMany(context, { body: { ...many, dryRun: true } })).toEqual({
      matched: 8,
      replayed: 0,
      handlers: [{ group: subscriptionId, handler: 'agt_one', count: 8 }],
    })
    const startedAt = performance.now()
    expect(await host.events.deadLetters.replayMany(context, { body: many })).toMatchObject({ replayed: 8 })
    const at: number[] = []
    const replayed: string[] = []
    for (const _id of ids) {
      const delivery = await other.delivery()
      at.push(performance.now() - startedAt)
      replayed.push(delivery.event.id)
      await other.ack(delivery)
    }
    expect(replayed.toSorted()).toEqual(ids)
    expect(at[7]).toBeGreaterThanOrEqual(650)
    expect(factsOf('dead-letter.replayed', 'many')).toHaveLength(8)

    const second = (await lettersOf(subscriptionId)).find(({ eventId }) => eventId === 'paid-1')
    await host.events.deadLetters.discard(context, {
      params: { deliveryId: second?.deliveryId as string },
      body: { note: 'written off' },
    })
    expect(factsOf('dead-letter.discarded', 'written off')).toMatchObject([{ deliveryId: second?.deliveryId }])

    const purge = { subscriptionId, type: 'bill.paid', state: 'open' as const, note: 'last year' }
    expect(await host.events.deadLetters.purge(stranger, { query: { type: 'bill.paid', note: 'foreign' } })).toEqual({
      purged: 0,
    })
    await expect(host.events.deadLetters.purge(context, { query: { note: 'all' } })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    expect(await host.events.deadLetters.purge(context, { query: purge })).toEqual({ purged: 1 })
    expect(factsOf('dead-letter.discarded', 'last year')).toHaveLength(1)
    const left = (await lettersOf(subscriptionId)).map(({ eventId }) => eventId)
    expect(left).toContain('paid-1')
    expect(left).not.toContain('paid-2')
    await host.events.events.publish(context, {
      body: { id: 'after', type: 'bill.sent', topic: 'business-facts', data: {} },
    })
    heard.length = 0
    while (heard.length < 4) heard.push((await bystander.delivery()).event.id)
    expect(heard.toSorted()).toEqual(['after', 'paid-0', 'paid-1', 'paid-2'])
    await Promise.all([other.leave(), bystander.leave()])
  })

  it('a purged letter that blocked its key frees it', async () => {
    const subscriptionId = await subscribe({ onDeadLetter: 'block' })
    const member = await die(subscriptionId, ['blocking'])
    await host.events.events.publish(context, {
      body: { id: 'behind', type: 'bill.sent', topic: 'business-facts', data: {}, partitionKey: 'key of blocking' },
    })
    expect(await host.events.deadLetters.purge(context, { query: { subscriptionId, note: 'free the key' } })).toEqual({
      purged: 1,
    })
    expect((await member.delivery()).event.id).toBe('behind')
    await member.leave()
  })
})
