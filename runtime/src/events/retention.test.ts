import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type AppendRecord, type Database, LOG_START, silentLogger, type Topic, TOPICS } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readMigrations } from '../database/migrations.ts'
import { spineMigrations } from './event-spine.ts'
import { expireEvents, type LostEvents } from './retention.ts'

const HOUR_MS = 3_600_000
const retentionMs = Object.fromEntries(TOPICS.map((topic) => [topic, HOUR_MS])) as Record<Topic, number>

let database: Database
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate(await readMigrations('runtime', spineMigrations))
}, 60_000)
afterAll(() => database.close())

/** A log outside the database with 4 events a partition of a topic, recorded 4, 3, 2 and 0 hours ago. */
async function anOldLog(topic: Topic) {
  let hoursAgo = 0
  const bus = createMemoryLog(1, () => new Date(Date.now() - hoursAgo * HOUR_MS))
  for (const [index, hours] of [4, 3, 2, 0].entries()) {
    hoursAgo = hours
    await bus.append([aRecord(topic, `evt-${index + 1}`)])
  }
  return bus
}

const aRecord = (topic: string, eventId: string): AppendRecord => ({
  topic,
  part: 0,
  tenantId: 'tenant-a',
  eventId,
  type: 'thing.done',
  key: 'key',
  userId: null,
  envelope: '{}',
})

const asBus = (sql: string, parameters: readonly unknown[]) =>
  database.transaction({ role: 'soma_bus' }, (session) => session.execute(sql, parameters))
const cursorAt = (group: string, topic: string, position: number) =>
  asBus(`insert into events.cursor (grp, topic, part, segment, pos, epoch) values ($1, $2, 0, 1, $3, 7)`, [
    group,
    topic,
    position,
  ])

async function expire(bus: ReturnType<typeof createMemoryLog>, retentionGraceMs: number): Promise<LostEvents[]> {
  const lost: LostEvents[] = []
  const clock = { now: () => new Date() }
  await expireEvents({ database, bus, retentionMs, retentionGraceMs, clock }, (move) =>
    database.transaction({ role: 'soma_bus' }, async (session) => void lost.push(...(await move(session)))),
  )
  return lost
}

const idsOf = async (bus: ReturnType<typeof createMemoryLog>, topic: string) =>
  (await bus.read({ topic, part: 0, after: LOG_START, limit: 10 })).map((record) => record.eventId)

it('a bus outside the database loses what is too old, and its positions go on', async () => {
  const bus = await anOldLog('memory')
  expect(await expire(bus, HOUR_MS)).toEqual([])
  expect(await idsOf(bus, 'memory')).toEqual(['evt-4'])
  expect(await bus.append([aRecord('memory', 'next')])).toMatchObject([{ position: 5 }])
})

it('what a group has not passed waits for it until the grace time is over, then the group is moved on and told its gap', async () => {
  const topic = 'audit'
  const bus = await anOldLog(topic)
  await cursorAt('module:late', topic, 1)
  expect(await expire(bus, 10 * HOUR_MS)).toEqual([])
  expect(await idsOf(bus, topic)).toEqual(['evt-2', 'evt-3', 'evt-4'])
  expect(await expire(bus, 1.5 * HOUR_MS)).toEqual([
    { group: 'module:late', tenantId: null, topic, part: 0, fromPosition: 2, toPosition: 2 },
  ])
  expect(await idsOf(bus, topic)).toEqual(['evt-3', 'evt-4'])
  const [cursor] = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query(`select pos, epoch from events.cursor where grp = 'module:late'`),
  )
  expect(cursor).toEqual({ pos: 2, epoch: 8 })
})

it('the event of an unfinished delivery is kept whatever its age', async () => {
  const topic = 'conversation'
  const bus = await anOldLog(topic)
  await cursorAt('module:behind', topic, 4)
  await asBus(
    `insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at)
       values ('module:behind', $1, 0, 2, 1, gen_random_uuid(), 'tenant-a', 'key', 1, clock_timestamp())`,
    [topic],
  )
  await expire(bus, 0)
  expect(await idsOf(bus, topic)).toEqual(['evt-2', 'evt-3', 'evt-4'])
})
