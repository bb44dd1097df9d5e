import { silentLogger } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'

/** A process with all modules, for a developer who needs no credential. */
const server = await startServer({
  platform: somaPlatform,
  sources: {
    flags: {
      mode: 'developer-light',
      'server.port': 0,
      'server.dataDirectory': process.env.DATA_DIRECTORY ?? 'memory',
      'server.graceMs': Number(process.env.GRACE_MS ?? 1000),
      'events.drainMs': Number(process.env.GRACE_MS ?? 1000),
    },
  },
  log: silentLogger,
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.url}\n`)
