/** From the begin of a module's transaction to its handler in the same process, 100 a second, beside the same transaction without an event. */
import { type BenchServer, openBenchServer, writeRow } from './bench-module.ts'
import { atRate, percentile, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 5
const SECONDS = 3
/** Inline adds a wake-up, the relay a second transaction. */
const ALLOWED_MS = { PGlite: 1, Postgres: 2, NATS: 2, Kafka: 2 }

for (const store of stores()) {
  const bench = await openBenchServer(store)
  await handleTimes(bench)
  const measured = await rounds(ROUNDS, async () => ({
    bare: await commitTimes(bench),
    event: await handleTimes(bench),
  }))
  const of = (which: 'bare' | 'event', share: number) => measured.map((times) => percentile(times[which], share))
  const allowed = ALLOWED_MS[store.name]
  const [p50, floor] = [of('event', 0.5), of('bare', 0.5)]
  printFigure({
    bench: `events.light, ${store.name}`,
    what: 'transaction → handler, p50, ms',
    values: p50,
    beside: { what: 'bare commit', values: floor },
    goal: { text: `≤ bare + ${allowed}`, isMet: percentile(p50, 0.5) <= percentile(floor, 0.5) + allowed },
  })
  const p99 = of('event', 0.99)
  printFigure({
    bench: `events.light, ${store.name}`,
    what: 'transaction → handler, p99, ms',
    values: p99,
    beside: { what: 'bare commit', values: of('bare', 0.99) },
    goal: { text: '≤ 15', isMet: percentile(p99, 0.5) <= 15 },
  })
  await bench.server.stop()
}

async function commitTimes(bench: BenchServer): Promise<number[]> {
  return atRate(100, SECONDS, async (number) => {
    const startedAt = performance.now()
    await writeRow(bench, number, false)
    return performance.now() - startedAt
  })
}

async function handleTimes(bench: BenchServer): Promise<number[]> {
  const ends = new Map<number, () => void>()
  bench.handled = (number) => ends.get(number)?.()
  return atRate(100, SECONDS, async (number) => {
    const startedAt = performance.now()
    const handled = new Promise<void>((resolve) => ends.set(number, resolve))
    await writeRow(bench, number, true)
    await handled
    return performance.now() - startedAt
  })
}
