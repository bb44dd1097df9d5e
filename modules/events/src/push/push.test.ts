import { createHmac, createPublicKey, verify } from 'node:crypto'
import { until } from '@soma/runtime/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, aPushTarget, createEventsHost, type EventsHost, type Received } from '../../testing/index.ts'

const cleanups: (() => Promise<void>)[] = []
let host: EventsHost
let tenants = 0
beforeAll(async () => {
  host = await createEventsHost()
}, 60_000)
afterAll(() => host.close())
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const target = async (options: Parameters<typeof aPushTarget>[0] = {}) => {
  const opened = await aPushTarget(options)
  cleanups.push(opened.close)
  return opened
}
/** A tenant of its own, with an event type. */
async function aTenant() {
  const context = anEventsContext(`tenant-${++tenants}`)
  await host.define(context, 'job.asked')
  const publish = async (n: number, more: Readonly<Record<string, unknown>> = {}) => {
    const body = { type: 'job.asked', topic: 'business-facts', data: { n }, ...more }
    return (await host.events.events.publish(context, { body })).eventId
  }
  const subscribe = async (push: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) => {
    const body = { name: 'pushed', topics: ['business-facts'], push, ...more }
    const created = await host.events.subscriptions.create(context, { body: body as never })
    // Nothing is left that a later test would wait for.
    const params = { subscriptionId: created.id }
    cleanups.push(async () => {
      const { version } = await host.events.subscriptions.get(context, { params })
      await host.events.subscriptions.delete(context, { params, ifMatch: version })
    })
    return created
  }
  const rows = async (subscriptionId: string) =>
    (await host.events.deliveries.list(context, { params: { subscriptionId } })).items
  return { context, publish, subscribe, rows }
}
const idOf = ({ headers }: Received) => headers['webhook-id'] as string
const numberIn = ({ body }: Received) => (JSON.parse(body.toString()) as { data: { n: number } }).data.n
const sql = (text: string, values: readonly unknown[]) =>
  host.database.transaction({ role: 'soma_bus' }, (session) => session.execute(text, values))

const contentOf = ({ headers, body }: Received) =>
  Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body])
const hmacOf = (post: Received, secret = '') => {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  return `v1,${createHmac('sha256', key).update(contentOf(post)).digest('base64')}`
}
const signaturesOf = ({ headers }: Received) => String(headers['webhook-signature']).split(' ')

describe('EVT-R66 a pushed subscription', () => {
  it('gets each delivery posted, one at a time and in order per key, signed; 2xx is the ack', async () => {
    const receiver = await target()
    const { context, publish, subscribe, rows } = await aTenant()
    const { id, push } = await subscribe({ url: receiver.url })
    expect(push).toMatchObject({
      url: receiver.url,
      format: 'cloudevent',
      signing: 'hmac',
      secretRef: expect.any(String),
    })
    expect(Date.now() - Date.parse(push?.verifiedAt ?? '')).toBeLessThan(60_000)
    const eventIds: string[] = []
    for (let n = 0; n < 6; n++) eventIds.push(await publish(n, { partitionKey: `key-${n % 2}` }))

    const posts: Received[] = []
    for (let n = 0; n < 6; n++) {
      const post = await receiver.next()
      posts.push(post)
      // The next one waits for the answer to this one, though its key is another.
      expect(receiver.received.length).toBe(n + 1)
      expect((await rows(id)).filter(({ state }) => state === 'leased')).toMatchObject([
        { deliveryId: idOf(post), attempt: 1 },
      ])
      post.answer(n % 2 === 0 ? 200 : 204)
    }
    for (const key of [0, 1]) expect(posts.map(numberIn).filter((n) => n % 2 === key)).toEqual([key, key + 2, key + 4])
    for (const post of posts) {
      const event = JSON.parse(post.body.toString()) as Record<string, unknown>
      expect(event).toMatchObject({ id: eventIds[numberIn(post)], type: 'job.asked', tenantid: context.tenantId })
      expect(post.headers).toMatchObject({
        'content-type': 'application/cloudevents+json; charset=utf-8',
        traceparent: event['traceparent'],
        'soma-subscription': id,
        'soma-attempt': '1',
        'soma-redelivered': 'false',
      })
      expect(Math.abs(Number(post.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
      expect(signaturesOf(post)).toEqual([hmacOf(post, push?.secret)])
    }
    expect(new Set(posts.map(idOf)).size).toBe(6)
    await until(async () => (await rows(id)).length === 0)
    const { items } = await host.events.lag.list(context, { query: { subscriptionId: id } })
    expect(items.map(({ deadLetters, retrying, inFlight }) => deadLetters + retrying + inFlight)).toEqual(
      items.map(() => 0),
    )
    const { push: read } = await host.events.subscriptions.get(context, { params: { subscriptionId: id } })
    expect(read).not.toHaveProperty('secret')
  })

  it('gets data as they are with attributes as headers, signed by a key whose public half it was told', async () => {
    const receiver = await target({ answers: 202 })
    const { publish, subscribe } = await aTenant()
    const { push } = await subscribe({ url: receiver.url, format: 'data', signing: 'ed25519' })
    expect(push).not.toHaveProperty('secret')
    await publish(7, { subject: 'Größe "5" %', correlationId: 'c-1' })
    const post = await receiver.next()
    expect(post.body.toString()).toBe('{"n":7}')
    expect(post.headers).toMatchObject({
      'content-type': 'application/json',
      'ce-type': 'job.asked',
      'ce-correlationid': 'c-1',
      'ce-subject': 'Gr%C3%B6%C3%9Fe%20%225%22%20%25',
    })
    const [signature = ''] = signaturesOf(post)
    const x = Buffer.from(String(push?.publicKey).replace('whpk_', ''), 'base64').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const isGood = (content: Buffer) => verify(null, content, key, Buffer.from(signature.replace('v1a,', ''), 'base64'))
    expect(isGood(contentOf(post))).toBe(true)
    expect(isGood(Buffer.concat([contentOf(post), Buffer.from(' ')]))).toBe(false)
  })

  it('that is refused waits by the schedule of notifications and as the target asks, then is a dead letter; its key waits, others do not', async () => {
    const receiver = await target()
    const { context, publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: receiver.url })
    await publish(1, { partitionKey: 'bad' })
    await publish(2, { partitionKey: 'bad' })
    const minutes = [5 / 60, 0.5, 2, 10, 30, 120, 360, 720]
    const statuses = [500, 404, 302, 429, 400, 503, 408, 599]
    let deliveryId = ''
    for (const [index, status] of statuses.entries()) {
      const post = await receiver.next()
      deliveryId ||= idOf(post)
      expect([idOf(post), numberIn(post), post.headers['soma-attempt']]).toEqual([deliveryId, 1, String(index + 1)])
      // The last but one asks for more than the schedule gives.
      const isPatient = index === 6
      post.answer(status, isPatient ? { 'retry-after': String(500 * 60) } : { 'retry-after': '1' })
      const waiting = async () => (await rows(id)).find(({ state }) => state === 'retrying')
      await until(async () => (await waiting()) !== undefined)
      const row = (await waiting()) as { deliveryId: string; dueAt: string }
      const waitMs = Date.parse(row.dueAt) - Date.now()
      const base = (minutes[index] as number) * 60_000
      if (isPatient) expect(Math.abs(waitMs - 500 * 60_000)).toBeLessThan(3000)
      else expect(Math.abs(waitMs - base)).toBeLessThanOrEqual(base * 0.1 + 3000)
      // The wait is ten minutes now: nothing else comes meanwhile.
      if (index === 3) {
        await publish(3, { partitionKey: 'good' })
        const other = await receiver.next()
        expect(numberIn(other)).toBe(3)
        other.answer(200)
        await until(async () => (await rows(id)).length === 2)
        expect((await rows(id)).map(({ state }) => state)).toEqual(['retrying', 'parked'])
        const { items } = await host.events.lag.list(context, { query: { subscriptionId: id } })
        expect(items.some(({ retrying, parked }) => retrying === 1 && parked === 1)).toBe(true)
      }
      host.clock.advance(waitMs + 100)
    }
    const last = await receiver.next()
    expect([idOf(last), last.headers['soma-attempt']]).toEqual([deliveryId, '9'])
    last.answer(500)
    // The next of its key follows the dead letter.
    const next = await receiver.next()
    expect(numberIn(next)).toBe(2)
    next.answer(200)
    const dead = await host.events.deadLetters.get(context, { params: { deliveryId } })
    expect(dead.attempts).toHaveLength(9)
    expect(dead.attempts[0]?.problem).toMatchObject({
      code: 'push-failed',
      detail: 'the target answered 500',
      status: 500,
    })
    await host.events.deadLetters.replay(context, { params: { deliveryId }, body: { note: 'mended', dryRun: false } })
    const again = await receiver.next()
    expect(idOf(again)).toBe(deliveryId)
    again.answer(200)
    await until(async () => (await rows(id)).length === 0)
  })

  it('is suspended by 410, with its fact; resumed it goes on with the same delivery, no attempt burned', async () => {
    const receiver = await target()
    const { context, publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: receiver.url })
    await publish(1)
    const first = await receiver.next()
    first.answer(410)
    const suspended = await host.waitFor(
      ({ type, envelope }) => type === 'subscription.suspended' && envelope.includes(id),
    )
    expect(JSON.parse(suspended.envelope)).toMatchObject({
      data: { state: 'suspended', reason: 'the target answered 410 Gone' },
      tenantid: context.tenantId,
    })
    await until(async () => (await rows(id)).every(({ state }) => state === 'retrying'))
    await publish(2, { partitionKey: 'other' })
    // Longer than a suspended group waits for its probe, and a few ticks of the dispatcher.
    host.clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { state } = await host.events.subscriptions.get(context, { params: { subscriptionId: id } })
    expect([state, receiver.received.length]).toEqual(['suspended', 1])
    await host.events.subscriptions.resume(context, { params: { subscriptionId: id }, body: {} })
    const again = await receiver.next()
    expect([idOf(again), again.headers['soma-attempt']]).toEqual([idOf(first), '1'])
    again.answer(200)
    ;(await receiver.next()).answer(200)
    await until(async () => (await rows(id)).length === 0)
  })

  it('whose target took nothing for 5 days is suspended, with its fact; resumed it has 5 days again', async () => {
    const receiver = await target()
    const { context, publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: receiver.url })
    const fail = async (partitionKey: string) => {
      await publish(1, { partitionKey })
      // Long enough that no second attempt comes between, however slow the machine is.
      ;(await receiver.next()).answer(500, { 'retry-after': '3600' })
    }
    const stateOf = async () => (await host.events.subscriptions.get(context, { params: { subscriptionId: id } })).state
    const age = (days: number) =>
      sql(
        `update events.push_targets set failing_since = clock_timestamp() - $2::int4 * interval '1 day' where tenant_id = $1 and failing_since is not null`,
        [context.tenantId, days],
      )
    await fail('a')
    await until(async () => (await age(6)) === 1)
    // A success between makes it young again.
    await publish(2, { partitionKey: 'b' })
    ;(await receiver.next()).answer(200)
    await until(async () => (await age(6)) === 0)
    await fail('c')
    await until(async () => (await age(4)) === 1)
    await fail('d')
    await until(async () => (await rows(id)).filter(({ state }) => state === 'retrying').length === 3)
    expect(await stateOf()).toBe('active')
    await age(6)
    await fail('e')
    await until(async () => (await stateOf()) === 'suspended')
    const fact = await host.waitFor(({ type, envelope }) => type === 'subscription.suspended' && envelope.includes(id))
    expect(fact.envelope).toContain('the target took nothing for 5 days')
    await host.events.subscriptions.resume(context, { params: { subscriptionId: id }, body: {} })
    await fail('f')
    await until(async () => (await rows(id)).filter(({ state }) => state === 'retrying').length === 5)
    expect(await stateOf()).toBe('active')
  })

  it('is made only for a target that proves itself, at an address that may be called; a changed address too', async () => {
    const receiver = await target({ answers: 200, allowedOrigin: 'soma.test' })
    const silent = await target({ answers: 200, allowedOrigin: 'other.example' })
    const { context, subscribe, publish } = await aTenant()
    const refusedWith = (code: string, url: string) =>
      expect(subscribe({ url })).rejects.toMatchObject({ code, status: 422 })
    await refusedWith('handshake-failed', silent.url)
    silent.allowedOrigin = undefined
    await refusedWith('handshake-failed', silent.url)
    for (const url of [
      'https://10.0.0.1/',
      'https://169.254.169.254/',
      'ftp://example.com/',
      'https://a:b@example.com/',
    ])
      await refusedWith('address-refused', url)
    expect((await host.events.subscriptions.list(context, { query: {} })).items).toEqual([])

    const { id, version } = await subscribe({ url: receiver.url })
    const change = (push: Readonly<Record<string, unknown>>) =>
      host.events.subscriptions.update(context, {
        params: { subscriptionId: id },
        ifMatch: version,
        body: { push } as never,
      })
    await expect(change({ url: silent.url })).rejects.toMatchObject({ code: 'handshake-failed' })
    await expect(change({ url: 'https://192.168.0.1/' })).rejects.toMatchObject({ code: 'address-refused' })
    await publish(1)
    expect(numberIn(await receiver.next())).toBe(1)
    silent.allowedOrigin = '*'
    expect((await change({ url: silent.url, format: 'data' })).push).toMatchObject({ url: silent.url, format: 'data' })
    await publish(2)
    expect((await silent.next()).body.toString()).toBe('{"n":2}')
  })

  it('has no other member, mode or schedule', async () => {
    const receiver = await target({ answers: 200 })
    const { context, subscribe } = await aTenant()
    for (const more of [{ mode: 'broadcast' }, { maxAttempts: 3 }, { backoff: { baseMs: 1 } }])
      await expect(subscribe({ url: receiver.url }, more)).rejects.toMatchObject({ code: 'invalid-request' })
    const { id, version, maxAttempts } = await subscribe({ url: receiver.url })
    expect(maxAttempts).toBe(9)
    const params = { subscriptionId: id }
    const body = { memberId: '0190a1b2-c3d4-4e5f-8a9b-0c1d2e3f4a5b' }
    await expect(host.events.deliveries.pull(context, { params, body })).rejects.toMatchObject({ code: 'conflict' })
    await expect(host.events.deliveries.settle(context, { params, body })).rejects.toMatchObject({ code: 'conflict' })
    await expect(
      host.events.deliveries.stream(context, { params, query: body, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'conflict' })
    await expect(
      host.events.subscriptions.update(context, { params, ifMatch: version, body: { maxAttempts: 2 } }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('pauses, resumes and seeks like any other', async () => {
    const receiver = await target({ answers: 200 })
    const { context, publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: receiver.url })
    const params = { subscriptionId: id }
    await publish(1)
    const first = await receiver.next()
    await host.events.subscriptions.pause(context, { params, body: {} })
    await publish(2)
    await until(async () => (await rows(id)).length === 0)
    await host.events.subscriptions.resume(context, { params, body: {} })
    expect(numberIn(await receiver.next())).toBe(2)
    expect(receiver.received).toHaveLength(2)
    await host.events.subscriptions.seek(context, { params, body: { to: 'earliest', note: 'once more' } })
    const again = [await receiver.next(), await receiver.next()]
    expect(new Set(again.map(numberIn))).toEqual(new Set([1, 2]))
    expect(again.map(idOf)).not.toContain(idOf(first))
  })

  it('is signed with two secrets after a rotation until the overlap ends', async () => {
    const receiver = await target({ answers: 200 })
    const { context, publish, subscribe } = await aTenant()
    const { id, push: before } = await subscribe({ url: receiver.url })
    const params = { subscriptionId: id }
    const rotate = async (body: Readonly<Record<string, unknown>>) =>
      (await host.events.subscriptions.rotateSecret(context, { params, body: body as never })).push
    const after = await rotate({})
    expect(after?.secretRef).not.toBe(before?.secretRef)
    await publish(1)
    const both = await receiver.next()
    expect(signaturesOf(both)).toEqual([hmacOf(both, after?.secret), hmacOf(both, before?.secret)])
    const inTime = `update events.push_targets set failing_since = null where tenant_id = $1 and former_until between
      clock_timestamp() + interval '1430 minutes' and clock_timestamp() + interval '1440 minutes'`
    expect(await sql(inTime, [context.tenantId])).toBe(1)
    const last = await rotate({ signing: 'ed25519', overlapMs: 0 })
    expect(last).toMatchObject({ signing: 'ed25519', publicKey: expect.stringMatching(/^whpk_/) })
    await publish(2)
    expect(signaturesOf(await receiver.next())).toEqual([expect.stringMatching(/^v1a,/)])
  })

  it('whose key cannot be opened is not posted unsigned, and waits like any other failure', async () => {
    const receiver = await target({ answers: 200 })
    const { context, publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: receiver.url })
    await sql(`update events.push_targets set secret = 'AAAA' where tenant_id = $1`, [context.tenantId])
    await publish(1)
    await until(async () => (await rows(id)).some(({ state }) => state === 'retrying'))
    expect(receiver.received).toEqual([])
    await host.events.subscriptions.rotateSecret(context, { params: { subscriptionId: id }, body: { overlapMs: 0 } })
    host.clock.advance(60_000)
    expect(numberIn(await receiver.next())).toBe(1)
  })

  it('with a slow target holds no other back; a post is given up before its lease ends', async () => {
    const slow = await target()
    const fast = await target({ answers: 200 })
    const { publish, subscribe, rows } = await aTenant()
    const { id } = await subscribe({ url: slow.url }, { leaseMs: 1000 })
    await subscribe({ url: fast.url }, { name: 'fast' })
    for (let n = 0; n < 10; n++) await publish(n)
    const hanging = await slow.next()
    const posts = Array.from({ length: 10 }, () => fast.next())
    expect(new Set((await Promise.all(posts)).map(numberIn)).size).toBe(10)
    await until(async () =>
      (await rows(id)).some(
        ({ deliveryId, state, attempt }) => deliveryId === idOf(hanging) && state === 'retrying' && attempt === 1,
      ),
    )
  })
})
