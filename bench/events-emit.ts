/** What an event costs a module: one-row transactions with one event beside the same without, 32 at once. No handler reads along. */
import { openBenchServer, writeRow } from './bench-module.ts'
import { median, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 7
const TRANSACTIONS = 2_000
const GOAL = { PGlite: 0.45, Postgres: 0.6, NATS: 0.6, Kafka: 0.6 }

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  const measure = (withEvent: boolean) => perSecond(TRANSACTIONS, 32, (number) => writeRow(bench, number, withEvent))
  await measure(true)
  const measured = await rounds(ROUNDS, async () => ({ without: await measure(false), with: await measure(true) }))
  const ratios = measured.map((round) => round.with / round.without)
  printFigure({
    bench: `events.emit, ${store.name}`,
    what: 'transactions/s with one event',
    values: measured.map((round) => round.with),
    beside: { what: 'without', values: measured.map((round) => round.without) },
  })
  printFigure({
    bench: `events.emit, ${store.name}`,
    what: 'with ÷ without',
    values: ratios,
    goal: { text: `≥ ${GOAL[store.name]}`, isMet: median(ratios) >= GOAL[store.name] },
  })
  await bench.server.stop()
}
