import { silentLogger } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'

/** A process with all modules, for a developer who needs no credential. */
const server = await startServer({
  platform: somaPlatform,
  sources: {
    flags: {
      mode: 'developer-light',
      'server.port': 0,
      'server.dataDirectory': 'memory',
      'server.graceMs': Number(process.env.GRACE_MS),
    },
  },
  log: silentLogger,
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.url}\n`)
