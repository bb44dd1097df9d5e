import { afterEach, describe, expect, it } from 'vitest'
import {
  answersOf,
  byKey,
  createInstallation,
  effectsOf,
  eventsAt,
  GRACE_MS,
  type Installation,
  type Node,
  prepare,
  publish,
  runScript,
  type Sent,
} from './nodes.ts'
import { startWorker, type Worker } from './worker.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const none = undefined as never
/** Of a busy machine. */
const SLACK_MS = 2_000
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}, 60_000)

/** Two processes that host the same modules on one Postgres, and what is sent to them. */
async function twoNodes(subscription: Readonly<Record<string, unknown>> = {}) {
  const installation = await createInstallation(server as string)
  cleanups.push(installation.close)
  const nodes: Node[] = [await installation.start(), await installation.start()]
  const subscriptionId = await prepare((nodes[0] as Node).url, subscription)
  return { installation, nodes, subscriptionId, urls: () => nodes.map(({ url }) => url) }
}

const numbered = (from: number, count: number, keys: number): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ number: from + index, key: `key-${(from + index) % keys}` }))

const aWorker = (options: Parameters<typeof startWorker>[0]): Worker => {
  const worker = startWorker(options)
  cleanups.push(worker.stop)
  return worker
}
/** The process at this index first, and the others after it. */
const from = (urls: () => readonly string[], index: number) => () => {
  const all = urls()
  return [...all.slice(index), ...all.slice(0, index)]
}
const numbers = (events: readonly Sent[]) => events.map(({ number }) => number).toSorted((a, b) => a - b)

/** Looks until it holds. @throws Error after the time */
async function until(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const endsAt = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`it does not hold after ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Processes that hold partitions of the module's group, by their member of it, and the dispatcher of the subscription. */
const ownersOf = async ({ query }: Installation) =>
  (
    await query(
      `select distinct owner from events.cursor where grp = 'module:load0'
       union select owner from runtime.job_leases where name like 'dispatch/%'`,
    )
  ).length

/** Every event had one effect and one answer, in order per key. */
async function expectWhole(installation: Installation, sent: readonly Sent[]): Promise<void> {
  const [effects, answers] = [await effectsOf(installation), await answersOf(installation)]
  for (const done of [effects, answers]) {
    expect(numbers(done)).toEqual(numbers(sent))
    expect(byKey(done)).toEqual(byKey(sent))
  }
}
const isWhole = async (installation: Installation, sent: readonly Sent[]) =>
  (await effectsOf(installation)).length >= sent.length && (await answersOf(installation)).length >= sent.length

describe('two processes with the same modules on one Postgres', () => {
  it('EVT-A2 a worker killed after its effect, before its settle: its deliveries move within 10 s, one reply a request, no key with two workers at once', async () => {
    const { installation, nodes, subscriptionId, urls } = await twoNodes()
    const sent = numbered(0, 500, 50)
    const told: { worker: number; what: string; number: number; key: string; at: number }[] = []
    const workers = [0, 1, 2].map((worker) => {
      const script = runScript('./worker-process.ts', {
        WORKER_URL: (nodes[worker % 2] as Node).url,
        WORKER_SUBSCRIPTION: subscriptionId,
        WORKER_STALLS_AT: '120',
      })
      cleanups.push(() => script.end('SIGKILL'))
      script.lines.on('line', (line) => {
        const [what, number, key, at] = line.split(' ') as [string, string, string, string]
        told.push({ worker, what, number: Number(number), key, at: Number(at) })
      })
      return script
    })
    const connected = async () => {
      const lists = await Promise.all(nodes.map(({ url }) => eventsAt(url).connections.list(none)))
      return lists.flatMap(({ items }) => items.filter(({ kind }) => kind === 'member')).length
    }
    await until(async () => (await connected()) === 3, 60_000)
    await publish(urls, sent)
    await until(() => told.some(({ what }) => what === 'stalls'), 60_000)
    const killed = told.find(({ what }) => what === 'stalls') as (typeof told)[number]
    await workers[killed.worker]?.end('SIGKILL')
    const killedAt = Date.now()
    await until(async () => (await answersOf(installation)).length >= sent.length, 90_000)
    await until(() => told.filter(({ what }) => what === 'settled').length >= sent.length - 5, 10_000)

    const answers = await answersOf(installation)
    expect(numbers(answers)).toEqual(numbers(sent))
    expect(byKey(answers)).toEqual(byKey(sent))
    const again = told.find(
      ({ what, number, worker }) => what === 'effect' && number === 120 && worker !== killed.worker,
    )
    expect((again?.at ?? Number.POSITIVE_INFINITY) - killedAt).toBeLessThan(10_000 + SLACK_MS)
    // In the hands of a worker from its effect to its settlement, or to the kill.
    for (const key of new Set(sent.map((event) => event.key))) {
      const spans = told
        .filter((entry) => entry.what === 'effect' && entry.key === key)
        .map(({ worker, number, at }) => {
          const end = told.find(
            (entry) => entry.worker === worker && entry.number === number && entry.what === 'settled',
          )
          return { worker, at, until: worker === killed.worker ? Math.min(end?.at ?? killedAt, killedAt) : end?.at }
        })
        .toSorted((a, b) => a.at - b.at)
      for (const [index, span] of spans.entries()) {
        const later = spans.slice(index + 1).find(({ worker }) => worker !== span.worker)
        // The answer to a settle reaches its worker after the next event of the key may have reached another.
        if (later !== undefined) expect(later.at).toBeGreaterThanOrEqual((span.until ?? 0) - 250)
      }
    }
  }, 180_000)

  it('EVT-A9 a settle after the lease, at the other process, is lost with its emits; the second attempt publishes them once', async () => {
    const { installation, nodes, subscriptionId, urls } = await twoNodes({ leaseMs: 2_000 })
    const [first, second] = nodes as [Node, Node]
    const params = { subscriptionId }
    const memberId = crypto.randomUUID()
    const pull = async (url: string) =>
      (
        await eventsAt(url).deliveries.pull(none, {
          params,
          body: { memberId, max: 1, waitMs: 10_000 },
        })
      ).deliveries[0] as { deliveryId: string; attempt: number }
    const settle = (url: string, { deliveryId, attempt }: { deliveryId: string; attempt: number }) => {
      const emits = [1, 2].map((number) => ({ type: 'load.answered', topic: 'action-results', data: { number } }))
      return eventsAt(url).deliveries.settle(none, {
        params,
        body: { memberId, acks: [{ deliveryId, attempt, emits }] } as never,
      })
    }
    await publish(urls, numbered(0, 1, 1))
    const late = await pull(first.url)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(await settle(second.url, late)).toMatchObject({
      settled: [],
      lost: [{ deliveryId: late.deliveryId, reason: 'expired' }],
    })
    expect(await answersOf(installation)).toEqual([])
    const again = await pull(second.url)
    expect(again).toMatchObject({ deliveryId: late.deliveryId, attempt: 2 })
    expect((await settle(first.url, again)).settled).toEqual([late.deliveryId])
    expect((await settle(second.url, again)).settled).toEqual([late.deliveryId])
    expect(numbers(await answersOf(installation))).toEqual([1, 2])
  }, 120_000)

  it('EVT-A8 EVT-R57 SIGTERM under load: exit 0 within drainMs, no lease waits for its end, no effect doubles, tails go on without a hole', async () => {
    const { installation, nodes, subscriptionId, urls } = await twoNodes({ leaseMs: 60_000, memberGraceMs: 60_000 })
    const doubled: number[] = []
    const settled = new Set<number>()
    for (let index = 0; index < 4; index++)
      aWorker({
        subscriptionId,
        urls: from(urls, index % 2),
        credits: 10,
        settled: (number, isLost) => {
          if (isLost) doubled.push(number)
          else settled.add(number)
        },
      })
    const tails = Array.from({ length: 200 }, (_, index) => startTail(from(urls, index % 2), `key-${index}`))
    cleanups.push(async () => tails.forEach(({ stop }) => stop()))
    await Promise.all(tails.map(({ connected }) => connected))

    const sent: Sent[] = []
    const load = async (seconds: number) => {
      for (let tick = 0; tick < seconds * 10; tick++) {
        const startedAt = performance.now()
        const events = numbered(sent.length, 30, 200)
        sent.push(...events)
        await publish(urls, events)
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, 100 - (performance.now() - startedAt))))
      }
    }
    await load(3)
    const [stopping] = nodes.splice(0, 1) as [Node]
    expect(await ownersOf(installation)).toBe(3)
    const stoppedAt = performance.now()
    const exit = stopping.end('SIGTERM').then((code) => ({ code, afterMs: performance.now() - stoppedAt }))
    const takenOver = exit.then(() => until(async () => (await ownersOf(installation)) === 2, 5_000))
    await load(3)
    const { code, afterMs } = await exit
    // Leases of partitions and dispatchers run for 9 s: the one process left has all of them at once.
    await takenOver
    expect(code).toBe(0)
    expect(afterMs).toBeLessThan(GRACE_MS + SLACK_MS)
    // Leases of members run for 60 s: whoever waited for one would be late.
    await until(() => isWhole(installation, sent), 45_000)
    await expectWhole(installation, sent)
    expect(doubled).toEqual([])
    for (const [index, { seen }] of tails.entries()) {
      const own = numbers(sent.filter(({ key }) => key === `key-${index}`))
      await until(() => seen.length >= own.length, 10_000)
      expect(seen).toEqual(own)
    }
  }, 180_000)

  it('EVT-R19 EVT-R64 under random kills and rebalances of both processes first completions are in order per key', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
    const random = seeded(seed)
    const { installation, nodes, subscriptionId, urls } = await twoNodes({ backoff: { baseMs: 1, maxMs: 1 } })
    for (let index = 0; index < 3; index++) aWorker({ subscriptionId, urls: from(urls, index % 2), credits: 5 })
    const sent: Sent[] = []
    for (let round = 0; round < 4; round++) {
      const publishing = (async () => {
        for (let batch = 0; batch < 10; batch++) {
          const events = Array.from({ length: 20 }, (_, index) => ({
            number: round * 200 + batch * 20 + index,
            key: `key-${Math.floor(random() * 15)}`,
          }))
          sent.push(...events)
          await publish(urls, events)
        }
      })()
      await new Promise((resolve) => setTimeout(resolve, random() * 400))
      const [victim] = nodes.splice(Math.floor(random() * nodes.length), 1) as [Node]
      await victim.end(random() < 0.7 ? 'SIGKILL' : 'SIGTERM')
      await publishing
      nodes.push(await installation.start())
    }
    await until(() => isWhole(installation, sent), 90_000).catch(() => undefined)
    await expectWhole(installation, sent).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  }, 240_000)
})

/** A stream of one plan's events that resumes elsewhere after the last frame it has read. */
function startTail(urls: () => readonly string[], planId: string) {
  const ending = new AbortController()
  const seen: number[] = []
  let lastEventId: string | undefined
  let isConnected: () => void = () => undefined
  const connected = new Promise<void>((resolve) => {
    isConnected = resolve
  })
  const read = async () => {
    const stream = await eventsAt(urls()[0] as string).events.stream(none, {
      query: { topics: 'business-facts', planId, from: 'earliest' },
      signal: ending.signal,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    } as never)
    isConnected()
    for await (const frame of stream as AsyncIterable<{ event: string; id?: string; data: unknown }>) {
      if (frame.event === 'gap') throw new Error(`a gap: ${JSON.stringify(frame.data)}`)
      if (frame.event === 'event') seen.push((frame.data as { data: { number: number } }).data.number)
      if (frame.id !== undefined) lastEventId = frame.id
    }
  }
  const follow = async () => {
    while (!ending.signal.aborted) {
      await read().catch(() => new Promise((resolve) => setTimeout(resolve, 50)))
    }
  }
  void follow()
  return { connected, seen, stop: () => ending.abort() }
}

/** mulberry32: a run that fails can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
