import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readMigrations } from '../database/migrations.ts'
import { spineMigrations } from './event-spine.ts'
import { claimInstallation, refuseLostEvents } from './installation.ts'

let database: Database
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate(await readMigrations('runtime', spineMigrations))
}, 60_000)
afterAll(() => database.close())

it('the first start fixes bus and partition count; a process with another of either is refused by the name of its setting', async () => {
  await claimInstallation(database, { bus: 'nats', partitions: 8 })
  await claimInstallation(database, { bus: 'nats', partitions: 8 })
  await expect(claimInstallation(database, { bus: 'kafka', partitions: 8 })).rejects.toThrow(
    'events.bus is kafka, but this installation was started with nats',
  )
  await expect(claimInstallation(database, { bus: 'nats', partitions: 16 })).rejects.toThrow(
    'events.partitions is 16, but this installation was started with 8',
  )
})

it('a bus that ends before what a group has read is refused by the place, not read from its beginning', async () => {
  const bus = createMemoryLog(2)
  const record = { topic: 'memory', part: 1, tenantId: 't', eventId: 'e', type: 'a.b', key: 'k', userId: null }
  await bus.append([{ ...record, envelope: '{}' }])
  const cursorAt = (position: number) =>
    database.transaction({ role: 'soma_bus' }, (session) =>
      session.execute(
        `insert into events.cursor (grp, topic, part, segment, pos) values ('module:x', 'memory', 1, 1, $1)
           on conflict (grp, topic, part) do update set pos = excluded.pos`,
        [position],
      ),
    )
  await cursorAt(1)
  await refuseLostEvents(database, bus)
  await cursorAt(7)
  await expect(refuseLostEvents(database, bus)).rejects.toThrow(
    'partition 1 of memory ends at 1 on the bus, but groups have read it up to 7',
  )
})
