import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@soma/kernel'
import { databaseConformance } from '@soma/kernel/testing'
import { afterAll } from 'vitest'
import { createPgliteDatabase } from './pglite-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-pglite-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

databaseConformance({
  name: 'PGlite in memory',
  open: (options) =>
    createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger, ...options }),
})

databaseConformance({
  name: 'PGlite on disk',
  open: (options) =>
    createPgliteDatabase({ dataDirectory: join(folder, 'data'), durability: 'power', log: silentLogger, ...options }),
})
