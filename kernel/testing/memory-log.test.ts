import { eventBusConformance } from './event-bus-conformance.ts'
import { createMemoryLog } from './memory-log.ts'

eventBusConformance({
  name: 'log in memory, outside any database',
  open: async () => ({
    bus: createMemoryLog(4),
    partitions: 4,
    transaction: (_tenantId, work) => work(undefined),
    close: async () => undefined,
  }),
})
