import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineWorker, spec } from './index.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServerOfTests()
}, 60_000)
afterAll(() => server?.stop(), 60_000)

const partCompleted = defineEvent({
  type: 'part.completed',
  topic: 'action-results',
  description: 'A part is done.',
  data: z.object({ doubled: z.number() }),
})
const partRequested = defineEvent({
  type: 'part.requested',
  topic: 'action-requests',
  description: 'Asks for a part.',
  data: z.object({ part: z.number() }),
  response: partCompleted,
})
const noted = defineEvent({
  type: 'part.noted',
  topic: 'business-facts',
  description: 'A part was noted beside its reply.',
  data: z.object({ part: z.number(), planId: z.string() }),
})
const sumCompleted = defineEvent({
  type: 'sum.completed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.object({ sum: z.number(), heard: z.number(), noted: z.number(), ends: z.number() }),
})
const sumRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum.',
  data: z.object({ parts: z.number() }),
  response: sumCompleted,
})

it('SDK-A2 two replicas of a planner lose no result of equal types and no state, see the group done once, and end a plan once', {
  timeout: 60_000,
}, async () => {
  const tenantId = 'replicas'
  const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
  const user = testContext({ tenantId })
  const tenant = aTenantOn(server, { home: 'in process', agent, user, log: silentLogger })
  let ends = 0
  const sawDone = new Set<string>()
  const aPlanner = () => {
    const planner = definePlanner({ name: 'sum-planner', description: 'Plans sums.', produces: [noted] })
    planner.onGoal(sumRequested, async (goal, context) => {
      const plan = await context.plans.createFromGoal(goal, { state: { sum: 0, heard: 0, noted: 0 } })
      plan.delegateParallel(Array.from({ length: goal.data.parts }, (_, part) => spec(partRequested, { part })))
    })
    planner.onResult(partCompleted, async (result, context) => {
      if (result.group?.done === true) {
        sawDone.add(context.event.id)
        expect(result.group.results).toEqual(Array.from({ length: 8 }, (_, part) => ({ doubled: part * 2 })))
      }
      const plan = await result.restorePlan()
      if (plan === undefined) return
      plan.state.sum = Number(plan.state.sum) + result.data.doubled
      plan.state.heard = Number(plan.state.heard) + 1
      plan.state.isGroupDone = plan.state.isGroupDone === true || result.group?.done === true
      finishWhenWhole(plan)
    })
    // Another topic, so another order: it races with the results for the same plan.
    planner.onEvent(noted, async (event, context) => {
      const plan = await context.plans.restore(event.data.planId)
      if (plan === undefined) return
      plan.state.noted = Number(plan.state.noted) + 1
      finishWhenWhole(plan)
    })
    const finishWhenWhole = (plan: { state: Record<string, unknown>; finalize(result: unknown): void }) => {
      const { sum, heard, noted: seen, isGroupDone } = plan.state
      if (isGroupDone !== true || heard !== seen) return
      ends += 1
      plan.finalize({ sum, heard, noted: seen, ends: 1 })
    }
    return planner
  }
  const worker = defineWorker({ name: 'part-worker', description: 'Doubles.', produces: [noted] })
  worker.onTask(partRequested, async (task, { bus }) => {
    await bus.announce(noted, { part: task.data.part, planId: task.planId as string })
    task.complete({ doubled: task.data.part * 2 })
  })
  await Promise.all([tenant.start(worker), tenant.start(aPlanner()), tenant.start(aPlanner())])
  await tenant.request('sum', { parts: 8 }, 'corr-1')
  const reply = await tenant.reply('sum.completed', 'corr-1', 45_000)
  expect(reply.data).toEqual({ sum: 56, heard: 8, noted: 8, ends: 1 })
  const replies = await tenant.clients.events.events.list(user, { query: { type: 'sum.completed' } })
  expect(replies.items).toHaveLength(1)
  expect(ends).toBeGreaterThan(0)
  expect(sawDone.size).toBe(1)
  await tenant.stop()
})
