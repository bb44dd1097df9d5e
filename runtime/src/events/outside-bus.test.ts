import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { consumerSuite } from '../../testing/consumer-suite.ts'
import { burialSuite } from '../../testing/burial-suite.ts'
import { failureSuite } from '../../testing/failure-suite.ts'
import { groupSuite } from '../../testing/group-suite.ts'

/** The same promises on a bus outside the database, without its server: what differs is the outbox, the notices and the repeats. */
const outside = {
  name: 'PGlite and a log outside it',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
  openBus: async (partitions: number) => createMemoryLog(partitions),
}

consumerSuite(outside)
failureSuite(outside)
burialSuite(outside)
groupSuite(outside)
