import { type SqlSession, toUuid } from '@soma/kernel'
import { allowBurials, refuseBurials, refusedBurialsMigration } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aJobGroup,
  aMember,
  askJob,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
} from '../../testing/index.ts'

const context = anEventsContext()
let host: EventsHost

beforeAll(async () => {
  host = await createEventsHost()
  await host.database.migrate([refusedBurialsMigration])
  await host.define(context, 'job.asked')
}, 60_000)
afterAll(() => host.close())

const subscribe = (more = {}) => aJobGroup(host, context, more)
const ask = (n: number, partitionKey: string, more = {}) => askJob(host, context, n, { partitionKey, ...more })
const numberOf = (delivery: ReceivedDelivery) => (delivery.event.data as { n: number }).n
const problem = (detail: string) => ({ code: 'printer-on-fire', detail, retryable: true, status: 502 })
const letterOf = async (subscriptionId: string) =>
  (await host.events.deadLetters.list(context, { query: { subscriptionId } })).items[0]
const asBus = <T>(work: (session: SqlSession) => Promise<T>) => host.database.transaction({ role: 'soma_bus' }, work)
const groupOf = (subscriptionId: string) => `sub:${toUuid('sub', subscriptionId)}`

describe('EVT-R35 what is given up is kept whole', () => {
  it('the full envelope, every attempt’s problem, member and time, who handled it, and its trace', async () => {
    const id = await subscribe({ maxAttempts: 3 })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const eventId = await ask(1, 'whole', { planId: 'plan-7', subject: 's', extensions: { color: 'red' }, traceparent })
    const published = await host.events.events.get(context, { params: { eventId } })
    const member = await aMember(host, context, id)
    for (const detail of ['first', 'second', 'third']) {
      const delivery = await member.delivery()
      host.clock.advance(500)
      await member.nack(delivery, { problem: problem(detail) })
    }
    const letter = await letterOf(id)
    expect(letter?.event).toEqual(published)
    expect(letter?.attempts).toEqual(
      ['first', 'second', 'third'].map((detail) => ({
        at: expect.any(String),
        memberId: member.memberId,
        durationMs: expect.any(Number),
        problem: problem(detail),
      })),
    )
    for (const { durationMs } of letter?.attempts ?? []) expect(durationMs).toBeGreaterThanOrEqual(500)
    expect(letter).toMatchObject({ handler: 'agt_one', traceparent, problem: problem('third'), state: 'open' })
    expect(Date.parse(letter?.deadAt as string)).toBeGreaterThanOrEqual(Date.parse(letter?.firstFailedAt as string))
    await member.leave()
  })

  it('until the dead letter is durable the event is the group’s: its key waits, and a restart delivers it again', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id)
    await ask(1, 'unsafe')
    await ask(2, 'unsafe')
    await asBus((session) => refuseBurials(session, groupOf(id)))
    const delivery = await member.delivery()
    await expect(member.nack(delivery, { dead: true, problem: problem('x') })).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await letterOf(id)).toBeUndefined()
    await ask(3, 'other')
    const other = await member.delivery()
    expect(numberOf(other)).toBe(3)
    await member.ack(other)
    await host.crash()
    host = await createEventsHost({ database: host.database })
    const again = await aMember(host, context, id, { memberId: member.memberId })
    const same = await again.delivery()
    expect([same.deliveryId, numberOf(same)]).toEqual([delivery.deliveryId, 1])
    await asBus((session) => allowBurials(session, groupOf(id)))
    await again.nack(same, { dead: true, problem: problem('x') })
    expect(await letterOf(id)).toMatchObject({ deliveryId: delivery.deliveryId, state: 'open' })
    expect(numberOf(await again.delivery())).toBe(2)
    await again.leave()
  })

  it('`continue` frees the key; `block` keeps it until somebody replays with success, or discards', async () => {
    const free = await subscribe()
    const blocked = await subscribe({ onDeadLetter: 'block' })
    const [onFree, onBlocked] = [await aMember(host, context, free), await aMember(host, context, blocked)]
    for (const n of [1, 2, 3]) await ask(n, 'poison')
    await onFree.nack(await onFree.delivery(), { dead: true, problem: problem('x') })
    expect(numberOf(await onFree.delivery())).toBe(2)
    const first = await onBlocked.delivery()
    await onBlocked.nack(first, { dead: true, problem: problem('x') })
    await ask(4, 'well')
    expect(numberOf(await onBlocked.delivery())).toBe(4)
    const states = async () =>
      (await host.events.deliveries.list(context, { params: { subscriptionId: blocked } })).items.flatMap((row) =>
        row.key === 'poison' ? [row.state] : [],
      )
    expect(await states()).toEqual(['parked', 'parked', 'parked'])
    const replay = (deliveryId: string) =>
      host.events.deadLetters.replay(context, { params: { deliveryId }, body: { note: 'mended' } })
    await replay(first.deliveryId)
    const again = await onBlocked.delivery()
    expect(numberOf(again)).toBe(1)
    await onBlocked.nack(again, { dead: true, problem: problem('x') })
    await replay(first.deliveryId)
    await onBlocked.ack(await onBlocked.delivery())
    const second = await onBlocked.delivery()
    expect(numberOf(second)).toBe(2)
    await onBlocked.nack(second, { dead: true, problem: problem('x') })
    await host.events.deadLetters.discard(context, { params: { deliveryId: second.deliveryId }, body: { note: 'no' } })
    expect(numberOf(await onBlocked.delivery())).toBe(3)
    for (const each of [onFree, onBlocked]) await each.leave()
  })
})
