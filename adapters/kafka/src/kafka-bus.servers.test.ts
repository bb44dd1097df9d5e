import { eventBusConformance } from '@soma/kernel/testing'
import { ownServer } from '@soma/runtime/testing'
import { openBus } from '../testing/kafka-servers.ts'
import { anOutsideProgram } from '../testing/outside-program.ts'

const PREFIX = 'conformance'

eventBusConformance({
  name: 'Kafka',
  open: async () => {
    // A killed node may come back when its session is over; it lasts 9 s by default.
    const server = await ownServer('kafka', { KAFKA_OPTIONS: 'broker.session.timeout.ms=3000' })
    const bus = await openBus(server.url, { prefix: PREFIX })
    const outside = await anOutsideProgram(server.url)
    return {
      bus,
      partitions: 4,
      transaction: (_tenantId, work) => work(undefined),
      server,
      // As the CloudEvents Kafka binding says: attributes as ce_ headers, the data as value.
      writeFromOutside: ({ topic, part }, { attributes, body }) => {
        const headers = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])
        const contentType = attributes['id'] === undefined ? {} : { 'content-type': 'application/json' }
        return outside.write({
          topic: `${PREFIX}.${topic}`,
          partition: part,
          value: body,
          headers: { ...(Object.fromEntries(headers) as Record<string, string>), ...contentType },
        })
      },
      readFromOutside: async ({ topic, part }) => {
        const { headers, value } = await outside.readLast(`${PREFIX}.${topic}`, part)
        const attributes = Object.entries(headers)
          .filter(([name]) => name.startsWith('ce_'))
          .map(([name, text]) => [name.slice(3), text])
        return { attributes: Object.fromEntries(attributes) as Record<string, string>, body: value }
      },
      close: async () => {
        await outside.close()
        await bus.close()
        await server.end()
      },
    }
  },
})
