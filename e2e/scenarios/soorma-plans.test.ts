import { buildClient, silentLogger } from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SoormaAgent, type SoormaTenant, onboard } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
let beta: SoormaTenant
let planner: SoormaAgent
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
  acme = await onboard(`${server.url}/soorma`)
  beta = await onboard(`${server.url}/soorma`)
  planner = await acme.as('planner', { serviceUserId: 'alice' })
}, 60_000)
afterAll(() => server.stop())

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/
const plansOfSoma = async (query: object, userId = 'alice') =>
  (
    await buildClient(plansContract, server.transport).plans.list(
      testContext({ tenantId: acme.tenantId, userId, capabilities: ['plan:read'] }),
      { query },
    )
  ).items
const aContext = (planId: string, more: object = {}) => ({
  planId,
  goalEvent: 'trip.Requested',
  goalData: { to: 'Rome' },
  responseEvent: 'trip.planned',
  state: { status: 'pending', step: 1 },
  currentState: 'booking',
  correlationIds: [planId, 'goal-1'],
  ...more,
})

test('a plan and its context are one plan of ours, found by correlation, changed by later saves, and ended by the status in its state', async () => {
  const made = await planner.ask('POST /v1/memory/plans', {
    plan_id: 'trip 1',
    goal_event: 'trip.Requested',
    goal_data: { to: 'Rome' },
    session_id: 'session 1',
  })
  const summary = {
    tenantId: acme.tenantId,
    userId: 'alice',
    planId: 'trip 1',
    sessionId: 'session 1',
    goalEvent: 'trip.Requested',
    goalData: { to: 'Rome' },
    status: 'running',
    parentPlanId: null,
    createdAt: expect.stringMatching(TIME),
    updatedAt: expect.stringMatching(TIME),
  }
  expect([made.status, made.body]).toEqual([201, summary])
  const twice = await planner.ask('POST /v1/memory/plans', { planId: 'trip 1', goalEvent: 'x' })
  expect([twice.status, twice.body]).toEqual([409, { detail: 'Plan already exists: trip 1' }])
  expect((await planner.get('/v1/memory/plan-context/trip%201')).status).toBe(404)

  const saved = await planner.ask('POST /v1/memory/plan-context', aContext('trip 1'))
  const context = {
    tenantId: acme.tenantId,
    planId: 'trip 1',
    sessionId: 'session 1',
    goalEvent: 'trip.Requested',
    goalData: { to: 'Rome' },
    responseEvent: 'trip.planned',
    state: { status: 'pending', step: 1 },
    currentState: 'booking',
    correlationIds: ['trip 1', 'goal-1'],
    createdAt: expect.stringMatching(TIME),
    updatedAt: expect.stringMatching(TIME),
  }
  expect([saved.status, saved.body]).toEqual([200, context])
  for (const id of ['trip%201', 'goal-1'])
    expect((await planner.get(`/v1/memory/plan-context/by-correlation/${id}`)).body).toEqual(context)
  expect((await planner.get('/v1/memory/plan-context/trip%201')).body).toEqual(context)

  const other = aContext('trip 1', { goalEvent: 'other', responseEvent: 'other', goalData: {}, currentState: 'paying' })
  expect((await planner.ask('POST /v1/memory/plan-context', other)).body).toEqual({
    ...context,
    currentState: 'paying',
  })
  const update = { state: { step: 2 }, correlation_ids: ['goal-2'] }
  expect((await planner.ask('PUT /v1/memory/plan-context/trip%201', update)).body).toEqual({
    ...context,
    currentState: 'paying',
    state: { step: 2 },
    correlationIds: ['goal-2'],
  })
  expect((await planner.get('/v1/memory/plan-context/by-correlation/goal-1')).body).toEqual({
    detail: 'Plan not found for correlation ID: goal-1',
  })

  const [own] = await plansOfSoma({ status: 'pending' })
  expect(own).toMatchObject({
    currentState: 'paying',
    goal: { type: 'soorma.trip.0-52equested', data: { to: 'Rome' } },
  })
  for (const status of ['paused', 'running', 'completed']) {
    await planner.ask('POST /v1/memory/plan-context', aContext('trip 1', { state: { status } }))
    expect((await planner.get('/v1/memory/plans/trip%201')).body.status).toBe(status)
  }
  expect((await plansOfSoma({ status: 'completed' })).map(({ planId }) => planId)).toEqual([own?.planId])
  expect((await planner.ask('POST /v1/memory/plan-context', aContext('trip 1'))).status).toBe(409)
})

test('plans are listed by status and session, the last changed first, set to a status, and deleted', async () => {
  const agent = await acme.as('planner', { serviceUserId: 'lister' })
  const names = async (query: string) =>
    (await agent.get(`/v1/memory/plans?${query}`)).body.map(({ planId }: { planId: string }) => planId)
  for (const planId of ['p1', 'p2', 'p3'])
    await agent.ask('POST /v1/memory/plans', { planId, goalEvent: 'a.b', sessionId: planId === 'p1' ? 's1' : null })
  const put = async (planId: string, status: string) =>
    (await agent.ask(`PUT /v1/memory/plans/${planId}`, { status })).status
  expect(await put('p1', 'paused')).toBe(200)
  expect(await put('p2', 'failed')).toBe(200)
  expect(await put('p2', 'running')).toBe(409)
  expect(await put('p2', 'unknown')).toBe(422)
  expect(await names('')).toEqual(['p2', 'p1', 'p3'])
  expect(await names('limit=1')).toEqual(['p2'])
  expect(await names('status=paused')).toEqual(['p1'])
  expect(await names('session_id=s1')).toEqual(['p1'])
  expect((await agent.get('/v1/memory/plans?limit=101')).status).toBe(422)
  expect((await agent.ask('DELETE /v1/memory/plans/p1')).status).toBe(204)
  for (const request of ['GET /v1/memory/plans/p1', 'DELETE /v1/memory/plans/p1']) {
    const gone = await agent.ask(request)
    expect([gone.status, gone.body]).toEqual([404, { detail: 'Plan not found: p1' }])
  }
  await agent.ask('POST /v1/memory/plans', { planId: 'p1', goalEvent: 'a.b' })
  expect((await agent.get('/v1/memory/plans/p1')).body.status).toBe('running')
  await agent.ask('POST /v1/memory/plan-context', aContext('p4'))
  expect((await agent.get('/v1/memory/plans/p4')).status).toBe(404)
  expect((await agent.ask('DELETE /v1/memory/plan-context/p4')).status).toBe(204)
  expect((await agent.get('/v1/memory/plan-context/p4')).body).toEqual({ detail: 'Plan context not found: p4' })
  expect((await plansOfSoma({ status: 'cancelled' }, 'lister')).length).toBe(2)
})

const aTask = (taskId: string, more: object = {}) => ({
  taskId,
  eventType: 'process_order',
  responseEvent: 'order_processed',
  data: { order: 7 },
  ...more,
})
const results = (...done: string[]) => ({
  subTasks: ['a', 'b'],
  state: {
    _sub_tasks: Object.fromEntries(
      ['a', 'b'].map((id) => [id, done.includes(id) ? { status: 'completed', result: { id } } : { status: 'pending' }]),
    ),
  },
})

test('a task’s context is found by its sub-tasks, keeps the results that two replicas save at once, and ends its task', async () => {
  const worker = await acme.as('worker', { serviceUserId: 'fan-in' })
  const made = await worker.ask('POST /v1/memory/task-context', aTask('order 7', results()))
  const context = {
    tenantId: acme.tenantId,
    userId: 'fan-in',
    taskId: 'order 7',
    planId: null,
    eventType: 'process_order',
    responseEvent: 'order_processed',
    responseTopic: 'action-results',
    data: { order: 7 },
    ...results(),
    createdAt: expect.stringMatching(TIME),
    updatedAt: expect.stringMatching(TIME),
  }
  expect([made.status, made.body]).toEqual([200, context])
  expect((await worker.get('/v1/memory/task-context/by-subtask/b')).body).toEqual(context)
  const saves = await Promise.all(
    ['a', 'b'].map((id) => worker.ask('POST /v1/memory/task-context', aTask('order 7', results(id)))),
  )
  expect(saves.map(({ status }) => status)).toEqual([200, 200])
  const merged = await worker.get('/v1/memory/task-context/order%207')
  expect(merged.body).toEqual({ ...context, ...results('a', 'b') })
  const changed = await worker.ask('PUT /v1/memory/task-context/order%207', { state: { step: 2 }, sub_tasks: ['c'] })
  expect(changed.body).toEqual({ ...context, state: { step: 2 }, subTasks: ['c'] })
  expect((await worker.ask('DELETE /v1/memory/task-context/order%207')).status).toBe(204)
  expect((await worker.get('/v1/memory/task-context/order%207')).body).toEqual({
    detail: 'Task context not found: order 7',
  })
  expect((await worker.get('/v1/memory/task-context/by-subtask/b')).body).toEqual({
    detail: 'Parent task not found for sub-task: b',
  })
  expect((await plansOfSoma({ origin: 'task' }, 'fan-in')).map(({ status }) => status)).toEqual(['completed'])
  expect((await worker.ask('POST /v1/memory/task-context', aTask('order 7'))).body.state).toEqual({})
})

test('two first saves of one task at once are one task with what both said', async () => {
  const worker = await acme.as('worker', { serviceUserId: 'first' })
  const saves = await Promise.all(
    ['x', 'y'].map((id) =>
      worker.ask(
        'POST /v1/memory/task-context',
        aTask('raced', { subTasks: [id], state: { _sub_tasks: { [id]: { status: 'completed' } } } }),
      ),
    ),
  )
  expect(saves.map(({ status }) => status)).toEqual([200, 200])
  const { body } = await worker.get('/v1/memory/task-context/raced')
  expect(new Set(body.subTasks)).toEqual(new Set(['x', 'y']))
  expect(body.state).toEqual({ _sub_tasks: { x: { status: 'completed' }, y: { status: 'completed' } } })
  for (const id of ['x', 'y'])
    expect((await worker.get(`/v1/memory/task-context/by-subtask/${id}`)).body.taskId).toBe('raced')
  expect(await plansOfSoma({ origin: 'task' }, 'first')).toHaveLength(1)
})

test('a task that names a plan of its user is a task of that plan', async () => {
  const agent = await acme.as('planner', { serviceUserId: 'owner' })
  await agent.ask('POST /v1/memory/plan-context', aContext('with-tasks'))
  await agent.ask(
    'POST /v1/memory/task-context',
    aTask('part-1', { planId: 'with-tasks', responseTopic: 'task-events' }),
  )
  expect((await agent.get('/v1/memory/task-context/part-1')).body).toMatchObject({
    planId: 'with-tasks',
    responseTopic: 'task-events',
  })
  expect((await plansOfSoma({}, 'owner'))[0]?.counts.total).toBe(1)
})

test('SOO-R7 answers are those of the user whom the token names; without one, of its principal', async () => {
  const named = await acme.as('planner', { serviceUserId: 'dora' })
  const bare = await acme.as('planner')
  for (const [agent, userId] of [
    [named, 'dora'],
    [bare, bare.principalId],
  ] as const) {
    const made = await agent.ask('POST /v1/memory/plans', { planId: 'whose', goalEvent: 'a.b' })
    expect(made.body).toMatchObject({ tenantId: acme.tenantId, userId })
    expect((await agent.ask('POST /v1/memory/task-context', aTask('whose'))).body.userId).toBe(userId)
    expect((await agent.get('/v1/memory/plans')).body).toMatchObject([{ planId: 'whose', userId }])
  }
  // Another principal that speaks for the same user has the same plans.
  const other = await acme.as('planner', { serviceUserId: 'dora' })
  expect((await other.get('/v1/memory/plans/whose')).body.userId).toBe('dora')
})

test('equal ids of two tenants, two service tenants or two users never meet, UUIDs among them', async () => {
  const ids = ['shared', '0191f0c1-2222-7333-8444-555566667777']
  const agents = [
    await acme.as('planner', { serviceUserId: 'bob' }),
    await acme.as('planner', { serviceUserId: 'carol' }),
    await acme.as('planner', { serviceUserId: 'bob', serviceTenantId: 'shop' }),
    await beta.as('planner', { serviceUserId: 'bob' }),
  ]
  for (const id of ids) {
    for (const [index, agent] of agents.entries()) {
      for (const later of agents.slice(index)) {
        for (const path of ['plans', 'plan-context', 'task-context', 'plan-context/by-correlation'])
          expect((await later.get(`/v1/memory/${path}/${id}`)).status).toBe(404)
        expect((await later.get(`/v1/memory/task-context/by-subtask/sub-${id}`)).status).toBe(404)
      }
      const body = { ...aContext(id, { correlationIds: [id] }), state: { index } }
      expect((await agent.ask('POST /v1/memory/plans', body)).body).toMatchObject({ planId: id })
      expect((await agent.ask('POST /v1/memory/plan-context', body)).status).toBe(200)
      const task = aTask(id, { subTasks: [`sub-${id}`], state: { index } })
      expect((await agent.ask('POST /v1/memory/task-context', task)).status).toBe(200)
    }
    for (const [index, agent] of agents.entries()) {
      const paths = [`plan-context/${id}`, `plan-context/by-correlation/${id}`, `task-context/${id}`]
      for (const path of [...paths, `task-context/by-subtask/sub-${id}`])
        expect((await agent.get(`/v1/memory/${path}`)).body.state).toEqual({ index })
    }
  }
  for (const agent of agents) expect((await agent.get('/v1/memory/plans')).body).toHaveLength(ids.length)
}, 60_000)

test('what is no context is refused in the words of the dialect', async () => {
  const refused = async (request: string, body: unknown) => {
    const answer = await planner.ask(request, body)
    return [answer.status, answer.body.detail[0]?.loc?.join('.')]
  }
  const plan = 'POST /v1/memory/plan-context'
  expect(await refused(plan, {})).toEqual([422, 'body.planId'])
  expect(await refused(plan, aContext('x'.repeat(101)))).toEqual([422, 'body.planId'])
  expect(await refused(plan, aContext('p', { state: [1] }))).toEqual([422, 'body.state'])
  expect(await refused(plan, aContext('p', { correlationIds: [1] }))).toEqual([422, 'body.correlationIds.0'])
  expect(await refused(plan, aContext('p', { currentState: 'x'.repeat(101) }))).toEqual([422, 'body.currentState'])
  expect(await refused(plan, aContext('p', { state: { 'a\0': 1 } }))).toEqual([422, 'body.state'])
  expect((await refused(plan, aContext('p', { goalEvent: 'Ä'.repeat(255) })))[0]).toBe(422)
  expect((await refused(plan, aContext('p', { state: { text: 'x'.repeat(1_100_000) } })))[0]).toBe(413)
  expect(await refused('POST /v1/memory/task-context', aTask('t', { responseTopic: 'nowhere' }))).toEqual([
    422,
    'body.responseTopic',
  ])
  for (const path of ['plans/p', 'plan-context/p%00', 'task-context/t', 'plan-context/by-correlation/%20'])
    expect((await planner.get(`/v1/memory/${path}`)).status).toBe(path.includes('%00') ? 422 : 404)
  const { status, body } = await (await acme.as('user')).ask(plan, aContext('p'))
  expect([status, body]).toEqual([403, { detail: 'Trust policy denied' }])
})
