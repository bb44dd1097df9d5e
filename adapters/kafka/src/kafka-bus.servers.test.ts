import { eventBusConformance } from '@soma/kernel/testing'
import { openBus } from '../testing/kafka-servers.ts'

const brokers = process.env['KAFKA_BROKERS']
if (brokers === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')

eventBusConformance({
  name: 'Kafka',
  open: async () => {
    const bus = await openBus(brokers)
    return { bus, partitions: 4, transaction: (_tenantId, work) => work(undefined), close: () => bus.close() }
  },
})
