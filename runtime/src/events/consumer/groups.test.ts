import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { groupSuite } from '../../../testing/group-suite.ts'

groupSuite({
  name: 'PGlite',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
})
