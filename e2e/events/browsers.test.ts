import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Home, openHome } from '../homes/home.ts'

/** As fast as they go, and 18 MB: more than what the sockets to a browser that does not read hold. */
const STALLED_EVENTS = 3_000
const MAXIMUM_LAG = 1_500
/** Small enough to reach a client that reads from memory: what the process remembers of an event is the same before and after. */
const BATCH = 25
const MEBIBYTE = 1024 * 1024
const headers = { 'x-tenant-id': 'tenant-a', 'x-user-id': 'usr-1' }

let home: Home
beforeAll(async () => {
  const settings = {
    'events.quotaEventsPerSecond': 1_000_000,
    'events.tailMaxLag': MAXIMUM_LAG,
    'events.partitions': 1,
  }
  home = await openHome('one-process', { settings })
  await post('/v1/registry/events', {
    ...{ topic: 'business-facts', type: 'price.changed', description: 'A price.' },
    schema: { jsonSchema: { type: 'object' } },
  })
}, 60_000)
afterAll(() => home.stop(), 120_000)

interface Answer {
  readonly id: string
  readonly state: string
  readonly settled: readonly string[]
  readonly items: readonly { readonly kind: string; readonly data: unknown }[]
}

async function post(path: string, body: object, type = 'application/json'): Promise<Answer> {
  const response = await fetch(home.url + path, {
    method: 'POST',
    headers: { ...headers, 'content-type': type },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Answer
}
const read = async (path: string): Promise<Answer> => (await fetch(home.url + path, { headers })).json() as never

let published = 0
const filler = 'x'.repeat(6_000)
async function publishBatch(): Promise<void> {
  const events = Array.from({ length: BATCH }, () => ({
    ...{ specversion: '1.0', source: 'shop', type: 'price.changed', topic: 'business-facts' },
    ...{ id: `price-${++published}`, data: { filler } },
  }))
  await post('/v1/events/batch', events, 'application/cloudevents-batch+json')
}

interface Gap {
  readonly lost: number
  readonly reason: string
}

/** A browser that follows the log and remembers how many events it saw, not the events. */
async function openBrowser() {
  const request = get(`${home.url}/v1/events/stream?topics=business-facts`, { headers })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const seen = new Set<number>()
  const gaps: Gap[] = []
  let repeats = 0
  let wanted: { total: number; resolve: () => void } | undefined
  const known = () => seen.size + gaps.reduce((total, { lost }) => total + lost, 0)
  const take = (frame: string) => {
    const [, name, data] = /event: (.*)\ndata: (.*)$/s.exec(frame) ?? []
    if (name === 'gap') gaps.push(JSON.parse(data as string))
    if (name === 'event') {
      const number = Number(/"id":"price-(\d+)"/.exec(data as string)?.[1])
      if (seen.has(number)) repeats += 1
      seen.add(number)
    }
    if (wanted !== undefined && known() >= wanted.total) wanted.resolve()
  }
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const frames = (text + chunk).split('\n\n')
    text = frames.pop() as string
    frames.forEach(take)
  })
  return {
    seen,
    gaps,
    repeats: () => repeats,
    stopReading: () => response.pause(),
    readOn: () => response.resume(),
    /** Until it has seen so many events or was told that they are missing. */
    hasAll: (total: number) =>
      new Promise<void>((resolve) => {
        wanted = { total, resolve }
        if (known() >= total) resolve()
      }),
    close: () => request.destroy(),
  }
}
type Browser = Awaited<ReturnType<typeof openBrowser>>

async function publishTo(browser: Browser, total: number): Promise<void> {
  for (let sent = 0; sent < total; sent += BATCH) {
    await publishBatch()
    await browser.hasAll(published)
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

test('EVT-A7 EVT-R50 a browser that stops reading gets all, or exactly one gap that counts what is missing; memory grew by 1 MiB at most, and another had each batch meanwhile', async () => {
  const fast = await openBrowser()
  /** Each batch is awaited at the fast browser before the next one: it gets all while the others stand still. */
  const heapsWhile = async (total: number) => {
    const heaps: number[] = []
    for (let part = 0; part < 3; part++) {
      await publishTo(fast, total / 3)
      heaps.push(await heapBytes())
    }
    return heaps
  }
  // What the process keeps of the newest events is full before it is measured.
  await publishTo(fast, 1_500)
  const before = await heapsWhile(1_500)
  const [slow, slower] = [await openBrowser(), await openBrowser()]
  const kept = published
  for (const browser of [slow, slower]) browser.stopReading()

  await publishTo(fast, MAXIMUM_LAG / 2)
  slow.readOn()
  await slow.hasAll(published - kept)
  const stalled = await heapsWhile(STALLED_EVENTS)
  await slow.hasAll(published - kept)
  expect([slow.seen.size, slow.repeats(), slow.gaps]).toEqual([published - kept, 0, []])

  slower.readOn()
  await slower.hasAll(published - kept)
  await publishTo(fast, BATCH)
  await slower.hasAll(published - kept)
  expect(slower.gaps).toMatchObject([{ reason: 'slow', lost: published - kept - slower.seen.size }])
  expect([slower.repeats(), fast.seen.size, fast.gaps]).toEqual([0, published, []])
  // The heap comes and goes by some MiB with what is parsed of the newest events; a buffer would stay.
  expect(Math.min(...stalled) - Math.max(...before)).toBeLessThanOrEqual(MEBIBYTE)
  for (const browser of [fast, slow, slower]) browser.close()
}, 60_000)

/** Frames of a stream as they come, by name. */
async function openStream(path: string) {
  const request = get(home.url + path, { headers })
  // It is destroyed in the middle.
  request.on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const frames: { event: string; data: Record<string, unknown> }[] = []
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n\n')
    text = parts.pop() as string
    for (const part of parts) {
      const [, event, data] = /event: (.*)\ndata: (.*)$/s.exec(part) ?? []
      if (event !== undefined) frames.push({ event, data: JSON.parse(data as string) })
    }
  })
  response.on('error', () => undefined)
  return {
    frames,
    find: (event: string) => expect.poll(() => frames.find((frame) => frame.event === event)?.data).toBeDefined(),
    disconnect: () => request.destroy(),
  }
}

test('EVT-R52 a disconnect ends nothing but the stream: not the request that was made, not the work in hand, nobody else’s stream', async () => {
  for (const type of ['sum.asked', 'sum.told'])
    await post('/v1/registry/events', {
      ...{ topic: 'business-facts', type, description: 'A sum.' },
      schema: { jsonSchema: { type: 'object' } },
    })
  const body = { name: 'adders', topics: ['business-facts'], types: ['sum.asked'] }
  const { id } = await post('/v1/events/subscriptions', body)
  const member = `/v1/events/subscriptions/${id}/stream?memberId=0190b5a0-0000-7000-8000-000000000001&credits=1`
  const tail = '/v1/events/stream?topics=business-facts&types=sum.told'
  const [adder, watcher, gone] = await Promise.all([member, tail, tail].map(openStream))
  const asking = new AbortController()
  const asked = {
    ...{ type: 'sum.asked', topic: 'business-facts', responseType: 'sum.told', responseTopic: 'business-facts' },
    ...{ correlationId: 'sum-of-one', data: {} },
  }
  const request = fetch(`${home.url}/v1/events/request`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(asked),
    signal: asking.signal,
  }).catch((error: Error) => error.name)
  await adder?.find('delivery')
  asking.abort()
  expect(await request).toBe('AbortError')
  for (const stream of [adder, gone]) stream?.disconnect()
  await expect.poll(async () => (await read('/v1/events/connections')).items.map(({ kind }) => kind)).toEqual(['tail'])

  const delivery = adder?.frames.find(({ event }) => event === 'delivery')?.data
  const emits = [{ type: 'sum.told', topic: 'business-facts', data: { sum: 1 } }]
  const acks = [{ deliveryId: delivery?.['deliveryId'], attempt: 1, emits }]
  const memberId = '0190b5a0-0000-7000-8000-000000000001'
  const settled = await post(`/v1/events/subscriptions/${id}/settle`, { memberId, acks })
  expect(settled.settled).toEqual([delivery?.['deliveryId']])
  await watcher?.find('event')
  const { items } = await read('/v1/events?correlationId=sum-of-one&type=sum.told')
  expect(items).toMatchObject([{ data: { sum: 1 } }])
  expect((await read(`/v1/events/subscriptions/${id}`)).state).toBe('active')
  await post('/v1/events', { ...asked, correlationId: 'sum-of-two' })
  const again = await openStream(member)
  await again.find('delivery')
  expect(again.frames).toMatchObject([{ data: { attempt: 1, event: { correlationid: 'sum-of-two' } } }])
  for (const stream of [again, watcher]) stream?.disconnect()
})
