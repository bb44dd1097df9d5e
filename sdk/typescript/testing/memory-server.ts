import { buildClient } from '@soma/kernel'
import { createMemoryPlatform } from './memory/memory-platform.ts'
import type { ServerOfTests } from './on-server.ts'

const TICK_MS = 20

/** The platform in memory as a server of tests, whose time goes on by itself: the suites of the real platform hold it to the same behaviour. */
export function createMemoryServer(): ServerOfTests & { stop(): Promise<void> } {
  const memory = createMemoryPlatform()
  const timer = setInterval(() => {
    memory.clock.advance(TICK_MS)
    memory.deliveries.wake()
    memory.plans.wake()
  }, TICK_MS)
  return {
    ...memory.platform,
    url: '',
    client: (contract) => buildClient(contract, memory.platform.transport),
    headersOf: ({ userId }) => (userId === undefined ? {} : { 'x-user-id': userId }),
    stop: async () => clearInterval(timer),
  }
}
