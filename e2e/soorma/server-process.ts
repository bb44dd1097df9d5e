import { silentLogger } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'

/** A platform as a process of its own that may be killed: `server-process.ts <settings as JSON>`. Says its address when it serves. */
const flags = JSON.parse(process.argv[2] as string) as Record<string, unknown>
const { url } = await startServer({ platform: somaPlatform, log: silentLogger, sources: { flags } })
process.stdout.write(`${url}\n`)
