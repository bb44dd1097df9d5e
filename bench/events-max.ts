/**
 * Events of 1.5 KB published over the HTTP API at once, by another process, and handled in one: in batches and one by one, each until the last ack of a subscription in
 * that process.
 */
import { openBenchServer } from './bench-module.ts'
import { median, printFigure, rounds } from './figures.ts'
import { forkProcess } from './processes/forked.ts'
import type { PublisherGiven, PublishOrder } from './processes/publisher.ts'
import { stores } from './stores.ts'
import { context, defineLoad, subscribe } from './subscriber.ts'

const ROUNDS = 3
const EVENTS = 10_000
const BATCH = 100
/** With a bus outside the database: beside its bare client, in events.publishers. */
const GOAL = { PGlite: 6_000, Postgres: 8_000, NATS: undefined, Kafka: undefined }

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  await defineLoad(bench)
  const subscriber = await subscribe(bench, { name: 'max', way: 'in-process', members: 4, credits: 200 })
  const { url } = bench.server
  const publisher = forkProcess('publisher', { url, headers: bench.server.headersOf(context) } satisfies PublisherGiven)
  await publisher.hear()
  const measure = async (way: Pick<PublishOrder, 'batch' | 'atOnce'>) => {
    const startedAt = performance.now()
    const seen = new Set<number>()
    const handled = new Promise<void>((resolve) => {
      subscriber.acknowledged = (number) => {
        if (seen.add(number).size === EVENTS) resolve()
      }
    })
    const { perSecond: published } = await publisher.ask<{ perSecond: number }>({
      events: EVENTS,
      ...way,
    } satisfies PublishOrder)
    await handled
    return { published, handled: (EVENTS * 1_000) / (performance.now() - startedAt) }
  }
  await measure({ batch: BATCH, atOnce: 8 })
  for (const [name, way] of [
    [`batches of ${BATCH}`, { batch: BATCH, atOnce: 8 }],
    ['one by one, 64 at once', { batch: 1, atOnce: 64 }],
  ] as const) {
    const measured = await rounds(ROUNDS, () => measure(way))
    const handled = measured.map((round) => round.handled)
    const least = GOAL[store.name]
    printFigure({
      bench: `events.max, ${store.name}`,
      what: `published and handled, ${name}, events/s`,
      values: handled,
      beside: { what: 'published alone', values: measured.map((round) => round.published) },
      ...(least === undefined ? {} : { goal: { text: `≥ ${least}`, isMet: median(handled) >= least } }),
    })
  }
  await publisher.end()
  await subscriber.stop()
  await bench.server.stop()
}
