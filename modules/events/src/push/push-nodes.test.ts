import { until } from '@soma/runtime/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { anEventsContext, aPushTarget, createEventsHost, type EventsHost, type Received } from '../../testing/index.ts'

const context = anEventsContext()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const idOf = ({ headers }: Received) => headers['webhook-id']
const aTarget = async (answers?: number) => {
  const target = await aPushTarget(answers === undefined ? {} : { answers })
  closing.push(target.close)
  return target
}
const ask = (host: EventsHost, n: number) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', data: { n }, partitionKey: 'one' },
  })
const subscribe = async (host: EventsHost, url: string) => {
  const body = { name: 'pushed', topics: ['business-facts'], push: { url } }
  return (await host.events.subscriptions.create(context, { body })).id
}
const open = async (host: EventsHost, subscriptionId: string) =>
  (await host.events.deliveries.list(context, { params: { subscriptionId } })).items

describe('EVT-R66 a pushed subscription over processes', () => {
  it('gets what was answered and not written again after the crash, under the same delivery id and attempt', async () => {
    const target = await aTarget()
    const first = await createEventsHost()
    await first.define(context, 'job.asked')
    const id = await subscribe(first, target.url)
    await ask(first, 1)
    const post = await target.next()
    const dying = first.crash()
    post.answer(200)
    await dying
    const second = await createEventsHost({ database: first.database })
    closing.push(second.close)
    const again = await target.next()
    expect(idOf(again)).toBe(idOf(post))
    expect(again.headers).toMatchObject({ 'soma-attempt': '1', 'soma-redelivered': 'true' })
    expect(post.headers).toMatchObject({ 'soma-attempt': '1', 'soma-redelivered': 'false' })
    expect(again.body.equals(post.body)).toBe(true)
    again.answer(200)
    await until(async () => (await open(second, id)).length === 0)
    await ask(second, 2)
    const next = await target.next()
    expect(idOf(next)).not.toBe(idOf(post))
    next.answer(200)
  })

  it('is pushed by one of them; when that stops or dies the other goes on, in order, with nothing lost', async () => {
    const target = await aTarget(200)
    const first = await createEventsHost({ isShared: true })
    const second = await createEventsHost({ database: first.database, isSecondProcess: true })
    closing.push(() => first.database.close())
    await first.define(context, 'job.asked')
    const id = await subscribe(second, target.url)
    const numbers = () =>
      target.received.map(({ body }) => (JSON.parse(body.toString()) as { data: { n: number } }).data.n)
    for (let n = 0; n < 5; n++) await ask(first, n)
    await until(() => numbers().length === 5)
    // It ends in order, whichever of them pushed: the other takes over at once.
    await first.drain()
    for (let n = 5; n < 10; n++) await ask(second, n)
    await until(() => numbers().length === 10)
    const third = await createEventsHost({ database: first.database, isSecondProcess: true })
    closing.push(third.drain)
    await second.crash()
    await first.database.transaction({ role: 'soma_bus' }, (session) =>
      session.execute(
        `update runtime.job_leases set lease_until = clock_timestamp() - interval '1 second' where name like 'dispatch/%'`,
      ),
    )
    for (let n = 10; n < 15; n++) await ask(third, n)
    await until(async () => numbers().length >= 15 && (await open(third, id)).length === 0)
    // What the dead one had posted and not written comes again under its id.
    const once = [...new Map(target.received.map((post, index) => [idOf(post), numbers()[index]])).values()]
    expect(once).toEqual(Array.from({ length: 15 }, (_, n) => n))
  })

  it('that ends in order lets the post in hand finish', async () => {
    const target = await aTarget()
    const host = await createEventsHost()
    closing.push(() => host.database.close())
    await host.define(context, 'job.asked')
    const id = await subscribe(host, target.url)
    await ask(host, 1)
    const post = await target.next()
    const draining = host.drain()
    post.answer(200)
    await draining
    const [row] = await host.database.transaction({ role: 'soma_bus' }, (session) =>
      session.query<{ open: number }>('select count(*)::int4 as open from events.delivery'),
    )
    expect([row?.open, target.received.length, id.startsWith('sub_')]).toEqual([0, 1, true])
  })
})
