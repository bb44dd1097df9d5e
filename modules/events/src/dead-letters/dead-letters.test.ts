import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { migrateEvents, moduleDeadLetterSuite } from '../../testing/index.ts'

moduleDeadLetterSuite({
  name: 'the embedded engine',
  open: async () => {
    const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
    await migrateEvents(database)
    return { database, ofOwner: { ...database, close: async () => undefined } }
  },
})
