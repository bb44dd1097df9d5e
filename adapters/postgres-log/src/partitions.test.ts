import { readdirSync, readFileSync } from 'node:fs'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OpenedSubject, openSubject } from '../testing/subject.ts'
import { createPostgresLog } from './postgres-log.ts'

let subject: OpenedSubject
beforeAll(async () => {
  subject = await openSubject(
    await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }),
  )
}, 60_000)
afterAll(() => subject.close())

it('a second process with another partition count is refused, with the same count it starts', async () => {
  const { database } = subject
  await expect(createPostgresLog({ database, partitions: 8 }).prepare()).rejects.toThrow('was started with 4')
  await createPostgresLog({ database, partitions: 4 }).prepare()
  expect(await subject.bus.partitions('memory')).toHaveLength(4)
})

it.each([0, 257, 1.5])('%s partitions are refused', async (partitions) => {
  await expect(createPostgresLog({ database: subject.database, partitions }).prepare()).rejects.toThrow('from 1 to 256')
})

it('an append outside a transaction is refused', async () => {
  await expect(subject.bus.append([])).rejects.toThrow('inside a transaction')
})

it('EVT-R60 the log asks for no engine: PGlite and native Postgres run the same SQL', () => {
  const sources = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.includes('.test.'))
  expect(sources).toContain('postgres-log.ts')
  for (const name of sources) expect(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')).not.toMatch(/\bengine\b/)
})
