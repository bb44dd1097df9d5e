/** Memory that one idle subscription with one connected member costs the server: heap after collection, of a server process that hosts so many. Needs `--expose-gc`, which it sets itself. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openBenchServer } from './bench-module.ts'
import { printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'
import { defineLoad, subscribe } from './subscriber.ts'

const ROUNDS = 3
const SUBSCRIPTIONS = 50
const SETTLE_MS = 1_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heapBytes(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  collect()
  return process.memoryUsage().heapUsed
}

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  await defineLoad(bench)
  // Caches and compiled code are not those of a subscription.
  const first = await subscribe(bench, { name: 'first', way: 'in-process', members: 1, credits: 10 })
  const costs = await rounds(ROUNDS, async (round) => {
    const before = await heapBytes()
    const names = Array.from({ length: SUBSCRIPTIONS }, (_, index) => `idle-${round}-${index}`)
    const idle = await Promise.all(
      names.map((name) => subscribe(bench, { name, way: 'in-process', members: 1, credits: 10 })),
    )
    const after = await heapBytes()
    for (const each of idle) await each.stop()
    return (after - before) / SUBSCRIPTIONS / 1_024
  })
  printFigure({
    bench: `events.idle, ${store.name}`,
    what: 'an idle subscription with one member, heap KiB',
    values: costs,
  })
  await first.stop()
  await bench.server.stop()
}
