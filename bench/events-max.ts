/** Events of 1.5 KB published over the HTTP API at once and handled, one process: in batches and one by one, each until the last ack of a subscription in that process. */
import { openBenchServer } from './bench-module.ts'
import { median, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'
import { aLoadEvent, context, defineLoad, eventsClient, subscribe } from './subscriber.ts'

const ROUNDS = 3
const EVENTS = 10_000
const BATCH = 100
/** With a bus outside the database: beside its bare client, in events.publishers. */
const GOAL = { PGlite: 6_000, Postgres: 8_000, NATS: undefined, Kafka: undefined }

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  await defineLoad(bench)
  const subscriber = await subscribe(bench, { name: 'max', way: 'in-process', members: 4, credits: 200 })
  const client = eventsClient(bench, 'http')
  const measure = async (publish: (from: number) => Promise<number>) => {
    const startedAt = performance.now()
    const seen = new Set<number>()
    const handled = new Promise<void>((resolve) => {
      subscriber.acknowledged = (number) => {
        if (seen.add(number).size === EVENTS) resolve()
      }
    })
    const published = await publish(0)
    await handled
    return { published, handled: (EVENTS * 1_000) / (performance.now() - startedAt) }
  }
  const batches = () =>
    perSecond(EVENTS / BATCH, 8, (batch) =>
      client.events.publishBatch(context, {
        body: { events: Array.from({ length: BATCH }, (_, n) => aLoadEvent(batch * BATCH + n)) },
      }),
    ).then((rate) => rate * BATCH)
  const singles = () => perSecond(EVENTS, 64, (number) => client.events.publish(context, { body: aLoadEvent(number) }))
  await measure(batches)
  for (const [name, publish] of [
    [`batches of ${BATCH}`, batches],
    ['one by one, 64 at once', singles],
  ] as const) {
    const measured = await rounds(ROUNDS, () => measure(publish))
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
  await subscriber.stop()
  await bench.server.stop()
}
