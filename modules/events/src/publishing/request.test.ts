import { toUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost, type TestMember } from '../../testing/index.ts'
import { replyIdOf } from './reply-id.ts'

let host: EventsHost
/** Another process on the same database. */
let elsewhere: EventsHost
const context = anEventsContext()
const bob = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost({ isShared: true })
  elsewhere = await createEventsHost({ database: host.database, isSecondProcess: true })
  for (const by of [context, bob]) for (const type of ['sum.asked', 'sum.told']) await host.define(by, type)
  await host.define(context, 'sum.told', { topic: 'system-events' })
}, 60_000)
afterAll(async () => {
  await elsewhere.drain()
  await host.close()
})

const ask = (data: object, more: Readonly<Record<string, unknown>> = {}, { by = context, at = host } = {}) =>
  at.events.events.request(by, {
    body: {
      type: 'sum.asked',
      topic: 'business-facts',
      responseType: 'sum.told',
      responseTopic: 'business-facts',
      data: data as never,
      ...more,
    },
  })

/** A member of a new group that is handed requests of one correlation side by side. */
async function anAdder(name: string): Promise<{ id: string; member: TestMember }> {
  const { id } = await host.events.subscriptions.create(context, {
    body: { name, topics: ['business-facts'], types: ['sum.asked'], ordered: false },
  })
  return { id, member: await aMember(host, context, id) }
}

describe('request and reply', () => {
  it('EVT-R10 a request without a live consumer is accepted with a warning; requireConsumer refuses it', async () => {
    const body = { type: 'sum.asked', topic: 'business-facts', responseType: 'sum.told', data: {} }
    expect((await host.events.events.publish(context, { body })).warnings).toMatchObject([{ code: 'no-live-consumer' }])
    await expect(ask({}, { requireConsumer: true })).rejects.toMatchObject({ code: 'no-consumer' })
  })

  it('EVT-R54 the first reply of its own tenant and correlation is answered; what comes late is read under the correlation', async () => {
    const [mine, theirs] = await Promise.all(
      [context, bob].map(async (by) => {
        const { id } = await host.events.subscriptions.create(by, {
          body: { name: 'adders', topics: ['business-facts'], types: ['sum.asked'] },
        })
        return aMember(host, by, id)
      }),
    )
    const work = async (member: typeof mine, by: typeof context, total: number) => {
      for (let done = 0; done < total; done++) {
        const delivery = await member?.delivery()
        if (delivery === undefined) throw new Error('no member')
        const { left, right } = delivery.event.data as { left: number; right: number }
        await member?.ack(delivery, [
          { type: 'sum.told', topic: 'business-facts', data: { sum: left + right, tenant: by.tenantId } },
        ])
      }
    }
    const working = [work(mine, context, 3), work(theirs, bob, 1)]
    const replies = await Promise.all([
      ask({ left: 1, right: 1 }, { correlationId: 'same' }),
      ask({ left: 2, right: 2 }),
      ask({ left: 3, right: 3 }),
      ask({ left: 4, right: 4 }, { correlationId: 'same' }, { by: bob }),
    ])
    expect(replies.map(({ data }) => data)).toEqual([
      { sum: 2, tenant: 'tenant-a' },
      { sum: 4, tenant: 'tenant-a' },
      { sum: 6, tenant: 'tenant-a' },
      { sum: 8, tenant: 'tenant-b' },
    ])
    await Promise.all(working)
    const late = await ask({ left: 5, right: 5 }, { timeoutMs: 100 }).catch((error: unknown) => error)
    expect(late).toMatchObject({ code: 'response-timeout', status: 504 })
    const { correlationId } = (late as { extensions: { correlationId: string } }).extensions
    await work(mine, context, 1)
    const { items } = await host.events.events.list(context, { query: { correlationId, type: 'sum.told' } })
    expect(items.map(({ data }) => data)).toEqual([{ sum: 10, tenant: 'tenant-a' }])
    for (const member of [mine, theirs]) await member?.leave()
  })

  it('EVT-R54 a reply is heard at any process, and what has another type, topic or correlation is none', async () => {
    const say = (more: object, by = context) =>
      elsewhere.events.events.publish(by, {
        body: { type: 'sum.told', topic: 'business-facts', correlationId: 'here', data: { said: 'no' }, ...more },
      })
    const asked = ask({}, { correlationId: 'here' })
    await host.waitFor(({ type, envelope }) => type === 'sum.asked' && envelope.includes('"here"'))
    await say({ topic: 'system-events' })
    await say({ type: 'sum.asked' })
    await say({ correlationId: 'there' })
    await say({}, bob)
    await say({ data: { said: 'first' } })
    await say({ data: { said: 'second' } })
    expect((await asked).data).toEqual({ said: 'first' })
    const askedThere = ask({}, { correlationId: 'there' }, { at: elsewhere })
    await elsewhere.waitFor(({ type, envelope }) => type === 'sum.asked' && envelope.includes('"there"'))
    const body = { type: 'sum.told', topic: 'business-facts', correlationId: 'there', data: { said: 'here' } }
    await host.events.events.publish(context, { body })
    expect((await askedThere).data).toEqual({ said: 'here' })
  })

  it('EVT-R54 two requesters with one correlation get their own replies each, whichever comes first; in one space nothing of another is heard', async () => {
    const { member } = await anAdder('turned')
    const askAt = (n: number, at: EventsHost) => ask({ left: n, right: 0 }, { correlationId: 'talk' }, { at })
    const asked = [askAt(1, host), askAt(2, elsewhere), askAt(3, host)]
    const taken = [await member.delivery(), await member.delivery(), await member.delivery()]
    for (const delivery of taken.toReversed())
      await member.ack(delivery, [{ type: 'sum.told', topic: 'business-facts', data: delivery.event.data }])
    expect((await Promise.all(asked)).map(({ data }) => (data as { left: number }).left)).toEqual([1, 2, 3])
    const red = anEventsContext('tenant-a', { spaceId: 'red' })
    const blue = anEventsContext('tenant-a', { spaceId: 'blue' })
    const askedInRed = ask({}, { correlationId: 'spaces' }, { by: red })
    await host.waitFor(({ type, envelope }) => type === 'sum.asked' && envelope.includes('"spaces"'))
    for (const by of [blue, red])
      await host.events.events.publish(by, {
        body: { type: 'sum.told', topic: 'business-facts', correlationId: 'spaces', data: { of: by.spaceId } },
      })
    expect((await askedInRed).data).toEqual({ of: 'red' })
    await member.leave()
  })

  it('EVT-R53 a reply has the correlation and cause of its request and an id derived from request, group and type; a handler that runs twice answers once', async () => {
    const { id: subscriptionId, member } = await anAdder('twice')
    const { id: other, member: second } = await anAdder('another-group')
    const from = new Date(Date.now() - 1).toISOString()
    const body = { id: 'sum-1', type: 'sum.asked', topic: 'business-facts', data: {} }
    const contract = { responseType: 'sum.told', responseTopic: 'business-facts', correlationId: 'talk-2' }
    await host.events.events.publish(context, { body: { ...body, ...contract } })
    const answer = (n: number) => ({ type: 'sum.told', topic: 'business-facts', data: { n } })
    const first = await member.delivery()
    expect((await member.ack(first, [answer(1)])).settled).toEqual([first.deliveryId])
    const told = async () =>
      (await host.events.events.list(context, { query: { correlationId: 'talk-2', type: 'sum.told' } })).items
    const [reply] = await told()
    expect(reply).toMatchObject({
      causationid: 'sum-1',
      data: { n: 1 },
      id: replyIdOf(first.event as never, `sub:${toUuid('sub', subscriptionId)}`),
    })

    await member.leave()
    const substitute = await aMember(host, anEventsContext('tenant-a', { principalId: 'agt_two' }), subscriptionId)
    await host.events.replays.create(context, { body: { subscriptionId, from, types: ['sum.asked'] } })
    const again = await substitute.delivery()
    expect(again.event).toMatchObject({ id: 'sum-1', replayid: expect.any(String) })
    expect((await substitute.ack(again, [answer(2)])).settled).toEqual([again.deliveryId])
    expect(await told()).toEqual([reply])
    // Another group answers for itself.
    await second.ack(await second.delivery(), [answer(3)])
    expect((await told()).map(({ data }) => data)).toEqual([{ n: 3 }, { n: 1 }])
    for (const each of [substitute, second]) await each.leave()
    expect(other).not.toBe(subscriptionId)
  })

  it('EVT-R53 nothing infers a name: without a reply contract no event is a reply, and one without a type is refused', async () => {
    const { member } = await anAdder('plain')
    const body = { type: 'sum.asked', topic: 'business-facts', correlationId: 'talk-3', data: {} }
    await host.events.events.publish(context, { body })
    const delivery = await member.delivery()
    expect(delivery.event).not.toHaveProperty('responsetype')
    expect(delivery.event).not.toHaveProperty('responsetopic')
    const acked = await member.ack(delivery, [{ topic: 'business-facts', data: {} }])
    expect(acked.refused).toMatchObject([{ problem: { code: 'invalid-request' } }])
    const fact = { type: 'sum.told', topic: 'business-facts', data: {} }
    await member.ack(delivery, [fact, fact])
    const { items } = await host.events.events.list(context, { query: { correlationId: 'talk-3', type: 'sum.told' } })
    expect(items).toHaveLength(2)
    await expect(
      host.events.events.request(context, { body: { ...body, timeoutMs: 100 } as never }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
    await member.leave()
  })
})
