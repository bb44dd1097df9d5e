import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { burialSuite } from '../../../testing/burial-suite.ts'

burialSuite({
  name: 'PGlite',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
})
