import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { maintenanceSuite } from '../../testing/maintenance-suite.ts'

maintenanceSuite({
  name: 'PGlite',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
})
