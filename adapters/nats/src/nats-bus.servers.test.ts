import { eventBusConformance } from '@soma/kernel/testing'
import { openBus } from '../testing/nats-servers.ts'

const url = process.env['NATS_URL']
if (url === undefined) throw new Error('NATS_URL is missing: run npm run test:servers')

eventBusConformance({
  name: 'NATS JetStream',
  open: async () => {
    const bus = await openBus(url)
    return { bus, partitions: 4, transaction: (_tenantId, work) => work(undefined), close: () => bus.close() }
  },
})
