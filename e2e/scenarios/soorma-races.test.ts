import { buildClient, silentLogger } from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { registryContract } from '@soma/registry/contract'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SoormaAgent, type SoormaTenant, onboard } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
  acme = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

const TIMES = [1, 2, 3, 4, 5, 6]
const atOnce = (agent: SoormaAgent, request: string, bodyOf: (n: number) => object) =>
  Promise.all(TIMES.map((n) => agent.ask(request, bodyOf(n))))
const statusesOf = (answers: readonly { status: number }[]) =>
  answers.map(({ status }) => status).toSorted((one, other) => one - other)
const plansOf = async (userId: string) => {
  const context = testContext({ tenantId: acme.tenantId, userId, capabilities: ['plan:read'] })
  return (await buildClient(plansContract, server.transport).plans.list(context, { query: {} })).items
}

test('of six that make one plan at once one makes it, and its context may be saved meanwhile', async () => {
  const planner = await acme.as('planner', { serviceUserId: 'racer' })
  const aPlan = (n: number) => ({ planId: 'raced', goalEvent: 'a.b', sessionId: `s${n}` })
  const context = { planId: 'raced', goalEvent: 'a.b', responseEvent: 'a.c', state: { step: 1 }, correlationIds: ['c'] }
  const [made, saved] = await Promise.all([
    atOnce(planner, 'POST /v1/memory/plans', aPlan),
    atOnce(planner, 'POST /v1/memory/plan-context', () => context),
  ])
  expect(statusesOf(made)).toEqual([201, 409, 409, 409, 409, 409])
  expect(made.find(({ status }) => status === 409)?.body).toEqual({ detail: 'Plan already exists: raced' })
  expect(statusesOf(saved)).toEqual([200, 200, 200, 200, 200, 200])
  expect(await plansOf('racer')).toHaveLength(1)
  const winner = made.find(({ status }) => status === 201)?.body
  expect((await planner.get('/v1/memory/plans/raced')).body).toMatchObject({ sessionId: winner.sessionId })
  expect((await planner.get('/v1/memory/plan-context/raced')).body).toMatchObject({ responseEvent: 'a.c' })
})

test('first saves at once of a name that another user has are one plan and one task of their own user', async () => {
  const bob = await acme.as('planner', { serviceUserId: 'bob' })
  const carol = await acme.as('planner', { serviceUserId: 'carol' })
  const context = (state: object) => ({ planId: 'same', goalEvent: 'a.b', state, correlationIds: [] })
  const task = (state: object) => ({ taskId: 'same', eventType: 'a.b', state })
  await bob.ask('POST /v1/memory/plan-context', context({ of: 'bob' }))
  await bob.ask('POST /v1/memory/task-context', task({ of: 'bob' }))
  const saves = [
    ...(await atOnce(carol, 'POST /v1/memory/plan-context', () => context({ of: 'carol' }))),
    ...(await atOnce(carol, 'POST /v1/memory/task-context', () => task({ of: 'carol' }))),
  ]
  expect(new Set(statusesOf(saves))).toEqual(new Set([200]))
  expect(await plansOf('carol')).toHaveLength(1)
  for (const path of ['plan-context', 'task-context'])
    expect((await bob.get(`/v1/memory/${path}/same`)).body.state).toEqual({ of: 'bob' })
})

test('agents, events and schemas that are registered at once are one each, and of a schema one only is told that it was', async () => {
  const event = { eventName: 'math.add', topic: 'action-requests', description: 'Adds.' }
  const schemas = await atOnce(acme, 'POST /v1/schemas', (n) => ({
    schema: { schemaName: 'raced', version: '1.0.0', jsonSchema: { title: `of ${n}` } },
  }))
  expect(statusesOf(schemas)).toEqual([200, 409, 409, 409, 409, 409])
  for (const { status, body } of schemas)
    if (status === 409) expect(body).toEqual({ detail: "Schema 'raced@1.0.0' already exists for this tenant" })
  const winner = schemas.findIndex(({ status }) => status === 200) + 1
  expect((await acme.get('/v1/schemas/raced')).body.jsonSchema).toEqual({ title: `of ${winner}` })
  const events = await atOnce(acme, 'POST /v1/events', (n) => ({ event: { ...event, description: `Adds ${n}.` } }))
  expect(new Set(statusesOf(events))).toEqual(new Set([200]))
  expect(events.filter(({ body }) => body.message.includes('registered'))).toHaveLength(1)
  const agent = {
    ...{ agentId: 'raced', name: 'Raced', description: 'Races.' },
    capabilities: [{ taskName: 'add', description: 'Adds.', consumedEvent: event, producedEvents: [] }],
  }
  const agents = await atOnce(acme, 'POST /v1/agents', () => ({ agent }))
  expect(new Set(statusesOf(agents))).toEqual(new Set([200]))
  expect(agents.filter(({ body }) => body.message.includes('registered'))).toHaveLength(1)
  const reader = testContext({ tenantId: acme.tenantId, capabilities: ['agent:read'] })
  const { items } = await buildClient(registryContract, server.transport).agents.list(reader, { query: {} })
  expect(items.flatMap(({ instances }) => instances)).toHaveLength(1)
})

test('principals of a type that a tenant has not yet had are made at once, with one role', async () => {
  const types = await Promise.all(TIMES.map(() => acme.as('tool')))
  for (const agent of types) expect((await agent.get('/v1/agents')).status).toBe(200)
})

test('a task has 1,000 sub-tasks at most, however many saves name them, and one that is named no more finds it no longer', async () => {
  const worker = await acme.as('worker', { serviceUserId: 'many' })
  const save = (from: number, count: number) =>
    worker.ask('POST /v1/memory/task-context', {
      taskId: 'many',
      eventType: 'a.b',
      subTasks: Array.from({ length: count }, (_, index) => `sub-${from + index}`),
    })
  expect((await save(0, 600)).status).toBe(200)
  expect((await save(300, 700)).body.subTasks).toHaveLength(1000)
  const tooMany = await save(999, 2)
  expect([tooMany.status, tooMany.body.detail]).toEqual([
    422,
    'a task has at most 1000 sub-tasks; with these it would have 1001',
  ])
  expect((await worker.get('/v1/memory/task-context/by-subtask/sub-0')).status).toBe(200)
  expect((await worker.ask('PUT /v1/memory/task-context/many', { subTasks: ['sub-7'] })).status).toBe(200)
  expect((await worker.get('/v1/memory/task-context/by-subtask/sub-0')).status).toBe(404)
  expect((await worker.get('/v1/memory/task-context/by-subtask/sub-7')).body.taskId).toBe('many')
})
