/** An agent elsewhere: delivery over SSE, ack by settle, one group. Throughput of a backlog, and the time from publish to the answered ack at 100 a second. */
import { openBenchServer } from './bench-module.ts'
import { atRate, median, perSecond, percentile, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'
import { aLoadEvent } from './load-event.ts'
import { context, defineLoad, eventsClient, subscribe } from './subscriber.ts'

const ROUNDS = 3
const EVENTS = 10_000
const BATCH = 500

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  await defineLoad(bench)
  const subscriber = await subscribe(bench, { name: 'remote', way: 'http', members: 4, credits: 100 })
  const client = eventsClient(bench, 'in-process')
  const acknowledged = new Map<number, () => void>()
  subscriber.acknowledged = (number) => acknowledged.get(number)?.()
  const waitFor = (number: number) => new Promise<void>((resolve) => acknowledged.set(number, resolve))

  const backlog = async () => {
    const path = { params: { subscriptionId: subscriber.subscriptionId }, body: {} }
    await client.subscriptions.pause(context, path)
    await perSecond(EVENTS / BATCH, 4, (batch) =>
      client.events.publishBatch(context, {
        body: { events: Array.from({ length: BATCH }, (_, n) => aLoadEvent(batch * BATCH + n)) },
      }),
    )
    const all = Array.from({ length: EVENTS }, (_, number) => waitFor(number))
    const startedAt = performance.now()
    await client.subscriptions.resume(context, path)
    await Promise.all(all)
    return (EVENTS * 1_000) / (performance.now() - startedAt)
  }
  const times = (round: number) =>
    atRate(100, 3, async (index) => {
      const number = (round + 2) * EVENTS + index
      const startedAt = performance.now()
      const done = waitFor(number)
      await client.events.publish(context, { body: aLoadEvent(number) })
      await done
      return performance.now() - startedAt
    })
  await times(-1)
  const rates = await rounds(ROUNDS, backlog)
  printFigure({
    bench: `events.remote, ${store.name}`,
    what: 'delivery → ack over HTTP, a group of 4 members, deliveries/s',
    values: rates,
    goal: { text: '≥ 2000', isMet: median(rates) >= 2_000 },
  })
  const measured = await rounds(ROUNDS, times)
  const p50 = measured.map((round) => percentile(round, 0.5))
  printFigure({
    bench: `events.remote, ${store.name}`,
    what: 'publish → answered ack at 100/s, p50, ms',
    values: p50,
    beside: { what: 'p99', values: measured.map((round) => percentile(round, 0.99)) },
    goal: { text: '≤ 8', isMet: median(p50) <= 8 },
  })
  await subscriber.stop()
  await bench.server.stop()
}
