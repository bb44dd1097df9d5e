/** Two tenants on one server: how long the events of one take while nobody else is there, and beside another whose long backlog nobody reads but a member that never answers. */
import { newUuid } from '@soma/kernel'
import { testContext } from '@soma/server/testing'
import { openBenchServer } from './bench-module.ts'
import { atRate, median, percentile, perSecond, printFigure, rounds } from './figures.ts'
import { aLoadEvent } from './load-event.ts'
import { stores } from './stores.ts'
import { context, defineLoad, eventsClient, subscribe } from './subscriber.ts'

const ROUNDS = 3
const SECONDS = 5
const BACKLOG = 20_000
const BATCH = 500
const other = testContext({ tenantId: 'tenant-b', userId: 'usr-b' })

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  for (const as of [context, other]) await defineLoad(bench, as)
  const client = eventsClient(bench, 'in-process')
  const subscriber = await subscribe(bench, { name: 'quick', way: 'in-process', members: 1, credits: 100 })
  const acknowledged = new Map<number, () => void>()
  subscriber.acknowledged = (number) => acknowledged.get(number)?.()
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
  const p99 = async () => percentile(await times(), 0.99)
  await times()
  const alone = await rounds(ROUNDS, p99)

  const { id } = await client.subscriptions.create(other, {
    body: { name: 'slow', topics: ['business-facts'], types: ['load.done'], leaseMs: 3_600_000 },
  })
  const leaving = new AbortController()
  const frames = await client.deliveries.stream(other, {
    params: { subscriptionId: id },
    query: { memberId: newUuid(), credits: 1 },
    signal: leaving.signal,
  })
  const isStuck = frames[Symbol.asyncIterator]().next()
  await perSecond(BACKLOG / BATCH, 1, (batch) =>
    client.events.publishBatch(other, {
      body: { events: Array.from({ length: BATCH }, (_, n) => aLoadEvent(batch * BATCH + n)) },
    }),
  )
  await isStuck
  const beside = await rounds(ROUNDS, p99)
  const ratio = median(beside) / median(alone)
  printFigure({
    bench: `events.tenants, ${store.name}`,
    what: `publish → ack at 100/s beside a tenant with ${BACKLOG.toLocaleString('en-US')} waiting and a member that stands still, p99, ms`,
    values: beside,
    beside: { what: 'alone', values: alone },
    goal: { text: '≤ 1.5 × alone', isMet: ratio <= 1.5 },
  })
  leaving.abort()
  await subscriber.stop()
  await bench.server.stop()
}
