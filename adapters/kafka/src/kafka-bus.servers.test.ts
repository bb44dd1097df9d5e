import { randomUUID } from 'node:crypto'
import { silentLogger } from '@soma/kernel'
import { eventBusConformance } from '@soma/kernel/testing'
import { openKafkaBus } from './kafka-bus.ts'
import { brokers } from '../testing/kafka.ts'

const PARTITIONS = 4

eventBusConformance({
  name: 'Kafka',
  open: async () => {
    const bus = await openKafkaBus({
      brokers: brokers(),
      partitions: PARTITIONS,
      prefix: `test-${randomUUID().slice(0, 8)}`,
      production: false,
      durability: 'process',
      maxEventBytes: 262_144,
      log: silentLogger,
    })
    return { bus, partitions: PARTITIONS, transaction: (_, work) => work(), close: () => bus.close() }
  },
})
