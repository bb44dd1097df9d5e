import { type Logger, silentLogger } from '@soma/kernel'
import { expect, it } from 'vitest'
import { somaPlatform } from './soma-platform.ts'
import { startServer } from './start-server.ts'

/** What a server warns of while it starts. */
async function warningsOf(durability: 'power' | 'process'): Promise<string[]> {
  const warnings: string[] = []
  const log: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) }
  const server = await startServer({
    platform: somaPlatform,
    sources: {
      flags: {
        mode: 'developer-light',
        'server.port': 0,
        'server.dataDirectory': 'memory',
        'events.durability': durability,
      },
    },
    log,
  })
  await server.stop()
  return warnings
}

it('EVT-A12 a server whose durability is process says at boot that it is not power-safe, and no other does', async () => {
  expect(await warningsOf('process')).toContainEqual(expect.stringMatching(/durability is process.* not power-safe/))
  expect(await warningsOf('power')).not.toContainEqual(expect.stringContaining('power-safe'))
}, 60_000)
