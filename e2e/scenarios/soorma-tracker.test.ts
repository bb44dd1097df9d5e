import { newUuid, silentLogger } from '@soma/kernel'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SoormaAgent, type SoormaTenant, onboard } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
let beta: SoormaTenant
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
  acme = await onboard(`${server.url}/soorma`)
  beta = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const POLL = { timeout: 30_000 }
/** An event of a plan as agents of the dialect send it. */
const say = async (agent: SoormaAgent, type: string, topic: string, more: object) => {
  const event = { id: newUuid(), source: 'adder', type, topic, tenant_id: agent.tenantId, user_id: 'alice', ...more }
  expect(await agent.publish(event)).toMatchObject({ status: 200 })
  return event
}
const asked = (agent: SoormaAgent, plan: string, action: string, more: object = {}) =>
  say(agent, 'sum.asked', 'action-requests', {
    ...{ source: 'planner', plan_id: plan, correlation_id: 'goal-1', data: { action_id: action } },
    ...more,
  })
const answered = (agent: SoormaAgent, plan: string, action: string, more: object = {}) =>
  say(agent, 'sum.done', 'action-results', {
    ...{ plan_id: plan, correlation_id: 'goal-1', data: { action_id: action, result: 5 } },
    ...more,
  })
const sign = (agent: SoormaAgent, type: string, data: object) =>
  say(agent, type, 'system-events', { source: 'planner', data })

test('a plan that is nothing but events has progress, actions and a timeline, exact whatever is sent again', async () => {
  const alice = await acme.as('planner', { serviceUserId: 'alice' })
  await sign(alice, 'plan.started', { plan_id: 'trip', plan_name: 'Trip', total_actions: 3 })
  const first = await asked(alice, 'trip', 'a')
  await asked(alice, 'trip', 'b', { trace_id: 'other trace' })
  await asked(alice, 'trip', '', { type: 'sum.asked.again', correlation_id: 'c', data: {} })
  const done = await answered(alice, 'trip', 'a', { parent_event_id: first.id })
  for (let times = 0; times < 5; times += 1) {
    expect((await alice.publish(first)).status).toBe(200)
    expect((await alice.publish(done)).status).toBe(200)
  }
  // Another result of an action that has ended, and one that nobody asked for.
  await answered(alice, 'trip', 'a', { data: { action_id: 'a', error: 'late' } })
  await answered(alice, 'trip', 'nobody')
  await answered(alice, 'trip', 'b', { data: { action_id: 'b', error: 'no numbers' } })
  const progress = async () => (await alice.track('/v1/tracker/plans/trip')).body
  await expect.poll(async () => (await progress()).failed_tasks, POLL).toBe(1)
  expect(await progress()).toEqual({
    plan_id: 'trip',
    status: 'in_progress',
    started_at: expect.stringMatching(TIME),
    completed_at: null,
    task_count: 3,
    completed_tasks: 1,
    failed_tasks: 1,
    current_state: null,
  })
  const { status, body: actions } = await alice.track('/v1/tracker/plans/trip/actions')
  const common = { started_at: expect.stringMatching(TIME), completed_at: expect.stringMatching(TIME) }
  expect([status, actions]).toEqual([
    200,
    [
      {
        ...common,
        task_id: 'a',
        event_type: 'sum.asked',
        state: 'completed',
        duration_seconds: expect.any(Number),
        progress: 1,
      },
      {
        ...common,
        task_id: 'b',
        event_type: 'sum.asked',
        state: 'failed',
        duration_seconds: expect.any(Number),
        progress: null,
      },
      {
        ...common,
        task_id: 'c',
        event_type: 'sum.asked.again',
        state: 'running',
        completed_at: null,
        duration_seconds: null,
        progress: null,
      },
    ],
  ])
  expect((await alice.track('/v1/tracker/plans/trip/tasks')).body).toEqual(actions)
  const { trace_id, events } = (await alice.track('/v1/tracker/plans/trip/timeline')).body
  expect(trace_id).toMatch(/^[0-9a-f]{32}$/)
  expect(events).toHaveLength(8)
  expect(events.map(({ event_type }: { event_type: string }) => event_type).slice(0, 2)).toEqual([
    'plan.started',
    'sum.asked',
  ])
  expect(events.find(({ event_id }: { event_id: string }) => event_id === done.id)).toEqual({
    event_id: done.id,
    event_type: 'sum.done',
    timestamp: expect.stringMatching(TIME),
    parent_event_id: first.id,
  })

  await sign(alice, 'plan.failed', { plan_id: 'trip', error: 'no numbers' })
  await sign(alice, 'plan.completed', { plan_id: 'trip', result: 5 })
  await expect.poll(async () => (await progress()).status, POLL).toBe('failed')
  expect((await progress()).completed_at).toMatch(TIME)
}, 60_000)

test('nobody sees another tenant’s, service tenant’s or user’s plans by their id, however the headers are forged', async () => {
  const alice = await acme.as('planner', { serviceUserId: 'alice' })
  await asked(alice, 'mine', 'a')
  await expect.poll(async () => (await alice.track('/v1/tracker/plans/mine')).status, POLL).toBe(200)
  const others = [
    await acme.as('planner', { serviceUserId: 'bob' }),
    await acme.as('planner', { serviceUserId: 'alice', serviceTenantId: 'shop' }),
    await beta.as('planner', { serviceUserId: 'alice' }),
    await acme.as('user', { serviceUserId: 'carol' }),
  ]
  for (const other of others) {
    const plan = await other.track('/v1/tracker/plans/mine')
    expect([plan.status, plan.body]).toEqual([404, { detail: 'Plan mine not found' }])
    for (const path of ['actions', 'tasks', 'sub-plans', 'hierarchy'])
      expect((await other.track(`/v1/tracker/plans/mine/${path}`)).body).toEqual([])
    expect((await other.track('/v1/tracker/plans/mine/timeline')).body).toEqual({ trace_id: null, events: [] })
  }
  const [bob] = others as [SoormaAgent]
  const forged = { ...bob.headers, 'X-Service-Tenant-ID': acme.tenantId, 'X-User-ID': 'alice' }
  const answer = await fetch(`${bob.base}/v1/tracker/plans/mine`, { headers: forged })
  expect([answer.status, await answer.json()]).toEqual([401, { detail: 'Invalid JWT' }])
}, 60_000)

test('plans with contexts, their parts, their session and their tasks are followed by the tracker under the names that they were given', async () => {
  const planner = await acme.as('planner', { serviceUserId: 'owner' })
  const make = (planId: string, more: object = {}) =>
    planner.ask('POST /v1/memory/plans', { planId, goalEvent: 'Trip.Asked', sessionId: 'session 1', ...more })
  await make('whole')
  await make('part', { parentPlanId: 'whole', sessionId: null })
  await planner.ask('POST /v1/memory/plan-context', {
    ...{ planId: 'whole', goalEvent: 'Trip.Asked', state: {}, currentState: 'booking', correlationIds: [] },
  })
  await planner.ask('POST /v1/memory/task-context', {
    ...{ taskId: 'book it', planId: 'whole', eventType: 'Book.It', subTasks: ['x', 'y'] },
    state: { _sub_tasks: { x: { status: 'completed' }, y: { status: 'pending' } } },
  })
  const path = '/v1/tracker/plans/whole'
  const whole = {
    plan_id: 'whole',
    parent_plan_id: null,
    session_id: 'session 1',
    goal_event: 'Trip.Asked',
    status: expect.stringMatching(/pending|in_progress/),
    current_state: 'booking',
    trace_id: expect.any(String),
    started_at: expect.stringMatching(TIME),
    completed_at: null,
  }
  const part = { ...whole, plan_id: 'part', parent_plan_id: 'whole', session_id: null, current_state: null }
  const bodyOf = async (asked: string) => (await planner.track(asked)).body
  await expect.poll(() => bodyOf(`${path}/sub-plans`), POLL).toEqual([part])
  await expect.poll(() => bodyOf('/v1/tracker/sessions/session%201/plans'), POLL).toEqual([whole])
  await expect.poll(() => bodyOf(`${path}/tasks`), POLL).toMatchObject([{ task_id: 'book it', event_type: 'Book.It' }])
  const hierarchy: { plan_id: string }[] = await bodyOf(`${path}/hierarchy`)
  expect(hierarchy.map(({ plan_id }) => plan_id).toSorted()).toEqual(['part', 'whole'])
  expect(await bodyOf(path)).toMatchObject({
    plan_id: 'whole',
    current_state: 'booking',
    task_count: 1,
    completed_tasks: 0,
  })
  expect((await bodyOf(`${path}/timeline`)).events.length).toBeGreaterThan(1)
  expect(await bodyOf('/v1/tracker/delegation-groups/book%20it')).toEqual({
    group_id: 'book it',
    parent_task_id: 'book it',
    plan_id: 'whole',
    total_tasks: 2,
    completed_tasks: 1,
    created_at: expect.stringMatching(/Z$/),
  })
  expect(await bodyOf('/v1/tracker/delegation-groups/other')).toEqual({ detail: 'Delegation group other not found' })
  await planner.ask('PUT /v1/memory/plans/whole', { status: 'completed' })
  expect(await bodyOf(path)).toMatchObject({ status: 'completed', completed_at: expect.stringMatching(TIME) })
}, 60_000)

test('what an agent answered is counted for its name, each action once', async () => {
  const alice = await acme.as('planner', { serviceUserId: 'alice' })
  const zero = { total_tasks: 0, completed_tasks: 0, failed_tasks: 0, avg_duration_seconds: 0, success_rate: 0 }
  expect((await alice.track('/v1/tracker/metrics?agent_id=counted&period=7d')).body).toEqual({
    agent_id: 'counted',
    period: '7d',
    ...zero,
  })
  for (const action of ['a', 'b', 'c', 'd']) await asked(alice, 'measured', action)
  for (const action of ['a', 'a', 'b', 'c']) await answered(alice, 'measured', action, { source: 'counted' })
  await answered(alice, 'measured', 'd', { source: 'counted', type: 'sum.failed' })
  const metrics = async () => (await alice.track('/v1/tracker/metrics?agent_id=counted')).body
  await expect
    .poll(metrics, POLL)
    .toMatchObject({ total_tasks: 4, completed_tasks: 3, failed_tasks: 1, success_rate: 0.75 })
  const others = await beta.as('planner', { serviceUserId: 'alice' })
  expect((await others.track('/v1/tracker/metrics?agent_id=counted')).body).toMatchObject(zero)
  expect((await alice.track('/v1/tracker/metrics?agent_id=x&period=2y')).status).toBe(422)
}, 60_000)

test('the headers of this service are required, and erasing is for administrators of the own tenant', async () => {
  const alice = await acme.as('planner', { serviceUserId: 'alice' })
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`${alice.base}/v1/tracker/plans/p`, { headers: { ...alice.headers, ...headers } })
    return [answer.status, ((await answer.json()) as { detail: string }).detail]
  }
  expect(await ask({})).toEqual([422, 'X-Service-Tenant-ID header is required'])
  expect(await ask({ 'X-Service-Tenant-ID': acme.tenantId })).toEqual([422, 'X-User-ID header is required'])
  expect(await ask({ 'X-Service-Tenant-ID': 'x'.repeat(65), 'X-User-ID': 'alice' })).toEqual([401, 'Invalid JWT'])
  expect(await (await fetch(`${server.url}/soorma/tracker/health`)).json()).toEqual({
    ...{ status: 'healthy', service: 'tracker-service', version: expect.any(String), local_testing: true },
  })

  const names = ['kept', 'erased', 'erased-in-shop']
  const shop = await acme.as('planner', { serviceUserId: 'alice', serviceTenantId: 'shop' })
  const ofBob = await acme.as('planner', { serviceUserId: 'bob' })
  await asked(ofBob, 'kept', 'a', { user_id: 'bob' })
  await asked(alice, 'erased', 'a')
  await asked(shop, 'erased-in-shop', 'a', { tenant_id: 'shop' })
  const seen = async () =>
    Promise.all(
      ([ofBob, alice, shop] as const).map(
        async (agent, index) => (await agent.track(`/v1/tracker/plans/${names[index]}`)).status,
      ),
    )
  await expect.poll(seen, POLL).toEqual([200, 200, 200])
  const admin = await acme.as('admin')
  const user = `DELETE /v1/admin/user/${acme.tenantId}/${acme.tenantId}/alice`
  for (const [agent, request] of [
    [alice, user],
    [await beta.as('admin'), user],
    [admin, `DELETE /v1/admin/platform/${beta.tenantId}`],
    [admin, 'DELETE /v1/admin/platform/platform'],
  ] as const)
    expect((await agent.ask(request)).status).toBe(403)
  expect(await seen()).toEqual([200, 200, 200])
  expect((await admin.ask(user)).status).toBe(204)
  expect(await seen()).toEqual([200, 404, 200])
  expect((await admin.ask(`DELETE /v1/admin/tenant/${acme.tenantId}/shop`)).status).toBe(204)
  expect(await seen()).toEqual([200, 404, 404])
  expect((await admin.ask(`DELETE /v1/admin/platform/${acme.tenantId}`)).status).toBe(204)
  expect(await seen()).toEqual([404, 404, 404])
}, 60_000)
