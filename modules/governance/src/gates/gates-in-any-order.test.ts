import { createSchemaCompiler } from '@soma/adapter-ajv'
import { newId } from '@soma/kernel'
import { assert, asyncProperty, constantFrom, nat, record, shuffledSubarray } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { governanceContract } from '../../contract/index.ts'
import { aContext, type Bench, openBench } from '../../testing/index.ts'
import { governanceModule } from '../module.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

const modules = [{ definition: governanceModule, ports: { schemaCompiler: createSchemaCompiler(), planEndings: [] } }]
const agent = aContext({ id: 'agt_planner', kind: 'agent' })
const deciders = ['usr_ann', 'usr_bob'].map((id) => aContext({ id }))
const GATES = 20

let bench: Bench
beforeAll(async () => {
  bench = await openBench({ modules })
}, OPENING_MS)
afterAll(() => bench.close())

/** All votes of all gates in one order, what each gate shall become, and after which votes the process dies: before the commit (b) or after it (a). */
const scripts = record({
  order: shuffledSubarray(
    Array.from({ length: GATES * 2 }, (_, index) => index),
    { minLength: GATES * 2 },
  ),
  rejected: nat(2 ** GATES - 1),
  crashes: shuffledSubarray(
    Array.from({ length: GATES * 2 }, (_, index) => index),
    { maxLength: 8 },
  ),
  kind: constantFrom('before', 'after'),
})

test('GOV-R44 twenty gates of one plan are decided in any order, with crashes between and in votes, each by its own votes alone', {
  timeout: 120_000,
}, async () => {
  await assert(
    asyncProperty(scripts, async ({ order, rejected, crashes, kind }) => {
      const planId = newId('plan')
      const decided: string[] = []
      let dies = false
      const start = () =>
        openBench({
          modules,
          database: bench.database,
          beforeCommit: () => {
            if (dies && kind === 'before') throw new Error('killed before the commit')
          },
        })
      let process = await start()
      const opened = []
      for (let index = 0; index < GATES; index++) {
        const body = {
          kind: 'review' as const,
          title: `Gate ${index}`,
          payload: index,
          subject: { planId },
          requirements: [{ quorum: 2 }],
          rejectPolicy: 'majority' as const,
        }
        opened.push(await process.client(governanceContract).gates.open(agent, { body }))
      }
      for (const [step, index] of order.entries()) {
        const gate = opened[index % GATES] as (typeof opened)[number]
        const voter = deciders[Math.floor(index / GATES)] as (typeof deciders)[number]
        const decision = (rejected >> (index % GATES)) & 1 ? ('reject' as const) : ('approve' as const)
        const vote = () =>
          process
            .client(governanceContract)
            .gates.decide(voter, { params: { gateId: gate.gateId }, body: { decision, payloadHash: gate.payloadHash } })
        const restart = async () => {
          decided.push(...namesOf(process))
          dies = false
          process = await start()
        }
        dies = crashes.includes(step)
        if (dies && kind === 'before') {
          await vote().catch(() => undefined)
          await restart()
        }
        await vote()
        if (dies) await restart()
      }
      decided.push(...namesOf(process))
      const outcomes = opened.map(
        ({ gateId }, index) => `${gateId} ${(rejected >> index) & 1 ? 'rejected' : 'approved'}`,
      )
      expect(decided.sort()).toEqual(outcomes.sort())
      const { items } = await process.client(governanceContract).gates.list(agent, { query: { planId, limit: 200 } })
      expect(items.map(({ gateId, outcome }) => `${gateId} ${outcome}`).sort()).toEqual(outcomes)
    }),
    { numRuns: 12 },
  )
})

const namesOf = ({ events }: Bench): string[] =>
  events
    .filter(({ type }) => type === 'gate.decided')
    .map(({ data }) => data as { gateId: string; outcome: string })
    .map(({ gateId, outcome }) => `${gateId} ${outcome}`)
