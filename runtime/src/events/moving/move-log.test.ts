import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresLog, postgresLogMigrations, type PostgresLog } from '@soma/adapter-postgres-log'
import {
  type AppendRecord,
  type Database,
  type EventBus,
  HOLE,
  LOG_START,
  type SqlSession,
  silentLogger,
} from '@soma/kernel'
import { createMemoryLog, type MemoryLog } from '@soma/kernel/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMigrations } from '../../database/migrations.ts'
import { claimInstallation, spineMigrations } from '../event-spine.ts'
import { cancelMove, type MovedLog, moveLog } from './move-log.ts'
import { createShiftedBus, readShifts } from './shifted-bus.ts'

const HOUR_MS = 3_600_000
const [topic, partitions] = ['plan-events', 2]
let database: Database
let log: PostgresLog
beforeEach(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate([
    ...(await readMigrations('runtime', spineMigrations)),
    ...(await readMigrations('postgres-log', postgresLogMigrations)),
  ])
  await claimInstallation(database, { bus: 'postgres', partitions })
  log = createPostgresLog({ database, partitions })
  await log.prepare()
}, 60_000)
afterEach(() => database.close())

const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
const run = (sql: string, parameters: readonly unknown[] = []) => asBus((session) => session.query(sql, parameters))
const aRecord = (n: number): AppendRecord => ({
  topic,
  part: 1,
  tenantId: 'tenant-a',
  eventId: `evt-${n}`,
  type: 'thing.done',
  key: 'k',
  userId: null,
  envelope: JSON.stringify({ id: `evt-${n}`, source: '/test', data: { n } }),
})
const append = (from: number, count: number) =>
  asBus((session) =>
    log.append(
      Array.from({ length: count }, (_, index) => aRecord(from + index)),
      session,
    ),
  )
/** The next append opens a new segment; the old one is as old as may be. */
async function closeSegment(): Promise<void> {
  await database.asOwner((session) =>
    session.execute(`update events.segment set opened_at = opened_at - interval '1000 hours'`),
  )
  await log.openNextSegments(() => HOUR_MS)
}
/** 30 dropped by retention, 1,200 in two more segments, one of a tenant that was erased. */
async function fill(): Promise<void> {
  await append(1, 30)
  await closeSegment()
  await append(31, 600)
  await log.trim(topic, new Date(Date.now() + HOUR_MS))
  await closeSegment()
  await append(631, 600)
  await run(`update events.log set tenant_id = '', event_id = '', type = '', key = '', envelope = '' where pos = 40`)
}
/** As NATS does, an event that is there already is not written again: its first position is answered. */
function withDedupe(bus: MemoryLog): EventBus {
  const known = new Map<string, Awaited<ReturnType<EventBus['append']>>[number]>()
  const appendOne = async (record: AppendRecord) => {
    const id = `${record.tenantId} ${record.eventId}`
    const found = known.get(id) ?? ((await bus.append([record]))[0] as NonNullable<ReturnType<typeof known.get>>)
    known.set(id, found)
    return found
  }
  return {
    ...bus,
    flags: { ...bus.flags, nativeDedupe: true },
    append: async (records) => {
      const positions = []
      for (const record of records) positions.push(await appendOne(record))
      return positions
    },
  }
}
const move = (from: MovedLog, to: MovedLog) =>
  moveLog({ database, from, to, copyIntoDatabase: async () => undefined, log: silentLogger })
const inDatabase = (): MovedLog => ({ name: 'postgres', bus: log })
const asInstalled = async ({ name, bus }: MovedLog) =>
  createShiftedBus(bus, await asBus((session) => readShifts(session, name)))
async function recordsOf(bus: Pick<EventBus, 'read'>) {
  const records = await bus.read({ topic, part: 1, after: LOG_START, limit: 10_000 })
  return records.map(({ position, tenantId, envelope }) => ({ position, tenantId, envelope }))
}

/** Segments of twelve topics are made twice. */
describe('the log of a stopped installation', { timeout: 60_000 }, () => {
  it('moves with all positions, the dropped ones left out, from bus to bus', async () => {
    await fill()
    const before = await recordsOf(log)
    expect(before.map(({ position }) => position)).toEqual(Array.from({ length: 1_200 }, (_, n) => n + 31))
    await run(`insert into events.cursor (grp, topic, part, segment, pos) values ('module:x', $1, 1, 3, 700)`, [topic])
    await run(
      `insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, due_at)
        values ('module:x', $1, 1, 650, 3, gen_random_uuid(), 'tenant-a', 'k', now())`,
      [topic],
    )
    const nats = { name: 'nats', bus: withDedupe(createMemoryLog(partitions)) }
    expect(await move(inDatabase(), nats)).toEqual({ copied: 1_200 })
    const moved = await asInstalled(nats)
    expect(await recordsOf(moved)).toEqual(before)
    expect((await moved.partitions(topic))[1]).toMatchObject({ position: 1_230, oldestPosition: 31 })
    expect(await run('select segment, pos from events.cursor')).toEqual([{ segment: 1, pos: 700 }])
    expect(await run('select segment, pos from events.delivery')).toEqual([{ segment: 1, pos: 650 }])
    expect(await run('select distinct segment from events.log')).toEqual([{ segment: 1 }])
    await moved.append([aRecord(1_231)])
    await moved.trim(topic, new Date(Date.now() + HOUR_MS), new Map([[1, 100]]))

    const kafka = { name: 'kafka', bus: createMemoryLog(partitions) }
    await move(nats, kafka)
    expect(await recordsOf(await asInstalled(kafka))).toEqual([
      ...before.slice(70),
      { position: 1_231, tenantId: 'tenant-a', envelope: aRecord(1_231).envelope },
    ])
    expect(await run('select distinct bus from events.shift')).toEqual([{ bus: 'kafka' }])
  })

  it('goes on where it was interrupted, and no process starts until it has ended', async () => {
    await fill()
    const before = await recordsOf(log)
    const target = createMemoryLog(partitions)
    let left = 1
    const failing: EventBus = {
      ...target,
      append: async (records) => {
        if (records.length > 0 && left-- === 0) {
          await target.append(records.slice(0, 7))
          throw new Error('the machine died')
        }
        return target.append(records)
      },
    }
    await expect(move(inDatabase(), { name: 'kafka', bus: failing })).rejects.toThrow('the machine died')
    for (const bus of ['postgres', 'kafka'])
      await expect(claimInstallation(database, { bus, partitions })).rejects.toThrow(
        'run soma events migrate --from postgres --to kafka again',
      )
    const kafka = { name: 'kafka', bus: target }
    expect(await move(inDatabase(), kafka)).toEqual({ copied: 1_200 - 507 })
    expect(await recordsOf(await asInstalled(kafka))).toEqual(before)
    expect(await move(inDatabase(), kafka)).toEqual({ copied: 0 })
    await claimInstallation(database, { bus: 'kafka', partitions })
    await expect(claimInstallation(database, { bus: 'postgres', partitions })).rejects.toThrow(
      'soma events migrate --from kafka --to postgres',
    )
  })

  it('is taken back while it has not ended: nothing has changed', async () => {
    await fill()
    const down = createMemoryLog(partitions)
    down.outage = new Error('connection refused')
    await expect(move(inDatabase(), { name: 'kafka', bus: down })).rejects.toThrow('connection refused')
    await expect(move(inDatabase(), { name: 'nats', bus: createMemoryLog(partitions) })).rejects.toThrow(
      'a move to kafka has begun',
    )
    expect(await cancelMove(database)).toBe(true)
    expect(await cancelMove(database)).toBe(false)
    await claimInstallation(database, { bus: 'postgres', partitions })
    await move(inDatabase(), { name: 'nats', bus: createMemoryLog(partitions) })
  })

  it('holds a hole where the old log holds an event twice and the new one would not', async () => {
    const twice = createMemoryLog(partitions)
    await twice.append([
      aRecord(1),
      aRecord(2),
      aRecord(1),
      { ...aRecord(3), eventId: '', envelope: 'garbage' },
      aRecord(4),
    ])
    await run(`update events.installation set bus = 'kafka'`)
    const nats = { name: 'nats', bus: withDedupe(createMemoryLog(partitions)) }
    await move({ name: 'kafka', bus: twice }, nats)
    const texts = (await recordsOf(await asInstalled(nats))).map(({ envelope }) => envelope)
    expect(texts).toEqual([aRecord(1).envelope, aRecord(2).envelope, HOLE.envelope, 'garbage', aRecord(4).envelope])
  })

  it('does not move while a process runs, from where it is not, or to a bus that holds something', async () => {
    const kafka = { name: 'kafka', bus: createMemoryLog(partitions) }
    await expect(move(kafka, { name: 'nats', bus: createMemoryLog(partitions) })).rejects.toThrow(
      'is on postgres, not on kafka',
    )
    await run(`select runtime.claim_lease('group/module:x/1', gen_random_uuid(), 10)`)
    await expect(move(inDatabase(), kafka)).rejects.toThrow('group/module:x/1 is held')
    await run('delete from runtime.job_leases')
    await kafka.bus.append([aRecord(1)])
    await append(1, 1)
    await expect(move(inDatabase(), kafka)).rejects.toThrow(`partition 1 of ${topic} holds events on kafka already`)
  })
})
