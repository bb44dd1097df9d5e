import { createSchemaCompiler } from '@soma/adapter-ajv'
import { eventsModule } from '@soma/events'
import { eventsContract } from '@soma/events/contract'
import { governanceModule } from '@soma/governance'
import { governanceContract } from '@soma/governance/contract'
import type { EventEnvelope, SqlSession } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { plansContract } from '@soma/plans/contract'
import { registryModule } from '@soma/registry'
import { registryContract } from '@soma/registry/contract'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { RunningAgent, StartOptions } from './index.ts'
import { defineEvent, definePlanner, defineTool, defineWorker, problem, spec } from './index.ts'

const contracts = [governanceContract, eventsContract, registryContract, plansContract]
const reservedNouns = new Set(
  contracts.flatMap(({ events }) => events.map(({ type }) => type.slice(0, type.indexOf('.')))),
)

let server: TestServer
let tenants = 0
const running: RunningAgent[] = []

beforeAll(async () => {
  const schemaCompiler = createSchemaCompiler()
  server = await createTestServer({
    modules: [governanceModule, eventsModule, registryModule, plansModule],
    portsOf: ({ database, spine }) => ({
      governance: { schemaCompiler },
      registry: { schemaCompiler, platformEvents: contracts.flatMap(({ events }) => events) },
      events: {
        schemaCompiler,
        bus: spine.bus,
        reader: spine.tail,
        recorder: spine.emitter,
        busTransaction: (work: (session: SqlSession) => Promise<unknown>) =>
          database.transaction({ role: 'soma_bus' }, work),
        reservedNouns,
      },
    }),
  })
}, 60_000)
afterEach(async () => {
  await Promise.all(running.splice(0).map((agent) => agent.stop()))
})
afterAll(() => server?.stop())

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

const request = (type: string, data: unknown, correlationId: string) => ({
  type: `${type}.requested`,
  topic: 'action-requests',
  data,
  correlationId,
  responseType: `${type}.completed`,
  responseTopic: 'action-results',
})

describe.each(['in process', 'over HTTP'] as const)('agents %s', (home) => {
  const aTenant = () => {
    const tenantId = `tenant-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const user = testContext({ tenantId })
    const connection: StartOptions = {
      headers: server.headersOf(agent),
      ...(home === 'in process' ? { platform: server } : { url: server.url }),
    }
    const start = async (definition: { start: (options: StartOptions) => Promise<RunningAgent> }) => {
      const one = await definition.start({ ...connection, log: testLog })
      running.push(one)
      return one
    }
    const events = server.client(eventsContract)
    const publish = (body: object) => events.events.publish(user, { body: body as never })
    const replyTo = (correlationId: string, type: string) => waitFor(correlationId, type)
    const waitFor = async (correlationId: string, type: string): Promise<EventEnvelope> => {
      const signal = AbortSignal.timeout(10_000)
      const query = { topics: 'action-results', types: type, correlationId, from: 'earliest' }
      for await (const frame of await events.events.stream(user, { query, signal })) {
        if (frame.event === 'event') return frame.data as EventEnvelope
      }
      throw new Error(`no ${type} came`)
    }
    return {
      tenantId,
      user,
      start,
      publish,
      replyTo,
      clients: {
        events,
        plans: server.client(plansContract),
        governance: server.client(governanceContract),
        registry: server.client(registryContract),
      },
    }
  }

  it('answer a request once, in the type, topic and correlation that it names', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.' })
    worker.onTask(greetingRequested, (task) => task.complete({ text: `Hello ${task.data.name}` }))
    await tenant.start(worker)
    const { eventId } = await tenant.publish(request('greeting', { name: 'Ada' }, 'corr-1'))
    const reply = await tenant.replyTo('corr-1', 'greeting.completed')
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
    await tenant.publish(request('greeting', { name: 7 }, 'corr-1'))
    const reply = await tenant.replyTo('corr-1', 'greeting.completed')
    expect(reply.outcome).toBe('failed')
    expect(reply.data).toMatchObject({ problem: { code: 'data-mismatch', errors: [{ pointer: '/data/name' }] } })
    expect(runs).toBe(0)
  })

  it('answer a problem that no repeat mends at once, and an unfinished handler with task-unfinished', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'greeter', description: 'Greets.' })
    let runs = 0
    worker.onTask(greetingRequested, (task) => {
      runs += 1
      if (task.data.name === 'forget') return
      throw broken.create('it broke')
    })
    await tenant.start(worker)
    await tenant.publish(request('greeting', { name: 'throw' }, 'corr-1'))
    await tenant.publish(request('greeting', { name: 'forget' }, 'corr-2'))
    const [thrown, forgotten] = await Promise.all([
      tenant.replyTo('corr-1', 'greeting.completed'),
      tenant.replyTo('corr-2', 'greeting.completed'),
    ])
    expect(thrown.data).toMatchObject({ problem: { code: 'broken', detail: 'it broke' } })
    expect(forgotten.data).toMatchObject({ problem: { code: 'task-unfinished' } })
    expect(runs).toBe(2)
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
    await tenant.publish(request('greeting', { name: 'Ada' }, 'corr-1'))
    const reply = await tenant.replyTo('corr-1', 'greeting.completed')
    expect(reply.data).toEqual({ text: 'attempt 2' })
    const { items } = await tenant.clients.events.events.list(tenant.user, { query: { type: 'part.completed' } })
    expect(items.map((event) => event.data)).toEqual([{ part: 2, doubled: 0 }])
  })

  it('let a tool answer with what its handler returns', async () => {
    const tenant = aTenant()
    const tool = defineTool({ name: 'echo', description: 'Echoes.' })
    tool.onInvoke(greetingRequested, ({ data }) => ({ text: data.name }))
    await tenant.start(tool)
    await tenant.publish(request('greeting', { name: 'Ada' }, 'corr-1'))
    expect((await tenant.replyTo('corr-1', 'greeting.completed')).data).toEqual({ text: 'Ada' })
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
    await tenant.publish(request('sum', { parts: [1, 2, 3] }, 'corr-1'))
    const reply = await tenant.replyTo('corr-1', 'sum.completed')
    expect(reply.data).toEqual({ parts: [2, 4, 6], done: 1 })
    expect(seen.map(({ part }) => part).sort()).toEqual([1, 2, 3])
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
    await tenant.publish(request('sum', { parts: [1, 2] }, 'corr-1'))
    const gate = await until(
      async () => (await tenant.clients.governance.gates.list(tenant.user, { query: {} })).items[0],
    )
    await tenant.clients.governance.gates.decide(tenant.user, {
      params: { gateId: gate.gateId },
      body: { decision: 'approve', payloadHash: gate.payloadHash },
    })
    const reply = await tenant.replyTo('corr-1', 'sum.completed')
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
    const goal = { ...request('sum', { parts: 6 }, 'corr-1'), type: 'one.requested' }
    await tenant.publish(goal)
    expect((await tenant.replyTo('corr-1', 'sum.completed')).data).toEqual({ parts: [12], done: 1 })
    const [plan] = (await tenant.clients.plans.plans.list(tenant.user, { query: {} })).items
    expect(plan).toMatchObject({ status: 'completed', currentState: 'big' })
  })
})

async function until<Value>(read: () => Promise<Value | undefined>): Promise<Value> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const value = await read()
    if (value !== undefined) return value
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it never came')
}

const testLog = {
  debug() {},
  info() {},
  warn: (message: string, fields?: object) =>
    process.env.SDK_LOG &&
    console.warn(
      message,
      JSON.stringify(fields, (_k, v) =>
        v instanceof Error ? { m: v.message, s: v.stack?.split('\n').slice(0, 6), ...v } : v,
      ),
    ),
  error: (message: string, fields?: object) => console.error(message, fields),
  child: () => testLog,
} as never
void problem
void spec
void definePlanner
void defineTool
