import { createSchemaCompiler } from '@soma/adapter-ajv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { governanceContract } from '../../contract/index.ts'
import { aContext, type Bench, openBench, openPostgres, type PostgresForTests } from '../../testing/index.ts'
import { governanceModule } from '../module.ts'

/** Room to make a database on a busy server. */
const OPENING_MS = 60_000

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const modules = [{ definition: governanceModule, ports: { schemaCompiler: createSchemaCompiler(), planEndings: [] } }]
const agent = aContext({ id: 'agt_planner', kind: 'agent' })
const voters = Array.from({ length: 8 }, (_, index) => aContext({ id: `usr_${index}` }))

let postgres: PostgresForTests
const benches: Bench[] = []
beforeAll(async () => {
  postgres = await openPostgres(server, modules)
  for (let index = 0; index < 2; index++) benches.push(await openBench({ modules, database: await postgres.connect() }))
}, OPENING_MS)
afterAll(async () => {
  for (const bench of benches) await bench.close()
  await postgres.drop()
})

const gatesOf = (bench: Bench) => bench.client(governanceContract).gates
const decidedOf = (gateId: string) =>
  benches
    .flatMap(({ events }) => events)
    .filter(({ type, data }) => type === 'gate.decided' && (data as { gateId: string }).gateId === gateId)

test('of eight votes on two processes at the same moment one decides, with one gate.decided', async () => {
  for (let round = 0; round < 20; round++) {
    const gate = await gatesOf(benches[0] as Bench).open(agent, {
      body: { kind: 'review', title: 'Race', payload: round },
    })
    const body = { payloadHash: gate.payloadHash }
    const race = voters.map((voter, index) =>
      gatesOf(benches[index % 2] as Bench).decide(voter, {
        params: { gateId: gate.gateId },
        body: { ...body, decision: index % 3 === 0 ? 'reject' : 'approve' },
      }),
    )
    const results = await Promise.allSettled(race)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'gate-closed' })
    expect(decidedOf(gate.gateId)).toHaveLength(1)
  }
})

test('one id opened on two processes at once is one gate', async () => {
  const ids = await Promise.all(
    benches.flatMap((bench) =>
      [1, 2, 3].map(() =>
        gatesOf(bench).open(agent, { body: { kind: 'review', title: 'Once', payload: 1 }, idempotencyKey: 'one' }),
      ),
    ),
  )
  expect(new Set(ids.map(({ gateId }) => gateId)).size).toBe(1)
  expect(
    benches
      .flatMap(({ events }) => events)
      .filter(({ type, data }) => type === 'gate.opened' && (data as { title: string }).title === 'Once'),
  ).toHaveLength(1)
})

test('two sweeps at once expire a gate once, and a stream on the other process tells it', async () => {
  const gate = await gatesOf(benches[0] as Bench).open(agent, {
    body: { kind: 'review', title: 'Late', payload: 1, dueAt: '2020-01-01T00:00:00.000Z' },
  })
  const signal = AbortSignal.timeout(10_000)
  const frames = (await gatesOf(benches[1] as Bench).stream(agent, { signal, lastEventId: '1' }))[
    Symbol.asyncIterator
  ]()
  await Promise.all(benches.map((bench) => bench.runJob('expire-gates')))
  expect(decidedOf(gate.gateId)).toMatchObject([{ data: { outcome: 'expired' } }])
  for (let frame = await frames.next(); frame.done !== true; frame = await frames.next()) {
    if (
      frame.value.event === 'gate' &&
      frame.value.data.gateId === gate.gateId &&
      frame.value.data.status === 'expired'
    )
      return
  }
  throw new Error('the stream ended without the expired gate')
})
