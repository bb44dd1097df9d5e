import { newId, silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createMemoryServer } from '../testing/memory-server.ts'
import { aTenantOn, until } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineWorker } from './index.ts'

let server: TestServer
let tenants = 0
const open: { stop: () => Promise<void> }[] = []

beforeAll(async () => {
  server = await startServerOfTests({ 'registry.heartbeatMs': 200 })
}, 60_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map((tenant) => tenant.stop()))
})
afterAll(() => server?.stop(), 60_000)

const noted = defineEvent({
  type: 'note.kept',
  topic: 'business-facts',
  description: 'A note.',
  data: z.object({ text: z.string() }),
})
const workCompleted = defineEvent({
  type: 'work.completed',
  topic: 'action-results',
  description: 'Work is done.',
  data: z.object({ said: z.unknown() }),
})
const workRequested = defineEvent({
  type: 'work.requested',
  topic: 'action-requests',
  description: 'Asks for work.',
  data: z.object({ name: z.string() }),
  response: workCompleted,
})

/** Resolves from outside. */
function aGate() {
  let pass: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    pass = resolve
  })
  return { passed, pass }
}

describe.each(['in process', 'over HTTP', 'in memory'] as const)('an agent %s', (home) => {
  const aTenant = () => {
    const tenantId = `life-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const place = home === 'in memory' ? createMemoryServer() : server
    const tenant = aTenantOn(place, { home, agent, user: testContext({ tenantId }), log: silentLogger })
    open.push(tenant)
    if (home === 'in memory') open.push(place as { stop: () => Promise<void> } & typeof place)
    return tenant
  }
  const namesOf = async (tenant: ReturnType<typeof aTenant>) =>
    (await tenant.clients.registry.agents.list(tenant.user, { query: {} })).items.map((agent) => agent.name)

  it('registers schemas, events and itself before its start hooks, and is gone after its stop hooks', async () => {
    const tenant = aTenant()
    const seen: string[] = []
    const worker = defineWorker({ name: 'lively', description: 'Lives.', produces: [noted], capabilities: ['living'] })
    worker.onTask(workRequested, (task) => task.complete({ said: 1 }))
    worker.onStartup(async ({ registry }) => void seen.push(`start ${(await registry.agent('lively'))?.status}`))
    worker.onShutdown(async ({ registry }) => void seen.push(`stop ${(await registry.agent('lively'))?.status}`))
    await tenant.start(worker)
    const agent = await tenant.clients.registry.agents.get(tenant.user, { params: { name: 'lively' } })
    expect(agent).toMatchObject({ kind: 'worker', status: 'live', consumes: [{ type: 'work.requested', range: '^1' }] })
    const events = await tenant.clients.registry.events.list(tenant.user, { query: { visibility: 'tenant' } })
    expect(events.items.map((event) => event.type)).toEqual(['note.kept', 'work.completed', 'work.requested'])
    await worker.stop()
    expect(seen).toEqual(['start live', 'stop deregistered'])
  })

  it('SDK-R7 hears what its handlers name, in a group of its name, and follows a change of them', async () => {
    const tenant = aTenant()
    const aWorker = () => defineWorker({ name: 'hearer', description: 'Hears.' })
    const first = aWorker()
    first.onTask(workRequested, (task) => task.complete({ said: 1 }))
    expect(() => first.onEvent(workRequested, () => undefined)).toThrow('already handles "work.requested"')
    expect(() => first.onTask('*' as never, () => undefined)).toThrow('for onEvent alone')
    await tenant.start(first)
    const groups = async () =>
      (await tenant.clients.events.subscriptions.list(tenant.user, { query: {} })).items.map(
        ({ name, topics, types }) => `${name}: ${topics.join()} ${types.join()}`,
      )
    expect(await groups()).toEqual(['hearer: action-requests work.requested'])
    await first.stop()
    const second = aWorker()
    second.onTask(workRequested, (task) => task.complete({ said: 1 }))
    second.onEvent('*', 'business-facts', () => undefined)
    await tenant.start(second)
    expect(await groups()).toEqual(['hearer: action-requests,business-facts *'])
  })

  it('REG-R5 registers in full again when the registry has forgotten it, or knows something else of it', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'forgotten', description: 'Comes back.', heartbeatMs: 50 })
    worker.onTask(workRequested, (task) => task.complete({ said: 1 }))
    const { identity } = await tenant.start(worker)
    const params = { name: 'forgotten', instanceId: identity.instanceId }
    await tenant.clients.registry.instances.deregister(tenant.agent, { params })
    const back = await until(async () => ((await namesOf(tenant)).includes('forgotten') ? true : undefined))
    expect(back).toBe(true)
    if (home === 'in memory') return
    const consumed = async () => {
      const { consumes } = await tenant.clients.registry.agents.get(tenant.user, { params: { name: 'forgotten' } })
      return consumes.length > 0 ? consumes : undefined
    }
    const other = { kind: 'worker' as const, description: 'Something else.', agentVersion: '1.0.0' }
    const { agent } = await tenant.clients.registry.instances.register(tenant.agent, { params, body: other })
    expect(agent.consumes).toEqual([])
    expect(await until(consumed)).toMatchObject([{ type: 'work.requested' }])
  })

  it('REG-R6 is out of the registry while it ends what it has in hand', async () => {
    const tenant = aTenant()
    const [begun, gate] = [aGate(), aGate()]
    const worker = defineWorker({ name: 'leaving', description: 'Leaves.' })
    worker.onTask(workRequested, async (task) => {
      begun.pass()
      await gate.passed
      task.complete({ said: 1 })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    await begun.passed
    const stopped = worker.stop()
    const params = { name: 'leaving' }
    const isGone = async () =>
      (await tenant.clients.registry.agents.get(tenant.user, { params })).status === 'deregistered' || undefined
    expect(await until(isGone)).toBe(true)
    gate.pass()
    await stopped
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: 1 })
  })

  it('SDK-R11 sends what a handler published in order with the ack, immediate ones at once, and nothing when it throws', async () => {
    const tenant = aTenant()
    const [begun, gate] = [aGate(), aGate()]
    const worker = defineWorker({ name: 'noter', description: 'Notes.', backoff: { baseMs: 1 }, produces: [noted] })
    worker.onTask(workRequested, async (task, { bus }) => {
      await bus.publish(noted, { text: `first ${task.attempt}` })
      await bus.publish(noted, { text: `now ${task.attempt}` }, { immediate: true })
      await bus.announce(noted, { text: `second ${task.attempt}` })
      if (task.attempt === 1) throw new Error('once more')
      begun.pass()
      await gate.passed
      task.complete({ said: 1 })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    const notes = async () => {
      const page = await tenant.clients.events.events.list(tenant.user, { query: { type: 'note.kept' } })
      return page.items.map((event) => (event.data as { text: string }).text).reverse()
    }
    await begun.passed
    expect(await notes()).toEqual(['now 1'])
    gate.pass()
    await tenant.reply('work.completed', 'corr-1')
    expect(await notes()).toEqual(['now 1', 'first 2', 'second 2'])
  })

  it('finishes what is in hand when it stops, and hands back what does not end within the grace', async () => {
    const tenant = aTenant()
    const begun = aGate()
    const attempts: number[] = []
    const aWorker = (name: string, handle: () => Promise<void>) => {
      const worker = defineWorker({ name, description: 'Stops.', graceMs: 200, concurrency: 1 })
      worker.onTask(workRequested, async (task) => {
        attempts.push(task.attempt)
        begun.pass()
        await handle()
        task.complete({ said: task.attempt })
      })
      return worker
    }
    const quick = aWorker('stopper', () => new Promise((resolve) => setTimeout(resolve, 100)))
    await tenant.start(quick)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    await begun.passed
    await quick.stop()
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: 1 })

    const hanging = aWorker('stopper', () => new Promise(() => undefined))
    await tenant.start(hanging)
    await tenant.request('work', { name: 'b' }, 'corr-2')
    await until(async () => (attempts.length === 2 ? true : undefined))
    await hanging.stop()
    await tenant.start(aWorker('stopper', async () => undefined))
    expect((await tenant.reply('work.completed', 'corr-2')).data).toEqual({ said: 1 })
  })

  it('EVT-R30 keeps a delivery as long as its handler runs, and runs other keys beside it', async () => {
    const tenant = aTenant()
    const gate = aGate()
    const runs: string[] = []
    const worker = defineWorker({ name: 'slow', description: 'Is slow.', leaseMs: 1000, concurrency: 2 })
    worker.onTask(workRequested, async (task) => {
      runs.push(task.data.name)
      if (task.data.name === 'long') await gate.passed
      task.complete({ said: task.attempt })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'long' }, 'corr-1')
    await tenant.request('work', { name: 'short' }, 'corr-2')
    await tenant.reply('work.completed', 'corr-2')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    gate.pass()
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: 1 })
    expect(runs.sort((left, right) => (left < right ? -1 : 1))).toEqual(['long', 'short'])
  })

  it('asks a person once, waits at no cost, and goes on with the answer', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'asker', description: 'Asks.' })
    worker.onTask(workRequested, async (task) => {
      const colour = await task.ask<string>({ question: 'Which colour?', schema: { type: 'string' } })
      if (colour !== undefined) task.complete({ said: colour })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    const { gates } = tenant.clients.governance
    const gate = await until(async () => (await gates.list(tenant.user, { query: {} })).items[0])
    const asker = { ...tenant.user, principal: { ...tenant.user.principal, id: gate.requesterId } }
    await gates.decide(asker, {
      params: { gateId: gate.gateId },
      body: { decision: 'approve', payloadHash: gate.payloadHash, edits: { answer: 'green' } },
    })
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: 'green' })
    expect((await gates.list(asker, { query: {} })).items).toHaveLength(1)
  })

  it('SDK-R13 runs what is once for a task one time, over attempts', async () => {
    const tenant = aTenant()
    let runs = 0
    const worker = defineWorker({ name: 'oncer', description: 'Once.', backoff: { baseMs: 1 } })
    worker.onTask(workRequested, async (task) => {
      const first = await task.once('count', () => ++runs)
      if (task.attempt < 3) throw new Error('again')
      const other = await task.once('other', () => ++runs)
      task.complete({ said: [first, other] })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    await tenant.request('work', { name: 'b' }, 'corr-2')
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: [1, expect.any(Number)] })
    await tenant.reply('work.completed', 'corr-2')
    expect(runs).toBe(4)
  })

  it('SDK-R13 runs what is once for a task one time, also when it was handed back half-way', async () => {
    const tenant = aTenant()
    const begun = aGate()
    let [runs, isLeaving] = [0, true]
    const worker = defineWorker({ name: 'leaver', description: 'Leaves.', graceMs: 1 })
    worker.onTask(workRequested, async (task, { signal }) => {
      const first = await task.once('count', () => ++runs)
      begun.pass()
      if (isLeaving) await new Promise((_, fail) => signal.addEventListener('abort', fail))
      task.complete({ said: [first, task.attempt] })
    })
    await tenant.start(worker)
    await Promise.all([tenant.request('work', { name: 'a' }, 'corr-1'), begun.passed])
    await worker.stop()
    isLeaving = false
    await tenant.start(worker)
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: [1, 1] })
  })

  it('SDK-R24 requests and waits, answers by respond, and says so when nobody asked for an answer', async () => {
    const tenant = aTenant()
    const answerer = defineWorker({ name: 'answerer', description: 'Answers.' })
    answerer.onEvent(workRequested, (event, { bus }) => {
      if (event.data.name === 'known') bus.respond({ said: event.data.name })
    })
    const errors: unknown[] = []
    const asked = defineEvent({
      type: 'outer.requested',
      topic: 'action-requests',
      description: 'Asks the asker.',
      data: z.object({}),
      response: defineEvent({
        type: 'outer.completed',
        topic: 'action-results',
        description: 'What it heard.',
        data: z.object({ known: z.unknown(), unknown: z.boolean() }),
      }),
    })
    const asker = defineWorker({ name: 'asker', description: 'Asks.', produces: [noted] })
    asker.onTask(asked, async (task, { bus }) => {
      const known = await bus.request(workRequested, { name: 'known' })
      const unknown = await bus.request(workRequested, { name: 'other' }, { timeoutMs: 200 })
      await bus.announce(noted, { text: 'silent' })
      task.complete({ known: known?.data, unknown: unknown === undefined })
    })
    asker.onEvent(noted, (_event, { bus }) => {
      try {
        bus.respond({})
      } catch (error) {
        errors.push(error)
      }
    })
    await tenant.start(answerer)
    await tenant.start(asker)
    await tenant.request('outer', {}, 'corr-1')
    const reply = await tenant.reply('outer.completed', 'corr-1')
    expect(reply.data).toEqual({ known: { said: 'known' }, unknown: true })
    await until(async () => errors[0])
    expect(errors[0]).toMatchObject({ code: 'no-response-type', message: expect.stringContaining('note.kept') })
  })

  it('makes one plan of one goal event, and hears nothing of the plans of others', async () => {
    const tenant = aTenant()
    const heard: string[] = []
    const aPlanner = (name: string, goalType: 'first' | 'second') => {
      const goalRequested = defineEvent({
        type: `${goalType}.requested`,
        topic: 'action-requests',
        description: 'A goal.',
        data: z.object({}),
        response: defineEvent({
          type: `${goalType}.completed`,
          topic: 'action-results',
          description: 'Reached.',
          data: z.object({}),
        }),
      })
      const planner = definePlanner({ name, description: 'Plans.', backoff: { baseMs: 1 } })
      let runs = 0
      planner.onGoal(goalRequested, async (goal, context) => {
        const plan = await context.plans.createFromGoal(goal)
        plan.delegate(workRequested, { name })
        runs += 1
        if (runs === 1) throw new Error('the first run fails')
      })
      planner.onResult(workCompleted, async (result) => {
        heard.push(`${name} ${String(result.data.said)}`)
        const plan = await result.restorePlan()
        plan?.finalize({})
      })
      return planner
    }
    const worker = defineWorker({ name: 'echo', description: 'Echoes.' })
    worker.onTask(workRequested, (task) => task.complete({ said: task.data.name }))
    await tenant.start(worker)
    await tenant.start(aPlanner('planner-a', 'first'))
    await tenant.start(aPlanner('planner-b', 'second'))
    await tenant.request('first', {}, 'corr-1')
    await tenant.request('second', {}, 'corr-2')
    await tenant.reply('first.completed', 'corr-1')
    await tenant.reply('second.completed', 'corr-2')
    expect(heard.sort((left, right) => (left < right ? -1 : 1))).toEqual(['planner-a planner-a', 'planner-b planner-b'])
    expect((await tenant.clients.plans.plans.list(tenant.user, { query: {} })).items).toHaveLength(2)
  })

  it('cancels a plan with its open tasks, and the requester hears', async () => {
    const tenant = aTenant()
    const planner = definePlanner({ name: 'canceller', description: 'Gives up.', startAt: 'earliest' })
    planner.onGoal(workRequested, async (goal, context) => {
      const plan = await context.plans.createFromGoal(goal)
      await plan.openGate({ key: 'go-on', title: 'Go on?', payload: {} })
    })
    planner.onDecision((decision, plan) => plan.cancel(`the gate was ${decision.outcome}`))
    await tenant.start(planner)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    const { gates } = tenant.clients.governance
    const gate = await until(async () => (await gates.list(tenant.user, { query: {} })).items[0])
    await gates.decide(tenant.user, {
      params: { gateId: gate.gateId },
      body: { decision: 'reject', payloadHash: gate.payloadHash },
    })
    expect(await tenant.reply('work.completed', 'corr-1')).toMatchObject({ outcome: 'failed' })
    const [plan] = (await tenant.clients.plans.plans.list(tenant.user, { query: {} })).items
    expect(plan).toMatchObject({ status: 'cancelled', stopReason: expect.stringContaining('rejected') })
  })

  it('answers undefined for what is not there', async () => {
    const tenant = aTenant()
    const worker = defineWorker({ name: 'finder', description: 'Finds.' })
    worker.onTask(workRequested, async (task, context) => {
      const found = [
        await context.plans.restore(newId('plan')),
        await context.plans.restoreTask(newId('task')),
        await context.plans.restoreByCorrelation('nothing'),
        await context.registry.agent('nobody'),
        await context.gates.get(newId('gate')),
      ]
      task.complete({ said: found.every((value) => value === undefined) })
    })
    await tenant.start(worker)
    await tenant.request('work', { name: 'a' }, 'corr-1')
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: true })
  })
})
