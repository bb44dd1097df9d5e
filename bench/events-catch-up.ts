/** A bus outside the database that was away while 10,000 events were published: the time from its return until all are handled, beside the same events without an outage. */
import type { OwnServer } from '@soma/runtime/testing'
import { type BenchServer, openBenchServer } from './bench-module.ts'
import { median, perSecond, printFigure, rounds } from './figures.ts'
import { aLoadEvent } from './load-event.ts'
import { stores } from './stores.ts'
import { context, defineLoad, eventsClient } from './subscriber.ts'

const ROUNDS = 3
const EVENTS = 10_000
const BATCH = 100
/** EVT-R15. */
const GOAL_SECONDS = 30

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: ['load.done'] })
  const { bus } = bench
  if (bus !== undefined) await measure(store.name, bench, bus)
  await bench.server.stop()
}

async function measure(name: string, bench: BenchServer, bus: OwnServer): Promise<void> {
  await defineLoad(bench)
  const allHandled = () => {
    let count = 0
    return new Promise<void>((resolve) => {
      bench.handled = () => {
        count += 1
        if (count === EVENTS) resolve()
      }
    })
  }
  const without = async () => {
    const handled = allHandled()
    const startedAt = performance.now()
    await publishAll(bench)
    await handled
    return (performance.now() - startedAt) / 1_000
  }
  const outage = async () => {
    const handled = allHandled()
    await bus.stop()
    await publishAll(bench)
    const startedAt = performance.now()
    await bus.start()
    await handled
    return (performance.now() - startedAt) / 1_000
  }
  await without()
  const measured = await rounds(ROUNDS, async () => ({ outage: await outage(), without: await without() }))
  const seconds = measured.map((round) => round.outage)
  printFigure({
    bench: `events.catch-up, ${name}`,
    what: `return of the bus → ${EVENTS.toLocaleString('en-US')} waiting events handled, s`,
    values: seconds,
    beside: { what: 'published and handled without an outage', values: measured.map((round) => round.without) },
    goal: { text: `≤ ${GOAL_SECONDS}`, isMet: median(seconds) <= GOAL_SECONDS },
  })
}

function publishAll(bench: BenchServer): Promise<number> {
  const client = eventsClient(bench, 'in-process')
  return perSecond(EVENTS / BATCH, 8, (batch) =>
    client.events.publishBatch(context, {
      body: { events: Array.from({ length: BATCH }, (_, n) => aLoadEvent(batch * BATCH + n)) },
    }),
  )
}
