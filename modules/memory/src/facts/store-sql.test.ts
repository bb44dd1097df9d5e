import { afterAll, beforeAll, expect, it } from 'vitest'
import { anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { remember } = createMemorySteps(() => bench)

/** Below some hundred rows all ways of reading cost the planner the same, and so they do until the table is analysed. */
const MANY = 2000

/** Rows of facts that were read by statements since the database was made. */
async function rowsRead(): Promise<number> {
  await bench.database.maintain('select pg_stat_force_next_flush()')
  const [row] = await bench.database.asOwner((session) =>
    session.query<{ rows: number }>(
      `select seq_tup_read + idx_tup_fetch as rows from pg_stat_user_tables where schemaname = 'memory' and relname = 'facts'`,
    ),
  )
  return row?.rows ?? 0
}

it('a write reads the rows of its key alone, however many the scope has', async () => {
  const ann = anybody()
  const many = Array.from({ length: MANY }, (_, n) => ({ content: `fact ${n}`, subject: `s${n}`, predicate: 'is' }))
  for (let from = 0; from < MANY; from += 500) await remember(ann, ...many.slice(from, from + 500))
  await bench.database.maintain('analyze memory.facts')
  const before = await rowsRead()
  const written = [
    { content: 'by content' },
    { content: 'by content' },
    { content: 'by id', externalId: 'id' },
    { content: 'by id again', externalId: 'id' },
    { content: 'in a slot', subject: 's1', predicate: 'is' },
    { content: 'both', externalId: 'both', subject: 's2', predicate: 'is' },
  ]
  await remember(ann, ...written)
  expect((await rowsRead()) - before).toBeLessThan(MANY / 5)
}, 60_000)
