import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, newUuid, silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queue } from '../testing/queue.ts'
import { readMigrations } from './database/migrations.ts'
import { spineMigrations } from './events/event-spine.ts'
import { createJobs } from './jobs.ts'

let database: Database
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate(await readMigrations('runtime', spineMigrations))
}, 60_000)
afterAll(() => database.close())

/** A process with one job, and how often it asked whether it may run it. */
function aProcess(name: string) {
  const ran = queue<string>()
  const passed = queue<string>()
  let asked = 0
  const counting: Database = {
    ...database,
    transaction: (...words) => {
      asked += 1
      return database.transaction(...words)
    },
  }
  const job = {
    name: 'count',
    everyMs: 1,
    run: () => Promise.resolve(ran.push(name)),
    elsewhere: () => passed.push(name),
  }
  const jobs = createJobs({
    database: counting,
    jobs: [{ module: 'numbers', job }],
    processId: newUuid(),
    log: silentLogger,
  })
  return { jobs, ran, passed, asked: () => asked }
}

it('a job runs on one process at a time, which asks whether it may far less often than it runs', async () => {
  const first = aProcess('first')
  first.jobs.start()
  await first.ran.take(50)
  expect(first.asked()).toBe(1)
  const second = aProcess('second')
  second.jobs.start()
  await second.passed.take(3)
  await first.jobs.stop(1_000)
  await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query("update runtime.job_leases set lease_until = clock_timestamp() where name = 'numbers/count'"),
  )
  expect(await second.ran.take(2)).toEqual(['second', 'second'])
  await second.jobs.stop(1_000)
})
