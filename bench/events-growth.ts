/**
 * What an event costs while the log grows: a module's transaction with one event until its handler, and a look-up by id, at 10,000, 100,000 and 1,000,000 events in the log
 * (`--most 10000000` for a step more; `--most 10000` for the first alone).
 */
import { parseArgs } from 'node:util'
import { openBenchServer, writeRow } from './bench-module.ts'
import { median, percentile, printFigure, rounds } from './figures.ts'
import { fillLog } from './fill-log.ts'
import { stores } from './stores.ts'
import { aLoadEvent } from './load-event.ts'
import { context, defineLoad, eventsClient } from './subscriber.ts'

const ROUNDS = 3
const EVENTS = 300
/** The cost at the largest log beside that at the smallest. */
const MOST = 1.25
const { values } = parseArgs({ options: { most: { type: 'string', default: '1000000' } }, strict: false })
const sizes = [10_000, 100_000, 1_000_000, 10_000_000].filter((size) => size <= Number(values.most))

for (const store of stores()) {
  const bench = await openBenchServer(store)
  await defineLoad(bench)
  const client = eventsClient(bench, 'in-process')
  let ends: () => void = () => undefined
  bench.handled = () => ends()

  const one = async (number: number): Promise<number> => {
    const startedAt = performance.now()
    const handled = new Promise<void>((resolve) => {
      ends = resolve
    })
    await writeRow(bench, number, true)
    await handled
    return performance.now() - startedAt
  }
  const find = async (eventId: string): Promise<number> => {
    const startedAt = performance.now()
    await client.events.get(context, { params: { eventId }, query: {} })
    return performance.now() - startedAt
  }
  const p50 = async (work: (number: number) => Promise<number>): Promise<number> => {
    const times: number[] = []
    for (let number = 0; number < EVENTS; number++) times.push(await work(number))
    return percentile(times, 0.5)
  }

  const { eventId } = await client.events.publish(context, { body: aLoadEvent(0) })
  let size = 0
  const costs: number[] = []
  for (const next of sizes) {
    await fillLog(bench, size, next)
    size = next
    await copied(bench.server)
    await p50(one)
    const events = await rounds(ROUNDS, () => p50(one))
    costs.push(median(events))
    const growth = median(events) / (costs[0] as number)
    printFigure({
      bench: `events.growth, ${store.name}`,
      what: `transaction → handler with ${size.toLocaleString('en-US')} in the log, p50, ms`,
      values: events,
      beside: { what: 'one event by id', values: await rounds(ROUNDS, () => p50(() => find(eventId))) },
      goal: { text: `≤ ${MOST} × that at 10,000`, isMet: growth <= MOST },
    })
  }
  await bench.server.stop()
}

type Server = Awaited<ReturnType<typeof openBenchServer>>['server']

/** The copy of a log outside the database has everything. */
async function copied({ spine, database }: Server): Promise<void> {
  if (spine.bus.flags.transactionalWithDatabase) return
  for (;;) {
    const heads = (await spine.bus.partitions()).reduce((sum, { position }) => sum + position, 0)
    const [row] = await database.transaction({ role: 'soma_bus' }, (session) =>
      session.query<{ copied: number }>('select sum(head)::int8 as copied from events.partition'),
    )
    if (row?.copied === heads) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
