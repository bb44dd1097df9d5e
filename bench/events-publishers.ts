/**
 * From a publish to its handler in the same process, with 1, 32 and 256 publishers that each wait for the handler before they publish again; with a bus outside the database
 * beside the bare client of the same server, in turns.
 */
import { type BareClient, openBareClient } from './bare-clients.ts'
import { openBenchServer } from './bench-module.ts'
import { FILLING } from './load-event.ts'
import { median, percentile, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'
import { aLoadEvent } from './load-event.ts'
import { context, defineLoad, eventsClient } from './subscriber.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const PUBLISHERS = [1, 32, 256]
/** Of each publisher, at least 1,000 in all. */
const EVENTS = 10
const MOST = 2

interface Publisher {
  publish(number: number): Promise<unknown>
  onHandled(listener: (number: number) => void): void
}

let last = 0

/** Events a second and the times of all of them, ms. */
async function measure(publisher: Publisher, publishers: number): Promise<{ rate: number; times: number[] }> {
  const ends = new Map<number, () => void>()
  publisher.onHandled((number) => ends.get(number)?.())
  const times: number[] = []
  const rate = await perSecond(Math.max(1_000, publishers * EVENTS), publishers, async () => {
    last += 1
    const number = last
    const handled = new Promise<void>((resolve) => ends.set(number, resolve))
    const startedAt = performance.now()
    await publisher.publish(number)
    await handled
    ends.delete(number)
    times.push(performance.now() - startedAt)
  })
  return { rate, times }
}

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: ['load.done'] })
  await defineLoad(bench)
  const client = eventsClient(bench, 'in-process')
  const soma: Publisher = {
    publish: (number) => client.events.publish(context, { body: aLoadEvent(number) }),
    onHandled: (listener) => {
      bench.handled = listener
    },
  }
  const { bus } = bench
  const isOutside = store.name === 'NATS' || store.name === 'Kafka'
  const bare = isOutside && bus !== undefined ? await openBareClient(store.name, bus.url) : undefined
  for (const publishers of PUBLISHERS) {
    await measure(soma, publishers)
    const measured = await rounds(ROUNDS, async () => ({
      soma: await measure(soma, publishers),
      bare: bare === undefined ? undefined : await measure(bareAs(bare), publishers),
    }))
    print({ name: store.name, publishers, measured })
  }
  await bare?.close()
  await bench.server.stop()
}

function bareAs(bare: BareClient): Publisher {
  return {
    publish: (number) => bare.publish(number, FILLING),
    onHandled: (listener) => {
      bare.handled = listener
    },
  }
}

type Measured = Awaited<ReturnType<typeof measure>>

function print(given: {
  name: string
  publishers: number
  measured: readonly { soma: Measured; bare: Measured | undefined }[]
}): void {
  const { name, publishers, measured } = given
  const bare = measured.flatMap((round) => round.bare ?? [])
  const p50 = (each: Measured) => percentile(each.times, 0.5)
  const besides = (value: (each: Measured) => number) =>
    bare.length === 0 ? {} : { beside: { what: 'bare client', values: bare.map(value) } }
  const ratio = median(measured.map(({ soma }) => p50(soma))) / median(bare.map(p50))
  const bench = `events.publishers, ${name}`
  printFigure({
    bench,
    what: `publish → handler, ${publishers} publishers, p50, ms`,
    values: measured.map(({ soma }) => p50(soma)),
    ...besides(p50),
    ...(bare.length === 0 ? {} : { goal: { text: `≤ ${MOST} × bare`, isMet: ratio <= MOST } }),
  })
  printFigure({
    bench,
    what: `published and handled, ${publishers} publishers, events/s`,
    values: measured.map(({ soma }) => soma.rate),
    ...besides(({ rate }) => rate),
  })
}
