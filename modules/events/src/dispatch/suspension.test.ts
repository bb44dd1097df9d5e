import { newUuid } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aJobGroup,
  aMember,
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type ReceivedDelivery,
  type TestMember,
} from '../../testing/index.ts'

const context = anEventsContext()
const KEYS = 12
const PULLER = newUuid()
const PROBE_MS = 5000
/** Two processes on one database; what does not say otherwise happens at the first. */
let host: EventsHost
let other: EventsHost
const closing: EventsHost[] = []

beforeAll(async () => {
  host = await createEventsHost({ isShared: true })
  other = await createEventsHost({ database: host.database, isSecondProcess: true })
  closing.push(other, host)
  await host.define(context, 'job.asked')
}, 60_000)
afterAll(async () => {
  for (const each of closing) await (each === host ? each.close() : each.drain())
})

const subscribe = (more = {}) => aJobGroup(host, context, { maxAttempts: 2, ...more })
const ask = async (keys: number) => {
  for (let n = 0; n < keys; n++)
    await host.events.events.publish(context, {
      body: { type: 'job.asked', topic: 'business-facts', partitionKey: `key-${n}`, data: { n } },
    })
}
const stateOf = async (subscriptionId: string, at = host) =>
  (await at.events.subscriptions.get(context, { params: { subscriptionId } })).state
const deadLetters = async (subscriptionId: string, at = host) =>
  (await at.events.deadLetters.list(context, { query: { subscriptionId } })).items
const open = async (subscriptionId: string) =>
  (await host.events.deliveries.list(context, { params: { subscriptionId } })).items
const factsOf = (subscriptionId: string) =>
  host.recorded.flatMap(({ type, envelope }) =>
    /^subscription\.(suspended|resumed)$/.test(type) && envelope.includes(subscriptionId)
      ? [[type, JSON.parse(envelope).data.state]]
      : [],
  )
const down = (code = 'unavailable') => ({ problem: { code, detail: 'the store is away', retryable: true } })

/** A handler whose store is away: five keys in a row, none of them twice. */
async function refuse(id: string, member: TestMember): Promise<void> {
  for (const code of ['unavailable', 'timeout', 'rate-limited', 'unavailable', 'timeout'])
    await member.nack(await member.delivery(), { ...down(code), retryAfterMs: 20_000 })
  await until(async () => (await stateOf(id)) === 'suspended')
}
/** What is sent within one probe's time. */
async function probe(member: TestMember): Promise<ReceivedDelivery> {
  host.clock.advance(PROBE_MS)
  return member.delivery()
}

describe('EVT-R36 failures of a dependency suspend the whole group of a subscription', () => {
  it('EVT-A5 a dependency that is away for 3 minutes makes no dead letter: one probe every 5 s burns no attempt, and the group resumes by itself', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id, { credits: 1 })
    await ask(KEYS)
    await refuse(id, member)
    const tried = new Set<unknown>()
    for (let passedMs = 0; passedMs < 180_000; passedMs += PROBE_MS) {
      const delivery = await probe(member)
      tried.add(delivery.event.partitionkey)
      expect(delivery.attempt).toBeLessThanOrEqual(2)
      await member.nack(delivery, down())
    }
    expect(tried.size).toBe(KEYS)
    expect(await stateOf(id)).toBe('suspended')
    await member.ack(await probe(member))
    for (let left = KEYS - 1; left > 0; left--) await member.ack(await member.delivery())
    await host.waitFor(({ type, envelope }) => type === 'subscription.resumed' && envelope.includes(id))
    expect(await stateOf(id)).toBe('active')
    expect(await deadLetters(id)).toEqual([])
    expect(factsOf(id)).toEqual([
      ['subscription.suspended', 'suspended'],
      ['subscription.resumed', 'active'],
    ])
    await member.leave()
  })

  it('one probe at a time, by pull as by stream, in the name of whoever has room; not before its time', async () => {
    const id = await subscribe()
    const pulled = async () =>
      (
        await host.events.deliveries.pull(context, {
          params: { subscriptionId: id },
          body: { memberId: PULLER, max: 10, waitMs: 100 },
        })
      ).deliveries as ReceivedDelivery[]
    const settle = (entries: Readonly<Record<string, unknown>>) =>
      host.events.deliveries.settle(context, {
        params: { subscriptionId: id },
        body: { memberId: PULLER, ...entries } as never,
      })
    await ask(KEYS)
    const first = await pulled()
    expect(first).toHaveLength(10)
    await settle({ nacks: first.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, ...down() })) })
    expect(await pulled()).toEqual([])
    host.clock.advance(PROBE_MS)
    const [probed, ...none] = await pulled()
    expect(none).toEqual([])
    host.clock.advance(PROBE_MS)
    expect(await pulled()).toEqual([])
    const { deliveryId, attempt } = probed as ReceivedDelivery
    await settle({ acks: [{ deliveryId, attempt, emits: [] }] })
    expect(await pulled()).toHaveLength(10)
  })

  it('an event that is at fault itself, a lease that lapses or four keys suspend nothing, and a success between begins the count anew', async () => {
    const id = await subscribe({ maxAttempts: 20 })
    const member = await aMember(host, context, id, { credits: 1 })
    await ask(KEYS)
    const poison = { problem: { code: 'unreadable', detail: 'not to be read', retryable: false } }
    const refuseKeys = async (keys: number) => {
      for (let n = 0; n < keys; n++) await member.nack(await member.delivery(), { ...down(), retryAfterMs: 60_000 })
    }
    await refuseKeys(4)
    await member.nack(await member.delivery(), poison)
    await refuseKeys(4)
    await member.ack(await member.delivery())
    expect(await stateOf(id)).toBe('active')
    host.clock.advance(60_000)
    for (let n = 0; n < 6; n++) {
      await member.delivery()
      host.clock.advance(30_000)
    }
    expect(await stateOf(id)).toBe('active')
    await member.leave()
  })

  it('failures that are settled at a process that does not dispatch count as those of any other', async () => {
    const id = await subscribe({ maxAttempts: 20 })
    const local = await aMember(host, context, id)
    await local.settle({ credits: 0 })
    const remote = await aMember(other, context, id, { credits: 1 })
    await ask(KEYS)
    await refuse(id, remote)
    const probed = await probe(remote)
    await remote.nack(probed, down())
    await until(async () => (await open(id)).every(({ state }) => state !== 'leased'))
    expect((await open(id)).find(({ deliveryId }) => deliveryId === probed.deliveryId)?.attempt).toBe(0)
    await remote.leave()
    await local.settle({ credits: KEYS })
    await local.ack(await probe(local))
    host.clock.advance(20_000)
    for (let left = KEYS - 1; left > 0; left--) await local.ack(await local.delivery())
    await local.leave()
  })

  it('a member of a broadcast is suspended alone: the others get everything', async () => {
    const id = await subscribe({ mode: 'broadcast', startAt: 'latest' })
    const broken = await aMember(host, context, id)
    const healthy = await aMember(host, context, id)
    await ask(KEYS)
    for (let n = 0; n < 10; n++) await broken.nack(await broken.delivery(), { ...down(), retryAfterMs: 1 })
    for (let n = 0; n < KEYS; n++) await healthy.ack(await healthy.delivery())
    expect(await stateOf(id)).toBe('active')
    host.clock.advance(PROBE_MS)
    await broken.ack(await broken.delivery())
    for (let left = KEYS - 1; left > 0; left--) await broken.ack(await broken.delivery())
    expect(await deadLetters(id)).toEqual([])
    for (const each of [broken, healthy]) await each.leave()
  })

  it('a restart finds the group suspended and goes on with probes; whoever pauses or resumes it by hand is obeyed', async () => {
    const id = await subscribe()
    const member = await aMember(host, context, id, { credits: 1 })
    await ask(KEYS)
    await refuse(id, member)
    await host.crash()
    await other.drain()
    const next = await createEventsHost({ database: host.database })
    closing.splice(0, 1, next)
    const again = await aMember(next, context, id)
    await again.nack(await again.delivery(), down())
    expect(await stateOf(id, next)).toBe('suspended')
    await next.events.subscriptions.pause(context, { params: { subscriptionId: id }, body: {} })
    await again.leave()
    expect(await stateOf(id, next)).toBe('paused')
    await next.events.subscriptions.resume(context, { params: { subscriptionId: id }, body: {} })
    const last = await aMember(next, context, id)
    next.clock.advance(20_000)
    for (let n = 0; n < KEYS; n++) await last.ack(await last.delivery())
    expect(await deadLetters(id, next)).toEqual([])
    await last.leave()
  })
})
