/** `npm run test:events`: the full size on the embedded engine with fsync and, where DATABASE_URL is set, on Postgres. An argument sets another number of events. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLoad } from './hundred-thousand.ts'

const events = Number(process.argv[2] ?? 100_000)

async function run(name: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const report = await runLoad({ settings, events, say: (line) => console.log(`${name}: ${line}`) })
  console.log(`${name}: passed ${JSON.stringify(report)}`)
}

const directory = await mkdtemp(join(tmpdir(), 'soma-events-'))
await run('PGlite', { 'server.dataDirectory': directory, 'events.durability': 'power' })
await rm(directory, { recursive: true })
const url = process.env.DATABASE_URL
if (url === undefined) console.log('Postgres: left out, DATABASE_URL is not set')
else await run('Postgres', { 'server.databaseUrl': url })
