import { somaPlatform } from '@soma/server'
import { createTestServer } from '@soma/server/testing'
import { loadModules } from './load-modules.ts'

/** One of several processes that host the same modules on one Postgres. The caller is the context in the header `Test-Context`; SIGTERM ends it in order. */
const server = await createTestServer({
  modules: [
    ...somaPlatform.modules.filter(({ contract }) => ['events', 'registry'].includes(contract.module as string)),
    ...loadModules({ repaired: true }).slice(0, 1),
  ],
  portsOf: (bindings) => somaPlatform.portsOf(bindings),
  settings: {
    'server.databaseUrl': process.env.NODE_DATABASE_URL,
    'server.databasePool': 8,
    'server.graceMs': Number(process.env.NODE_GRACE_MS),
    'events.drainMs': Number(process.env.NODE_GRACE_MS),
    'events.quotaEventsPerSecond': 1_000_000,
    ...JSON.parse(process.env.NODE_SETTINGS ?? '{}'),
  },
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.url}\n`)
