/**
 * A goal, a planner, three tasks of a worker one after the other, and the reply, all in the process of the platform. Beside it, in the same run, the same plan on DBOS
 * Transact and the same Postgres, where the steps are functions of the same process and no agent is asked. `npm run bench:peers` installs it; where it is not, its rows are missing.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildBoundClient } from '@soma/kernel'
import { eventsContract } from '@soma/events/contract'
import { defineEvent, definePlanner, defineWorker } from '@soma/sdk'
import { somaPlatform } from '@soma/server'
import { createTestServer, testContext } from '@soma/server/testing'
import * as z from 'zod'
import { type ChainTimes, chainTimes } from './chain-times.ts'
import { runChild } from './child.ts'
import { median, printFigure, rounds } from './figures.ts'
import { newPostgresDatabase, type Store, stores } from './stores.ts'

const ROUNDS = 3
const GOAL_MS = 15
const PEERS = fileURLToPath(new URL('./peers/', import.meta.url))

const number = z.strictObject({ number: z.number() })
const added = defineEvent({
  type: 'number.added',
  topic: 'action-results',
  description: 'A number, one larger.',
  data: number,
})
const addRequested = defineEvent({
  type: 'number.add.requested',
  topic: 'action-requests',
  description: 'Adds one.',
  data: number,
  response: added,
})
const chained = defineEvent({
  type: 'chain.completed',
  topic: 'action-results',
  description: 'The end of a chain.',
  data: number,
})
const chainRequested = defineEvent({
  type: 'chain.requested',
  topic: 'action-requests',
  description: 'Adds one three times.',
  data: number,
  response: chained,
})

for (const store of stores()) {
  const own = await rounds(ROUNDS, () => ownTimes(store))
  print(`plans.chain, ${store.name}`, own, true)
}
const server = process.env.DATABASE_URL
if (server !== undefined && existsSync(`${PEERS}node_modules`)) {
  const dbos = async () => peerTimes('dbos', { DATABASE_URL: await newPostgresDatabase(server) })
  print('plans.chain, DBOS 5.3 on Postgres', await rounds(ROUNDS, dbos), false)
}

function print(bench: string, times: readonly ChainTimes[], hasGoal: boolean): void {
  const p50 = times.map(({ aloneMs }) => median(aloneMs))
  printFigure({
    bench,
    what: 'plan of 3 tasks, one at a time, p50, ms',
    values: p50,
    ...(hasGoal ? { goal: { text: `≤ ${GOAL_MS}`, isMet: median(p50) <= GOAL_MS } } : {}),
  })
  printFigure({
    bench,
    what: 'plans/s, 50 at once',
    values: times.map((round) => round.perSecond),
    beside: { what: 'CPU ms a plan in the process', values: times.map(({ cpuMs }) => cpuMs) },
  })
}

async function peerTimes(peer: 'dbos', environment: Record<string, string>): Promise<ChainTimes> {
  const { stdout } = await runChild(process.execPath, [...process.execArgv, `${PEERS}${peer}.mjs`], { environment })
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as ChainTimes
}

async function ownTimes(store: Store): Promise<ChainTimes> {
  const { database, settings } = await store.open()
  const platform = await createTestServer({
    database,
    modules: somaPlatform.modules,
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, 'plans.sweepMs': 250, ...settings },
  })
  const headers = platform.headersOf(testContext({ kind: 'agent', principalId: 'agents' }))
  const agents = await Promise.all([aPlanner(), aWorker()].map((agent) => agent.start({ platform, headers })))
  const caller = testContext()
  const { events } = buildBoundClient(eventsContract, (call) => platform.transport({ ...call, context: caller }))
  const times = await chainTimes(async (value) => {
    const { topic, type } = chainRequested
    const body = { topic, type, data: { number: value }, responseType: chained.type, timeoutMs: 30_000 }
    const reply = await events.request({ body })
    return (reply.data as { number: number }).number
  })
  for (const agent of agents) await agent.stop()
  await platform.stop()
  return times
}

function aWorker() {
  const worker = defineWorker({ name: 'adder', description: 'Adds one.', concurrency: 100 })
  worker.onTask(addRequested, (task) => task.complete({ number: task.data.number + 1 }))
  return worker
}

function aPlanner() {
  const planner = definePlanner({ name: 'chainer', description: 'Adds one three times.', concurrency: 100 })
  planner.onGoal(chainRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal, { state: { done: 0 } })
    plan.delegate(addRequested, goal.data)
  })
  planner.onResult(added, async (result) => {
    const plan = await result.restorePlan()
    if (plan === undefined) return
    const done = Number(plan.state.done) + 1
    plan.state.done = done
    if (done === 3) plan.finalize(result.data as { number: number })
    else plan.delegate(addRequested, result.data as { number: number })
  })
  return planner
}
