/**
 * 1,000 plans with ten tasks each, side by side: how fast they are opened by a planner, what they cost in memory while all of their tasks wait for a worker, and how fast
 * they end once it is there. Platform and agents share one process.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { buildBoundClient } from '@soma/kernel'
import { eventsContract } from '@soma/events/contract'
import { defineEvent, definePlanner, defineWorker, spec } from '@soma/sdk'
import { somaPlatform } from '@soma/server'
import { createTestServer, testContext } from '@soma/server/testing'
import * as z from 'zod'
import { perSecond, printFigure } from './figures.ts'
import { type Store, stores } from './stores.ts'

const PLANS = 1_000
const TASKS_A_PLAN = 10
const LIMIT_MS = 600_000

const number = z.strictObject({ number: z.number() })
const doubled = defineEvent({ type: 'number.doubled', topic: 'action-results', description: 'Twice it.', data: number })
const doubleRequested = defineEvent({
  type: 'number.double.requested',
  topic: 'action-requests',
  description: 'Doubles a number.',
  data: number,
  response: doubled,
})
const fanned = defineEvent({ type: 'fan.completed', topic: 'action-results', description: 'A sum.', data: number })
const fanRequested = defineEvent({
  type: 'fan.requested',
  topic: 'action-requests',
  description: 'Doubles many numbers.',
  data: number,
  response: fanned,
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

for (const store of stores()) await measure(store)

async function measure(store: Store): Promise<void> {
  const { database, settings } = await store.open()
  const platform = await createTestServer({
    database,
    modules: somaPlatform.modules,
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, 'plans.sweepMs': 250, ...settings },
  })
  const headers = platform.headersOf(testContext({ kind: 'agent', principalId: 'agents' }))
  const { planner, opened, ended } = aPlanner()
  const planning = await planner.start({ platform, headers })
  const { events } = buildBoundClient(eventsContract, (call) => platform.transport({ ...call, context: testContext() }))
  const { topic, type } = fanRequested
  const ask = (value: number) =>
    events.publish({ body: { topic, type, data: { number: value }, responseType: fanned.type } })

  const before = heapKibibytes()
  const openingFrom = performance.now()
  await perSecond(PLANS, 32, ask)
  await opened
  const openedPerSecond = (PLANS * 1_000) / (performance.now() - openingFrom)
  const heapAPlan = (heapKibibytes() - before) / PLANS

  const endingFrom = performance.now()
  const working = await aWorker().start({ platform, headers })
  await ended
  const tasksPerSecond = (PLANS * TASKS_A_PLAN * 1_000) / (performance.now() - endingFrom)

  const bench = `plans.live, ${store.name}`
  printFigure({ bench, what: 'plans with 10 tasks opened/s', values: [openedPerSecond] })
  printFigure({ bench, what: 'heap a live plan with 10 tasks, KiB', values: [heapAPlan] })
  printFigure({ bench, what: 'tasks handled and joined/s', values: [tasksPerSecond] })
  await working.stop()
  await planning.stop()
  await platform.stop()
}

function heapKibibytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1_024
}

function aWorker() {
  const worker = defineWorker({ name: 'doubler', description: 'Doubles.', concurrency: 100 })
  worker.onTask(doubleRequested, (task) => task.complete({ number: 2 * task.data.number }))
  return worker
}

/** Resolves `opened` when the handlers of all goals have begun, and `ended` when each plan has its last result. */
function aPlanner() {
  const opened = countdown('opened')
  const ended = countdown('ended')
  const planner = definePlanner({ name: 'fanner', description: 'Doubles many.', concurrency: 100 })
  planner.onGoal(fanRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal)
    const numbers = Array.from({ length: TASKS_A_PLAN }, (_, index) => goal.data.number + index)
    plan.delegateParallel(numbers.map((value) => spec(doubleRequested, { number: value })))
    opened.note(plan.planId)
  })
  planner.onResult(doubled, async (result) => {
    if (result.group?.done !== true) return
    const plan = await result.restorePlan()
    if (plan === undefined) return
    plan.finalize({ number: result.group.results.length })
    ended.note(plan.planId)
  })
  return { planner, opened: opened.reached, ended: ended.reached }
}

function countdown(what: string) {
  const seen = new Set<string>()
  let reach: () => void = () => undefined
  const reached = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${seen.size} of ${PLANS} plans ${what} in time`)), LIMIT_MS)
    reach = () => {
      clearTimeout(timer)
      resolve()
    }
  })
  const note = (planId: string) => {
    if (seen.add(planId).size === PLANS) reach()
  }
  return { note, reached }
}
