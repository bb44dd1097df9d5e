import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { failureSuite } from '../../../testing/failure-suite.ts'

failureSuite({
  name: 'PGlite',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
})
