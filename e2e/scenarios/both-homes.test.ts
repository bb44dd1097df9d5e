import { defineEvent, definePlanner, defineWorker, spec } from '@soma/sdk'
import { createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { HOMES, type Home, openHome } from '../homes/home.ts'

const squared = defineEvent({
  type: 'number.squared',
  topic: 'action-results',
  description: 'A square.',
  data: z.strictObject({ square: z.number() }),
})
const squareRequested = defineEvent({
  type: 'number.square.requested',
  topic: 'action-requests',
  description: 'Square a number.',
  data: z.strictObject({ value: z.number() }),
  response: squared,
})
const summed = defineEvent({
  type: 'squares.summed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.strictObject({ sum: z.number() }),
})
const sumRequested = defineEvent({
  type: 'squares.sum.requested',
  topic: 'action-requests',
  description: 'Sum squares.',
  data: z.strictObject({ values: z.array(z.number()) }),
  response: summed,
})

function agents() {
  const worker = defineWorker({ name: 'squarer', description: 'Squares numbers.' })
  worker.onTask(squareRequested, (task) => task.complete({ square: task.data.value ** 2 }))
  const planner = definePlanner({ name: 'summer', description: 'Sums squares.' })
  planner.onGoal(sumRequested, async (goal, { plans }) => {
    const plan = await plans.createFromGoal(goal)
    plan.delegateParallel(goal.data.values.map((value) => spec(squareRequested, { value })))
  })
  planner.onResult(squared, async (result) => {
    const plan = await result.restorePlan()
    if (plan === undefined || result.group?.done !== true) return
    const sum = result.group.results.reduce<number>((total, each) => total + (each as { square: number }).square, 0)
    await plan.openGate({
      key: 'publish',
      title: 'Publish the sum?',
      payload: { sum },
      requirements: [{ excludeRequester: false }],
    })
  })
  planner.onDecision(async (decision, plan) => {
    if (decision.outcome === 'approved') plan.finalize(await decision.payload())
    else plan.fail({ code: 'conflict', detail: 'not published' })
  })
  return [worker, planner]
}

describe.each(HOMES)('%s', (name) => {
  let home: Home
  const started = agents()
  beforeAll(async () => {
    home = await openHome(name, { settings: { mode: 'developer-light' } })
    for (const agent of started) await agent.start({ url: home.url })
  }, 60_000)
  afterAll(async () => {
    for (const agent of started) await agent.stop()
    await home.stop()
  }, 120_000)

  test('a plan fans out to workers, waits at a gate for a person, and answers its requester once', async () => {
    const clients = createClients({ url: home.url })
    const answers = clients.events.events.stream({
      query: { topics: 'action-results', types: 'squares.summed', from: 'now' },
    })
    const stream = await answers
    await clients.events.events.publish({
      body: {
        type: sumRequested.type,
        topic: 'action-requests',
        data: { values: [1, 2, 3, 4] },
        correlationId: 'sum-1',
        responseType: 'squares.summed',
        responseTopic: 'action-results',
      } as never,
    })
    const gate = await firstGate(clients)
    expect(gate.payload).toEqual({ sum: 30 })
    await clients.governance.gates.decide({
      params: { gateId: gate.gateId },
      body: { decision: 'approve', payloadHash: gate.payloadHash },
    })
    for await (const frame of stream) {
      if (frame.event !== 'event') continue
      expect(frame.data).toMatchObject({ type: 'squares.summed', correlationid: 'sum-1', data: { sum: 30 } })
      break
    }
    const { plan } = await clients.plans.plans.byCorrelation({ params: { correlationId: 'sum-1' } })
    expect(plan).toMatchObject({ status: 'completed', outputs: { sum: 30 } })
  }, 60_000)

  test('every module answers at every way in, and every way in proves the caller', async () => {
    for (const server of new Set(Object.values(home.servers))) {
      const me = await fetch(`${server.url}/v1/identity/me`)
      expect(await me.json()).toMatchObject({ principalId: 'developer', tenantId: 'default' })
      expect((await fetch(`${server.url}/v1/plans`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    }
  })
})

async function firstGate(clients: ReturnType<typeof createClients>) {
  const open = async () => (await clients.governance.gates.list({ query: { status: 'open' } })).items[0]
  const stream = await clients.governance.gates.stream({})
  const known = await open()
  if (known !== undefined) return known
  for await (const frame of stream) if (frame.event === 'gate' && frame.data.status === 'open') return frame.data
  throw new Error('the stream of gates ended')
}
