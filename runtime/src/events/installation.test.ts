import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readMigrations } from '../database/migrations.ts'
import { spineMigrations } from './event-spine.ts'
import { claimInstallation } from './installation.ts'

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
