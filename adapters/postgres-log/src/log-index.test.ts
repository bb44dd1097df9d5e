import { createPgliteDatabase } from '@soma/adapter-pglite'
import { LOG_START, noMetrics, silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { createTail } from '@soma/runtime'
import { anEnvelope, until } from '@soma/runtime/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OpenedSubject, openSubject } from '../testing/subject.ts'
import { createLogIndex } from './log-index.ts'

let subject: OpenedSubject
beforeAll(async () => {
  subject = await openSubject(
    await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
  )
}, 60_000)
afterAll(() => subject.close())

const aRecord = (eventId: string, envelope = JSON.stringify(anEnvelope({ id: eventId }))) => ({
  topic: 'memory',
  part: 1,
  tenantId: 'tenant-a',
  eventId,
  type: 'thing.done',
  key: 'key',
  userId: null,
  envelope,
})

const copies = () =>
  subject.database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ pos: number; event_id: string; envelope: string }>(
      'select pos, event_id, envelope from events.log order by pos',
    ),
  )

it('copies what is and what comes on a bus outside the database at its positions, once, and drops what the bus drops', async () => {
  const bus = createMemoryLog(4)
  await bus.append(Array.from({ length: 1_200 }, (_, n) => aRecord(`evt-${n + 1}`)))
  const tail = createTail({ database: subject.database, bus, log: silentLogger })
  await tail.start()
  const options = { database: subject.database, reader: tail, partitions: 4, log: silentLogger, metrics: noMetrics }
  const [index, second] = [createLogIndex(options), createLogIndex(options)]
  await index.start()
  await second.start()
  await until(async () => (await copies()).length === 1_200)
  await bus.append([aRecord('live')])
  await until(async () => (await copies()).length === 1_201)
  const all = await copies()
  expect(all.map((row) => row.pos)).toEqual(all.map((_, number) => number + 1))
  expect(all.at(-1)).toMatchObject({ event_id: 'live' })

  await bus.trim('memory', new Date(Date.now() + 1_000), new Map([[1, 1_200]]))
  await bus.append([aRecord('after')])
  await until(async () => (await copies()).length === 2)
  expect((await copies()).map((row) => row.event_id)).toEqual(['live', 'after'])
  expect((await bus.read({ topic: 'memory', part: 1, after: LOG_START, limit: 10 })).length).toBe(2)
  await Promise.all([index.stop(), second.stop()])
  await tail.stop()
}, 60_000)
