import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { relaySuite } from '../../testing/relay-suite.ts'

relaySuite({
  name: 'PGlite',
  open: () => createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
})
