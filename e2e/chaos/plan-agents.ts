/**
 * A process of agents: `plan-agents.ts <AgentsOrder as JSON>`. Planners give each goal to adders, side by side, and adders their numbers to doublers: groups in groups. It tells its parent when all
 * of them take deliveries.
 */
import { headersOf, testContext } from '@soma/server/testing'
import { type AgentBase, defineEvent, definePlanner, defineWorker, spec } from '@soma/sdk'
import * as z from 'zod'
import { type AgentsOrder, SUM_REQUESTED, SUM_COMPLETED } from './plan-goals.ts'

const order = JSON.parse(process.argv[2] as string) as AgentsOrder
/** So that a process that is killed has some in hand. */
const HANDLING_MS = 200
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
/** A kill costs what is in hand an attempt, and so does a busy machine that lets leases of 3 s lapse: that attempts run out is not what is shown here. */
const MAXIMUM_ATTEMPTS = 20
const common = {
  maxAttempts: MAXIMUM_ATTEMPTS,
  description: 'Of the chaos suite.',
  leaseMs: 3_000,
  memberGraceMs: 500,
  backoff: { baseMs: 50, maxMs: 500 },
}

const sumCompleted = defineEvent({
  type: SUM_COMPLETED,
  topic: 'action-results',
  description: 'The sum of a goal.',
  data: z.object({ sum: z.number(), joined: z.number(), members: z.array(z.number()) }),
})
const sumRequested = defineEvent({
  type: SUM_REQUESTED,
  topic: 'action-requests',
  description: 'Asks for the sum of rows.',
  data: z.object({ rows: z.array(z.array(z.number())) }),
  response: sumCompleted,
})
const rowCompleted = defineEvent({
  type: 'row.completed',
  topic: 'action-results',
  description: 'The sum of a row.',
  data: z.object({ sum: z.number(), joined: z.number() }),
})
const rowRequested = defineEvent({
  type: 'row.requested',
  topic: 'action-requests',
  description: 'Asks for the sum of a row.',
  data: z.object({ row: z.array(z.number()) }),
  response: rowCompleted,
})
const doubleCompleted = defineEvent({
  type: 'double.completed',
  topic: 'action-results',
  description: 'A number, doubled.',
  data: z.object({ doubled: z.number() }),
})
const doubleRequested = defineEvent({
  type: 'double.requested',
  topic: 'action-requests',
  description: 'Asks for a number to be doubled.',
  data: z.object({ number: z.number() }),
  response: doubleCompleted,
})

function aPlanner() {
  const planner = definePlanner({ ...common, name: 'sum-planner' })
  planner.onGoal(sumRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal, { state: { joined: 0 } })
    plan.delegateParallel(goal.data.rows.map((row) => spec(rowRequested, { row })))
  })
  planner.onResult(rowCompleted, async (result) => {
    const plan = await result.restorePlan()
    if (plan === undefined) return
    plan.state.joined = Number(plan.state.joined) + 1
    if (result.group?.done !== true) return
    const rows = result.group.results as { sum: number; joined: number }[]
    const sum = rows.reduce((total, row) => total + row.sum, 0)
    plan.finalize({ sum, joined: plan.state.joined, members: rows.map((row) => row.joined) })
  })
  return planner
}

function anAdder() {
  const adder = defineWorker({ ...common, name: 'adder' })
  adder.onTask(rowRequested, async (task) => {
    task.state.joined = 0
    task.delegateParallel(task.data.row.map((number) => spec(doubleRequested, { number })))
  })
  adder.onResult(doubleCompleted, async (result) => {
    const task = await result.restoreTask()
    if (task === undefined) return
    task.state.joined = Number(task.state.joined) + 1
    if (result.group?.done !== true) return
    const numbers = result.group.results as { doubled: number }[]
    task.complete({
      sum: numbers.reduce((total, { doubled }) => total + doubled, 0),
      joined: task.state.joined,
    } as never)
  })
  return adder
}

function aDoubler() {
  const doubler = defineWorker({ ...common, name: 'doubler' })
  doubler.onTask(doubleRequested, async (task) => {
    await pause(Math.random() * HANDLING_MS)
    task.complete({ doubled: 2 * task.data.number })
  })
  return doubler
}

const agents: readonly AgentBase[] = order.roles.flatMap<AgentBase>((role) =>
  role === 'planner' ? aPlanner() : [anAdder(), aDoubler()],
)
const principal = testContext({ tenantId: order.tenantId, kind: 'agent', principalId: `agt-${order.roles.join('-')}` })
const running = await Promise.all(agents.map((agent) => agent.start({ url: order.url, headers: headersOf(principal) })))
process.send?.('ready')
// Whoever started it sees an agent that ends by itself as a process that has ended.
void Promise.race(running.map(({ failed }) => failed)).then(() => process.exit(1))
process.on('disconnect', () => process.exit(1))
