/** `npm run test:events`: the full size on the embedded engine with fsync and, where DATABASE_URL is set, on Postgres. An argument sets another number of events. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import { runLoad } from './hundred-thousand.ts'

const events = Number(process.argv[2] ?? 100_000)

async function run(name: string, database: Database): Promise<void> {
  const report = await runLoad({ database, events, say: (line) => console.log(`${name}: ${line}`) })
  console.log(`${name}: passed ${JSON.stringify(report)}`)
}

const directory = await mkdtemp(join(tmpdir(), 'soma-events-'))
await run('PGlite', await createPgliteDatabase({ dataDirectory: directory, durability: 'power', log: silentLogger }))
await rm(directory, { recursive: true })
const connectionString = process.env.DATABASE_URL
if (connectionString === undefined) console.log('Postgres: left out, DATABASE_URL is not set')
else
  await run(
    'Postgres',
    await createPostgresDatabase({ connectionString, poolSize: 10, statementTimeoutMs: 30_000, log: silentLogger }),
  )
