import { eventBusConformance } from './event-bus-conformance.ts'
import { createMemoryLog } from './memory-log.ts'

eventBusConformance({
  name: 'log in memory, outside any database',
  open: async () => {
    const bus = createMemoryLog(4)
    return {
      bus,
      partitions: 4,
      transaction: (_tenantId, work) => work(undefined),
      writeFromOutside: async (place, { attributes, body }) => {
        const headers = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])
        const contentType = attributes['id'] === undefined ? {} : { 'content-type': 'application/json' }
        bus.write(place, { headers: { ...Object.fromEntries(headers), ...contentType }, body })
      },
      close: async () => undefined,
    }
  },
})
