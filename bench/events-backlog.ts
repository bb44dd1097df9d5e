/**
 * A group that is a million events behind (`--waiting 1000000`; default 100,000): the rate of publishing beside the rate without, and how fast readers get through it:
 * the log alone, and a module's group with an empty handler, whose every event is a transaction with an inbox row.
 */
import { parseArgs } from 'node:util'
import { type EventEnvelope, newUuid, noMetrics, onTopic, silentLogger } from '@soma/kernel'
import { contextOfEvent, createConsumer, createModuleDatabase } from '@soma/runtime'
import { type BenchServer, openBenchServer } from './bench-module.ts'
import { fillLog } from './fill-log.ts'
import { median, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'
import { aLoadEvent } from './load-event.ts'
import { context, defineLoad, eventsClient } from './subscriber.ts'

const ROUNDS = 3
const PUBLISHED = 5_000
const BATCH = 100
const HANDLED = 5_000
const waiting = Number(
  parseArgs({ options: { waiting: { type: 'string', default: '100000' } }, strict: false }).values.waiting,
)

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [] })
  await defineLoad(bench)
  await publish(bench)
  const without = await rounds(ROUNDS, () => publish(bench))
  const subscription = await waitingGroup(bench)
  await fillLog(bench, 0, waiting)
  const withBacklog = await rounds(ROUNDS, () => publish(bench))
  const ratio = median(withBacklog) / median(without)
  printFigure({
    bench: `events.backlog, ${store.name}`,
    what: `published with ${waiting.toLocaleString('en-US')} waiting, events/s`,
    values: withBacklog,
    beside: { what: 'without', values: without },
  })
  printFigure({
    bench: `events.backlog, ${store.name}`,
    what: 'with ÷ without',
    values: [ratio],
    goal: { text: '≥ 0.9', isMet: ratio >= 0.9 },
  })
  const read = await rounds(ROUNDS, () => readAll(bench))
  printFigure({
    bench: `events.backlog, ${store.name}`,
    what: 'drained by a reader, events/s',
    values: read,
    goal: { text: '≥ 50,000', isMet: median(read) >= 50_000 },
  })
  printFigure({
    bench: `events.backlog, ${store.name}`,
    what: 'drained by a module’s empty handler, events/s',
    values: await rounds(ROUNDS, () => handleSome(bench)),
  })
  await eventsClient(bench, 'in-process').subscriptions.delete(context, {
    params: { subscriptionId: subscription.id },
    ifMatch: subscription.version,
  })
  await bench.server.stop()
}

/** A subscription that nobody serves: it stays behind. */
async function waitingGroup(bench: BenchServer) {
  const body = { name: 'behind', topics: ['business-facts'] }
  return eventsClient(bench, 'in-process').subscriptions.create(context, { body })
}

function publish(bench: BenchServer): Promise<number> {
  const client = eventsClient(bench, 'in-process')
  return perSecond(PUBLISHED / BATCH, 8, (batch) =>
    client.events.publishBatch(context, {
      body: { events: Array.from({ length: BATCH }, (_, n) => aLoadEvent(batch * BATCH + n)) },
    }),
  ).then((rate) => rate * BATCH)
}

/** Every partition from its start to its end, in pages of a reader. */
async function readAll({ server }: BenchServer): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  for (const { part } of await server.spine.bus.partitions('business-facts')) {
    let after = { segment: 0, position: 0 }
    for (;;) {
      const records = await server.spine.bus.read({ topic: 'business-facts', part, after, limit: 500 })
      count += records.length
      const last = records.at(-1)
      if (last === undefined) break
      after = { segment: last.segment, position: last.position }
    }
  }
  return (count * 1_000) / (performance.now() - startedAt)
}

/** A new group from the start of the log; stopped once it has handled enough. */
async function handleSome({ server }: BenchServer): Promise<number> {
  const { database, spine } = server
  const principal = { name: 'bench', jobCapabilities: [] }
  const clock = { now: () => new Date() }
  const module = createModuleDatabase({ database, module: principal, emitter: spine.emitter, clock, region: 'local' })
  let handled = 0
  let enough: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    enough = resolve
  })
  const consumer = createConsumer({
    group: `module:bench-${newUuid()}`,
    handlers: [
      onTopic('business-facts', '*', async () => {
        handled += 1
        if (handled === HANDLED) enough()
      }),
    ],
    database,
    reader: spine.tail,
    emitter: spine.emitter,
    runInModule: ([event], work) => {
      const context = contextOfEvent(event as EventEnvelope, principal, 'local')
      return module.asWorker(context, (tx) => work([{ tx, context }]))
    },
    partitions: 16,
    log: silentLogger,
    metrics: noMetrics,
  })
  const startedAt = performance.now()
  await consumer.start()
  await done
  const rate = (HANDLED * 1_000) / (performance.now() - startedAt)
  await consumer.stop()
  return rate
}
