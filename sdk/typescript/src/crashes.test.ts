import { createHttpTransport, silentLogger, type Transport } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import type { InProcessPlatform } from './index.ts'
import { defineEvent, definePlanner, defineWorker, spec } from './index.ts'

let server: TestServer
let tenants = 0

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
const sumCompleted = defineEvent({
  type: 'sum.completed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.object({ sum: z.number(), started: z.number(), joined: z.number() }),
})
const sumRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum.',
  data: z.object({ parts: z.array(z.number()) }),
  response: sumCompleted,
})

const common = { description: 'Of a crash test.', memberGraceMs: 0, backoff: { baseMs: 1 }, graceMs: 100 }

const aPartWorker = () => {
  const worker = defineWorker({ ...common, name: 'part-worker' })
  worker.onTask(partRequested, (task) => task.complete({ doubled: task.data.part * 2 }))
  return worker
}

/** Saves, delegates to three, joins, completes. */
const anAdder = () => {
  const adder = defineWorker({ ...common, name: 'adder' })
  adder.onTask(sumRequested, async (task) => {
    task.state.started = await task.once('started', () => Number(task.state.started ?? 0) + 1)
    await task.save()
    task.delegateParallel(task.data.parts.map((part) => spec(partRequested, { part })))
  })
  adder.onResult(partCompleted, async (result) => {
    const task = await result.restoreTask()
    if (task === undefined) return
    task.state.joined = Number(task.state.joined ?? 0) + 1
    if (result.group?.done !== true) return
    const sum = (result.group.results as { doubled: number }[]).reduce((total, { doubled }) => total + doubled, 0)
    task.complete({ sum, started: task.state.started, joined: task.state.joined } as never)
  })
  return adder
}

/** The same as a planner's plan. */
const aSumPlanner = () => {
  const planner = definePlanner({ ...common, name: 'sum-planner' })
  planner.onGoal(sumRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal, { state: { started: 0, joined: 0 } })
    plan.state.started = Number(plan.state.started) + 1
    plan.delegateParallel(goal.data.parts.map((part) => spec(partRequested, { part })))
  })
  planner.onResult(partCompleted, async (result) => {
    const plan = await result.restorePlan()
    if (plan === undefined) return
    plan.state.joined = Number(plan.state.joined) + 1
    if (result.group?.done !== true) return
    const sum = (result.group.results as { doubled: number }[]).reduce((total, { doubled }) => total + doubled, 0)
    plan.finalize({ sum, started: plan.state.started, joined: plan.state.joined })
  })
  return planner
}

/** A platform whose agent dies at its n-th call: before the call is made, or after it was made and before its answer is seen. */
function dyingAt(inner: Transport, call: number, at: 'before' | 'after') {
  const died = new AbortController()
  let calls = 0
  let isArmed = false
  const platform: InProcessPlatform = {
    authenticate: server.authenticate,
    async transport(request) {
      if (died.signal.aborted) return new Promise(() => undefined)
      const number = isArmed && request.verb !== 'heartbeat' ? ++calls : 0
      if (number === call && at === 'before') return die()
      const signal = AbortSignal.any([
        died.signal,
        ...(request.input.signal ? [request.input.signal as AbortSignal] : []),
      ])
      const answer = await inner({ ...request, input: { ...request.input, signal } })
      return number === call ? die() : answer
    },
  }
  const die = () => {
    died.abort()
    return new Promise(() => undefined)
  }
  const dead = new Promise<void>((resolve) => died.signal.addEventListener('abort', () => resolve()))
  return { platform, dead, arm: () => void (isArmed = true), calls: () => calls }
}

interface Crash {
  readonly make: typeof anAdder | typeof aSumPlanner
  readonly home: 'in process' | 'over HTTP'
  readonly call: number
  readonly at: 'before' | 'after'
}

async function surviveCrash({ make, home, call, at }: Crash) {
  const tenantId = `crash-${++tenants}`
  const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
  const user = testContext({ tenantId })
  const tenant = aTenantOn(server, { home: 'in process', agent, user, log: silentLogger })
  await tenant.start(aPartWorker())
  const overHttp = createHttpTransport({ url: server.url, headers: () => server.headersOf(agent), fetch })
  const mortal = dyingAt(home === 'over HTTP' ? overHttp : server.transport, call, at)
  await make().start(tenant.connection(mortal.platform))
  mortal.arm()
  await tenant.request('sum', { parts: [1, 2, 3] }, 'corr-1')
  const replied = tenant.reply('sum.completed', 'corr-1')
  const died = await Promise.race([replied.then(() => false), mortal.dead.then(() => true)])
  if (died) await tenant.start(make())
  const reply = await replied
  const replies = await tenant.clients.events.events.list(user, { query: { type: 'sum.completed' } })
  const requests = await tenant.clients.events.events.list(user, { query: { type: 'part.requested' } })
  await tenant.stop()
  return { died, data: reply.data, replies: replies.items.length, requests: requests.items.length }
}

const whole = { data: { sum: 12, started: 1, joined: 3 }, replies: 1, requests: 3 }

describe.each(['in process', 'over HTTP'] as const)('%s', (home) => {
  it.each([
    ['a worker that saves, delegates, joins and completes', anAdder],
    ['a planner that delegates, joins and finishes', aSumPlanner],
  ])('SDK-A1 %s answers once whichever of its calls it dies at', { timeout: 240_000 }, async (_name, make) => {
    for (let call = 1; ; call++) {
      const crash = { make, home, call }
      const [before, after] = await Promise.all([
        surviveCrash({ ...crash, at: 'before' }),
        surviveCrash({ ...crash, at: 'after' }),
      ])
      expect({ call, ...before }).toEqual({ call, ...whole, died: before.died })
      expect({ call, ...after }).toEqual({ call, ...whole, died: after.died })
      if (!before.died && !after.died) {
        expect(call).toBeGreaterThan(12)
        return
      }
    }
  })
})
