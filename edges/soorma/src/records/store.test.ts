import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FrontBench, openFrontBench } from '../../testing/index.ts'
import type { SqlSession } from '@soma/kernel'
import { amendRecord, MAXIMUM_RECORDS, selectRecord, selectRecords, upsertRecord } from './store.ts'

let wire: FrontBench
beforeAll(async () => {
  wire = await openFrontBench()
}, 60_000)
afterAll(() => wire.bench.close())

const PLANS = { kind: 'plan', userId: 'alice' } as const
const within = <T>(spaceId: string, work: (session: SqlSession) => Promise<T>) =>
  wire.bench.database.transaction(
    { role: 'soma_app', tenantId: 'acme', spaceId, principalId: 'agt_1', userId: 'alice' },
    work,
  )

test('a list reads 1,000 records at most, the newest first, and finds by name and by what is said over an index', async () => {
  await within('', async (session) => {
    await session.execute(
      `insert into soorma.records (tenant_id, space_id, kind, user_id, foreign_id, own_id, detail, updated_at)
       select 'acme', '', 'plan', 'alice', 'p' || n, 'own' || n, jsonb_build_object('isOdd', n % 2 = 1), now() - n * interval '1 second'
       from generate_series(1, 3000) as n`,
    )
    await session.execute('analyze soorma.records').catch(() => undefined)
    const all = await selectRecords(session, PLANS)
    expect([all.length, all[0]?.foreign_id]).toEqual([MAXIMUM_RECORDS, 'p1'])
    expect(await selectRecords(session, PLANS, { limit: 9999 })).toHaveLength(MAXIMUM_RECORDS)
    const odd = await selectRecords(session, PLANS, { said: { isOdd: true }, limit: 2, offset: 1 })
    expect(odd.map(({ foreign_id }) => foreign_id)).toEqual(['p3', 'p5'])
    expect(await selectRecords(session, PLANS, { ownId: 'own7' })).toHaveLength(1)
    expect(await selectRecords(session, { ...PLANS, userId: 'bob' })).toEqual([])
    const rows = await session.query<{ 'QUERY PLAN': string }>(
      `explain select foreign_id from soorma.records where tenant_id = 'acme' and kind = 'plan' and user_id = 'alice' and space_id = ''
       order by updated_at desc, foreign_id limit 10`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Index/)
    expect(plan).not.toMatch(/Sort/)
  })
})

test('a record that is amended keeps what it is here; a change that throws changes nothing', async () => {
  const amend = (n: number) =>
    within('shop', (session) =>
      amendRecord<{ n: number[] }>(session, PLANS, {
        foreignId: 'one',
        ownId: `own-${n}`,
        change: (said) => ({ n: [...(said?.n ?? []), n] }),
      }),
    )
  expect(await amend(1)).toEqual({ before: undefined, detail: { n: [1] } })
  expect(await amend(2)).toEqual({ before: { n: [1] }, detail: { n: [1, 2] } })
  await expect(
    within('shop', (session) =>
      amendRecord(session, PLANS, {
        foreignId: 'one',
        ownId: 'own-3',
        change: () => {
          throw new Error('no')
        },
      }),
    ),
  ).rejects.toThrow('no')
  const record = await within('shop', (session) => selectRecord(session, PLANS, 'one'))
  expect(record).toMatchObject({ own_id: 'own-1', detail: { n: [1, 2] } })
})

test('a name belongs to one space: another space’s is neither read nor written', async () => {
  await within('shop', (session) => upsertRecord(session, PLANS, { foreignId: 'fenced', ownId: 'a', detail: {} }))
  expect(await within('mall', (session) => selectRecord(session, PLANS, 'fenced'))).toBeUndefined()
  await within('mall', (session) => upsertRecord(session, PLANS, { foreignId: 'fenced', ownId: 'b', detail: {} }))
  expect(await within('shop', (session) => selectRecord(session, PLANS, 'fenced'))).toMatchObject({ own_id: 'a' })
})
