import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { eventBusConformance } from '@soma/kernel/testing'
import { openSubject } from '../testing/subject.ts'

eventBusConformance({
  name: 'Postgres log on PGlite',
  open: async () =>
    openSubject(await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })),
})
