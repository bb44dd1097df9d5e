import { createSchemaCompiler } from '@soma/adapter-ajv'
import { event, type EventEnvelope, newId } from '@soma/kernel'
import { afterEach, expect, test } from 'vitest'
import * as z from 'zod'
import { governanceContract } from '../../contract/index.ts'
import { aContext, type Bench, openBench, openDatabase } from '../../testing/index.ts'
import { governanceModule } from '../module.ts'

const thingEnded = event({
  type: 'thing.ended',
  topic: 'plan-events',
  data: z.strictObject({ planId: z.string() }),
  summary: 'A toy.',
})
const ports = { schemaCompiler: createSchemaCompiler(), planEndings: [thingEnded] }
const modules = [{ definition: governanceModule, ports }]
const agent = aContext({ id: 'agt_planner', kind: 'agent' })
const benches: Bench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close()
})

/** Hands the fact to the module's handlers in one worker transaction, as its consumer does. */
async function deliver(bench: Bench, planId: string): Promise<void> {
  const [module] = bench.modules
  const context = { ...agent, method: 'module' as const }
  await module?.database.asWorker(context, async (tx) => {
    for (const { handle } of module.handlers) {
      const delivered = { event: { type: thingEnded.type } as EventEnvelope, data: { planId } }
      await handle({ ...delivered, context, tx, signal: new AbortController().signal, attempt: 1 })
    }
  })
}

test('a crash before the commit leaves the gates of an ended plan open and says nothing; the next delivery cancels each once', async () => {
  const planId = newId('plan')
  const crash = { now: false }
  const database = await openDatabase(modules)
  const bench = await openBench({
    modules,
    database,
    beforeCommit: () => {
      if (crash.now) throw new Error('killed')
    },
  })
  benches.push(bench)
  const { gates } = bench.client(governanceContract)
  const opened = await Promise.all(
    ['One', 'Two'].map((title) =>
      gates.open(agent, { body: { kind: 'review', title, payload: {}, subject: { planId } } }),
    ),
  )
  const decided = () => bench.events.filter(({ type }) => type === 'gate.decided')
  const statuses = () =>
    Promise.all(opened.map(async ({ gateId }) => (await gates.get(agent, { params: { gateId } })).status))

  crash.now = true
  await expect(deliver(bench, planId)).rejects.toThrow('killed')
  expect([await statuses(), decided()]).toEqual([['open', 'open'], []])
  crash.now = false
  await deliver(bench, planId)
  await deliver(bench, planId)
  expect(await statuses()).toEqual(['cancelled', 'cancelled'])
  expect(decided()).toMatchObject(
    opened.map(({ gateId }) => ({
      planid: planId,
      data: { gateId, outcome: 'cancelled', deciders: ['system:plan-ended'], instructions: 'thing.ended' },
    })),
  )
})
