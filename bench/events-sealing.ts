/** What sealing the data of an event for a bus outside the database costs in CPU, beside the same way to a log in memory without it. */
import { randomBytes } from 'node:crypto'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type AppendRecord, type EventBus, LOG_START, silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { createSealedBus, createSealingKeys, readMigrations, spineMigrations } from '@soma/runtime'
import { printFigure, rounds } from './figures.ts'

const ROUNDS = 5
const BATCHES = 40
const BATCH = 500
const USERS = 100

const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
await database.migrate(await readMigrations('runtime', spineMigrations))
const keys = createSealingKeys(database, randomBytes(32))

const attributes = {
  specversion: '1.0',
  source: '/principals/agt_bench',
  type: 'order.placed',
  time: '2026-01-01T00:00:00.000Z',
  dataschema: '/v1/registry/schemas/order.placed/versions/1.0.0',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}
const data = { items: Array.from({ length: 10 }, (_, n) => ({ sku: `sku-${n}`, title: 'x'.repeat(60), amount: n })) }
const batch = Array.from({ length: BATCH }, (_, n): AppendRecord => {
  const event = { ...attributes, id: `evt-${n}`, tenantid: 'tenant-a', userid: `usr_${n % USERS}`, data }
  const place = { topic: 'business-facts', part: 0, tenantId: 'tenant-a', key: 'k', type: event.type }
  return { ...place, eventId: event.id, userId: event.userid, envelope: JSON.stringify(event) }
})

async function microsecondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let index = 0; index < BATCHES; index++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (BATCHES * BATCH)
}

async function measure(wrap: (bus: EventBus) => EventBus) {
  const bus = wrap(createMemoryLog(1))
  const append = await microsecondsOf(() => bus.append(batch))
  const read = await microsecondsOf(() =>
    bus.read({ topic: 'business-facts', part: 0, after: LOG_START, limit: BATCH }),
  )
  return { append, read }
}

const sealed = (bus: EventBus) => createSealedBus({ bus, keys, seals: true })
await measure(sealed)
const measured = await rounds(ROUNDS, async () => ({
  sealed: await measure(sealed),
  bare: await measure((bus) => bus),
}))
for (const step of ['append', 'read'] as const)
  printFigure({
    bench: 'events.sealing',
    what: `${step} of an event of ${batch[0]?.envelope.length} bytes, µs of CPU`,
    values: measured.map((round) => round.sealed[step]),
    beside: { what: 'not sealed', values: measured.map((round) => round.bare[step]) },
  })
await database.close()
