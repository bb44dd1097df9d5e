/**
 * Two tenants on one server: how long the events of one take beside another with a long backlog, a member that acknowledges slowly, one that stands still and a tail that
 * nobody reads. Rounds go in turns over three servers of this process, one with such a neighbour and two without: the ratio of a round is of figures taken seconds apart, and
 * that of the two without is the noise. Ends with a failure over 1.5.
 */
import { newUuid } from '@soma/kernel'
import { testContext } from '@soma/server/testing'
import { openBenchServer } from './bench-module.ts'
import { atRate, median, percentile, printFigure, rounds } from './figures.ts'
import { aLoadEvent } from './load-event.ts'
import { type Store, stores } from './stores.ts'
import { context, defineLoad, eventsClient, subscribe } from './subscriber.ts'

const ROUNDS = 7
const SECONDS = 4
const BACKLOG = 20_000
const BATCH = 500
const SLOW_MS = 50
const WORST_RATIO = 1.5
const other = testContext({ tenantId: 'tenant-b', userId: 'usr-b' })

for (const store of stores()) {
  const [quiet, control, noisy] = [await openTenants(store), await openTenants(store), await openTenants(store)]
  await noisy.disturb()
  const measured = await rounds(ROUNDS, async (round) => {
    const all = [quiet, control, noisy]
    const p99 = new Map<(typeof all)[number], number>()
    // Whoever is first in a round is another one each time.
    for (const place of all.keys()) {
      const each = all[(round + place) % all.length] as typeof quiet
      p99.set(each, percentile(await each.times(), 0.99))
    }
    const [alone = 0, again = 0, beside = 0] = all.map((each) => p99.get(each))
    return { alone, beside, ratio: beside / alone, noise: again / alone }
  })
  const of = (name: keyof (typeof measured)[number]) => measured.map((round) => round[name])
  const isMet = median(of('ratio')) <= WORST_RATIO
  const bench = `events.tenants, ${store.name}`
  printFigure({
    bench,
    what: `publish → ack at 100/s beside a tenant with ${BACKLOG.toLocaleString('en-US')} waiting, p99, ms`,
    values: of('beside'),
    beside: { what: 'alone', values: of('alone') },
  })
  printFigure({
    bench,
    what: 'p99 beside it ÷ alone, of each round',
    values: of('ratio'),
    beside: { what: 'two servers without it', values: of('noise') },
    goal: { text: `≤ ${WORST_RATIO}`, isMet },
  })
  if (!isMet) process.exitCode = 1
  for (const each of [quiet, control, noisy]) await each.stop()
}

async function openTenants(store: Store) {
  const bench = await openBenchServer(store, { handles: [] })
  for (const as of [context, other]) await defineLoad(bench, as)
  const client = eventsClient(bench, 'in-process')
  const subscriber = await subscribe(bench, { name: 'quick', way: 'in-process', members: 1, credits: 100 })
  const acknowledged = new Map<number, () => void>()
  subscriber.acknowledged = (number) => acknowledged.get(number)?.()
  const leaving = new AbortController()
  let published = 0
  const times = () =>
    atRate(100, SECONDS, async () => {
      const number = published++
      const startedAt = performance.now()
      const done = new Promise<void>((resolve) => acknowledged.set(number, resolve))
      await client.events.publish(context, { body: aLoadEvent(number) })
      await done
      acknowledged.delete(number)
      return performance.now() - startedAt
    })
  /** A group of the other tenant with one member, whose deliveries go to `handle` one after another. */
  const join = async (name: string, handle: (settle: () => Promise<unknown>) => Promise<unknown>) => {
    const body = { name, topics: ['business-facts'], types: ['load.done'], leaseMs: 3_600_000 }
    const params = { subscriptionId: (await client.subscriptions.create(other, { body })).id }
    const memberId = newUuid()
    const query = { memberId, credits: 1 }
    const frames = await client.deliveries.stream(other, { params, query, signal: leaving.signal })
    void (async () => {
      for await (const frame of frames) {
        if (frame.event !== 'delivery') continue
        const { deliveryId, attempt } = frame.data as { deliveryId: string; attempt: number }
        const acks = [{ deliveryId, attempt, emits: [] }]
        await handle(() => client.deliveries.settle(other, { params, body: { memberId, acks } }))
      }
    })()
  }
  const disturb = async () => {
    await join('stuck', () => new Promise(() => undefined))
    await join('slow', async (settle) => {
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
      if (!leaving.signal.aborted) await settle()
    })
    const tail = await client.events.stream(other, { query: { topics: 'business-facts' }, signal: leaving.signal })
    void tail[Symbol.asyncIterator]().next()
    for (let from = 0; from < BACKLOG; from += BATCH) {
      const events = Array.from({ length: BATCH }, (_, index) => aLoadEvent(from + index))
      await client.events.publishBatch(other, { body: { events } })
    }
  }
  // The first seconds compile.
  await times()
  return {
    times,
    disturb,
    stop: async () => {
      leaving.abort()
      await subscriber.stop()
      await bench.server.stop()
    },
  }
}
