import { EventEmitter, once } from 'node:events'
import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createMemoryServer } from '../testing/memory-server.ts'
import { aTenantOn, until } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineTool, defineWorker, problem, spec } from './index.ts'

let server: TestServer
let tenants = 0
const open: { stop: () => Promise<void> }[] = []

beforeAll(async () => {
  server = await startServerOfTests()
}, 60_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map((tenant) => tenant.stop()))
})
afterAll(() => server?.stop(), 60_000)

const greetingCompleted = defineEvent({
  type: 'greeting.completed',
  topic: 'action-results',
  description: 'A greeting.',
  data: z.object({ text: z.string() }),
})
const greetingRequested = defineEvent({
  type: 'greeting.requested',
  topic: 'action-requests',
  description: 'Asks for a greeting.',
  data: z.object({ name: z.string() }),
  response: greetingCompleted,
})
const partCompleted = defineEvent({
  type: 'part.completed',
  topic: 'action-results',
  description: 'A part is done.',
  data: z.object({ part: z.number(), doubled: z.number() }),
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
  data: z.object({ parts: z.array(z.number()), done: z.number() }),
})
const sumRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum of parts.',
  data: z.object({ parts: z.array(z.number()) }),
  response: sumCompleted,
})
const broken = problem({ code: 'broken', status: 422, title: 'Broken', remedy: 'Mend it.', retryable: false })

/** Doubles its part. */
const aPartWorker = () => {
  const worker = defineWorker({ name: 'part-worker', description: 'Doubles.' })
  worker.onTask(partRequested, (task) => task.complete({ part: task.data.part, doubled: task.data.part * 2 }))
  return worker
}

describe.each(['in process', 'over HTTP', 'in memory'] as const)('agents %s', (home) => {
  const aTenant = () => {
    const tenantId = `tenant-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const place = home === 'in memory' ? createMemoryServer() : server
    const tenant = aTenantOn(place, { home, agent, user: testContext({ tenantId }), log: silentLogger })
    open.push(tenant)
    if (home === 'in memory') open.push(place as { stop: () => Promise<void> } & typeof place)
    return tenant
  }

  it('answer a request once, in the type, topic and correlation that it names', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.' })
    worker.onTask(greetingRequested, (task) => task.complete({ text: `Hello ${task.data.name}` }))
    await tenant.start(worker)
    const { eventId } = await tenant.request('greeting', { name: 'Ada' }, 'corr-1')
    const reply = await tenant.reply('greeting.completed', 'corr-1')
    expect(reply).toMatchObject({ data: { text: 'Hello Ada' }, outcome: 'ok', causationid: eventId, source: 'greeter' })
  })

  it('SDK-R15 answer data that does not fit with a failed reply that names the fields, without running the handler', async () => {
    const tenant = aTenant()
    let runs = 0
    const worker = defineWorker({ name: 'greeter', description: 'Greets.' })
    const loose = { ...greetingRequested, jsonSchema: { type: 'object' } }
    worker.onTask(loose, (task) => {
      runs += 1
      task.complete({ text: task.data.name })
    })
    await tenant.start(worker)
    await tenant.request('greeting', { name: 7 }, 'corr-1')
    const reply = await tenant.reply('greeting.completed', 'corr-1')
    expect(reply.outcome).toBe('failed')
    expect(reply.data).toMatchObject({ problem: { code: 'data-mismatch', errors: [{ pointer: '/data/name' }] } })
    expect(runs).toBe(0)
  })

  it('SDK-R14 answer a problem that no repeat mends and a task that is failed at once, once; an unfinished one with task-unfinished, unless sub-tasks are open', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.' })
    let runs = 0
    worker.onTask(greetingRequested, (task) => {
      runs += 1
      if (task.data.name === 'forget') return
      if (task.data.name === 'fail') return task.fail({ code: 'no-mood', detail: 'not today' })
      if (task.data.name === 'delegate') return void task.delegate(partRequested, { part: 1 })
      throw broken.create('it broke')
    })
    await tenant.start(worker)
    const names = ['throw', 'forget', 'fail', 'delegate']
    for (const name of names) await tenant.request('greeting', { name }, name)
    const replies = await Promise.all(names.slice(0, 3).map((name) => tenant.reply('greeting.completed', name)))
    expect(replies.map(({ data }) => data)).toMatchObject([
      { problem: { code: 'broken', detail: 'it broke' } },
      { problem: { code: 'task-unfinished' } },
      { problem: { code: 'no-mood', detail: 'not today' } },
    ])
    const eventsOf = async (type: string) =>
      (await tenant.clients.events.events.list(tenant.user, { query: { type } })).items
    await until(async () => (await eventsOf('part.requested'))[0])
    expect(runs).toBe(4)
    expect(await eventsOf('greeting.completed')).toHaveLength(3)
  })

  it.each([
    ['is tried again', () => new Error('NUL \0 and half a \ud83e fox')],
    ['is final', () => broken.create('NUL \0 and half a \ud83e fox')],
  ])('report a failure whose message no database can store and that %s', async (_case, failure) => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.', maxAttempts: 1 })
    worker.onTask(greetingRequested, () => {
      throw failure()
    })
    await tenant.start(worker)
    await tenant.request('greeting', { name: 'Ada' }, 'corr-1')
    const reply = await tenant.reply('greeting.completed', 'corr-1')
    expect(reply.data).toMatchObject({ problem: { detail: 'NUL \ufffd and half a \ufffd fox' } })
  })

  it('try a handler that throws again, and publish nothing of the run that threw', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.', backoff: { baseMs: 10 } })
    worker.onTask(greetingRequested, async (task, context) => {
      await context.bus.publish(partCompleted, { part: task.attempt, doubled: 0 })
      if (task.attempt === 1) throw new Error('not yet')
      task.complete({ text: `attempt ${task.attempt}` })
    })
    worker.onResult(partCompleted, () => undefined)
    await tenant.start(worker)
    await tenant.request('greeting', { name: 'Ada' }, 'corr-1')
    const reply = await tenant.reply('greeting.completed', 'corr-1')
    expect(reply.data).toEqual({ text: 'attempt 2' })
    const { items } = await tenant.clients.events.events.list(tenant.user, { query: { type: 'part.completed' } })
    expect(items.map((event) => event.data)).toEqual([{ part: 2, doubled: 0 }])
  })

  it('SDK-A4 answer once with the problem of a handler that throws five times, and let no other task wait for it', async () => {
    const tenant = aTenant()
    const bob = new EventEmitter()
    const isAnswered = once(bob, 'answered')
    const tries = new EventEmitter()
    const attempts: number[] = []
    const worker = defineWorker({ name: 'greeter', description: 'Greets.', backoff: { baseMs: 1 } })
    worker.onTask(greetingRequested, async (task) => {
      if (task.data.name === 'Bob') return task.complete({ text: 'Hello, Bob' })
      attempts.push(task.attempt)
      tries.emit(`try ${task.attempt}`)
      if (task.attempt === 2) await isAnswered
      throw new Error('never')
    })
    await tenant.start(worker)
    const isUnderWay = once(tries, 'try 2')
    await tenant.request('greeting', { name: 'Ada' }, 'corr-ada')
    await isUnderWay
    await tenant.request('greeting', { name: 'Bob' }, 'corr-bob')
    expect((await tenant.reply('greeting.completed', 'corr-bob')).data).toEqual({ text: 'Hello, Bob' })
    bob.emit('answered')
    const reply = await tenant.reply('greeting.completed', 'corr-ada')
    expect(reply).toMatchObject({ outcome: 'failed', data: { problem: { detail: 'never' } } })
    expect(attempts).toEqual([1, 2, 3, 4, 5])
    const query = { type: 'greeting.completed', correlationId: 'corr-ada' }
    expect((await tenant.clients.events.events.list(tenant.user, { query })).items).toHaveLength(1)
  })

  it('let a tool answer with what its handler returns', async () => {
    const tenant = aTenant()
    const tool = defineTool({ name: 'echo', description: 'Echoes.' })
    tool.onInvoke(greetingRequested, ({ data }) => ({ text: data.name }))
    await tenant.start(tool)
    await tenant.request('greeting', { name: 'Ada' }, 'corr-1')
    expect((await tenant.reply('greeting.completed', 'corr-1')).data).toEqual({ text: 'Ada' })
  })

  it('SDK-R18 fan out tasks of one type with data of their own, and see the group done once', async () => {
    const tenant = aTenant()
    const seen: { part: number; done: boolean }[] = []
    const adder = defineWorker({ name: 'adder', description: 'Adds.' })
    adder.onTask(sumRequested, (task) => {
      task.state.asked = task.data.parts.length
      task.delegateParallel(task.data.parts.map((part) => spec(partRequested, { part })))
    })
    adder.onResult(partCompleted, async (result) => {
      seen.push({ part: result.data.part, done: result.group?.done ?? false })
      if (result.group?.done !== true) return
      const task = await result.restoreTask()
      expect(task?.state).toEqual({ asked: 3 })
      const parts = (result.group.results as { doubled: number }[]).map(({ doubled }) => doubled)
      task?.complete({ parts, done: seen.filter(({ done }) => done).length } as never)
    })
    await tenant.start(aPartWorker())
    await tenant.start(adder)
    await tenant.request('sum', { parts: [1, 2, 3] }, 'corr-1')
    const reply = await tenant.reply('sum.completed', 'corr-1')
    expect(reply.data).toEqual({ parts: [2, 4, 6], done: 1 })
    expect(seen.map(({ part }) => part).sort((left, right) => left - right)).toEqual([1, 2, 3])
  })

  it('run a planner without a machine from goal over a fan-out and a gate to its end', async () => {
    const tenant = aTenant()
    const planner = definePlanner({ name: 'sum-planner', description: 'Plans sums.' })
    planner.onGoal(sumRequested, async (goal, context) => {
      const plan = await context.plans.createFromGoal(goal, { title: 'A sum', state: { rounds: 0 } })
      plan.delegateParallel(goal.data.parts.map((part) => spec(partRequested, { part }, { key: `part-${part}` })))
    })
    planner.onResult(partCompleted, async (result) => {
      if (result.group?.done !== true) return
      const plan = await result.restorePlan()
      if (plan === undefined) throw new Error('the plan is gone')
      plan.state.results = result.group.results as never
      await plan.openGate({ key: 'publish', title: 'Publish?', payload: { results: result.group.results as never } })
    })
    planner.onDecision(async (decision, plan) => {
      const results = plan.state.results as { doubled: number }[]
      if (decision.outcome === 'approved') plan.finalize({ parts: results.map(({ doubled }) => doubled), done: 1 })
      else plan.fail({ code: 'refused', detail: 'nobody wanted it' })
    })
    await tenant.start(aPartWorker())
    await tenant.start(planner)
    await tenant.request('sum', { parts: [1, 2] }, 'corr-1')
    const gate = await until(
      async () => (await tenant.clients.governance.gates.list(tenant.user, { query: {} })).items[0],
    )
    await tenant.clients.governance.gates.decide(tenant.user, {
      params: { gateId: gate.gateId },
      body: { decision: 'approve', payloadHash: gate.payloadHash },
    })
    const reply = await tenant.reply('sum.completed', 'corr-1')
    expect(reply.data).toEqual({ parts: [2, 4], done: 1 })
    const [plan] = (await tenant.clients.plans.plans.list(tenant.user, { query: {} })).items
    expect(plan).toMatchObject({ status: 'completed', title: 'A sum' })
    expect(plan?.counts).toMatchObject({ total: 3, completed: 3 })
  })

  it('drive a plan by its state machine', async () => {
    const tenant = aTenant()
    const planner = definePlanner({
      name: 'machine-planner',
      description: 'Plans by a machine.',
      stateMachine: {
        begin: { defaultNext: 'doubling' },
        doubling: {
          action: { event: partRequested, data: { part: '{{goal.data.parts}}' } },
          transitions: [
            { on: partCompleted, to: 'big', when: 'results.part.completed.doubled > 10' },
            { on: partCompleted, to: 'small' },
          ],
        },
        big: { terminal: true },
        small: { terminal: true },
      },
    })
    const oneRequested = defineEvent({
      type: 'one.requested',
      topic: 'action-requests',
      description: 'Asks for one part.',
      data: z.object({ parts: z.number() }),
      response: sumCompleted,
    })
    const oneCompleted = defineEvent({
      type: 'one.completed',
      topic: 'action-results',
      description: 'One.',
      data: sumCompleted.data,
    })
    planner.onEvent(oneCompleted, () => undefined)
    planner.onGoal(oneRequested, async (goal, context) => {
      const plan = await context.plans.createFromGoal(goal)
      plan.executeNext()
    })
    planner.onTransition((transition, plan) => {
      plan.executeNext(transition)
      if (plan.isComplete()) plan.finalize({ parts: [(transition.data as { doubled: number }).doubled], done: 1 })
    })
    await tenant.start(aPartWorker())
    await tenant.start(planner)
    await tenant.request('one', { parts: 6 }, 'corr-1')
    expect((await tenant.reply('one.completed', 'corr-1')).data).toEqual({ parts: [12], done: 1 })
    const [plan] = (await tenant.clients.plans.plans.list(tenant.user, { query: {} })).items
    expect(plan).toMatchObject({ status: 'completed', currentState: 'big' })
  })
})
