import { type Context, type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aHistory,
  aPlanner,
  gateId,
  groupId,
  openTrackerBench,
  planId,
  taskId,
  type TrackerBench,
} from '../testing/index.ts'

const actor = (
  id: string,
  userId: string,
  tenantId = 'tenant-a',
  capabilities = ['plan:read', 'plan:run', 'task:update'],
): Context => aPlanner({ tenantId, principal: { id, kind: 'agent', roles: [], capabilities }, userId })
const ana = actor('agt-planner', 'usr-a')
let bench: TrackerBench

describe('the tracker over a known history', () => {
  beforeAll(async () => {
    bench = await openTrackerBench()
    for (const event of aHistory()) await bench.deliver(event)
  }, 60_000)
  afterAll(() => bench.close())

  it('TRK-R1 redelivering every event of a plan ten times changes nothing', async () => {
    const before = await bench.digest()
    for (let round = 0; round < 10; round++) for (const event of aHistory()) await bench.deliver(event)
    expect(await bench.digest()).toBe(before)
    const { plan } = await bench.tracker.plans.get(ana, { params: { planId } })
    expect(plan.counts).toMatchObject({ total: 3, completed: 3 })
  })

  it('TRK-R2 gives the same rows in other orders on the database', { timeout: 120_000 }, async () => {
    const expected = await bench.digest()
    for (const order of [aHistory().reverse(), [...aHistory().slice(9), ...aHistory().slice(0, 12)]]) {
      const other = await openTrackerBench()
      for (const event of order) await other.deliver(event)
      expect(await other.digest()).toBe(expected)
      await other.close()
    }
  })

  it('shows a plan with its progress, times, agents and freshness', async () => {
    const answer = await bench.tracker.plans.get(ana, { params: { planId } })
    expect(answer).toMatchObject({
      asOf: '2026-01-01T00:00:18.000Z',
      stale: false,
      lagMs: 0,
      plan: {
        name: 'Docs',
        status: 'completed',
        progress: 1,
        currentState: 'end',
        agents: ['checker'],
        blockers: 0,
        version: 4,
      },
    })
    expect(answer.plan).toMatchObject({
      createdAt: '2026-01-01T00:00:00.000Z',
      startedAt: '2026-01-01T00:00:01.000Z',
      completedAt: '2026-01-01T00:00:18.000Z',
    })
    expect((await bench.tracker.plans.list(ana, {})).items.map((plan) => plan.planId)).toEqual([planId])
  })

  it('queue time and run time are separate', async () => {
    const { items } = await bench.tracker.planTasks.list(ana, { params: { planId } })
    expect(items.map((task) => [task.name, task.state, task.attempts, task.queuedMs, task.runMs])).toEqual([
      ['check-1', 'completed', 2, 2000, 6000],
      ['check-2', 'completed', 1, 2000, 4000],
      ['check-3', 'completed', 1, undefined, undefined],
    ])
  })

  it('the timeline is a receipt: every attempt, the lost lease, and the gate with who decided and when', async () => {
    const { items } = await bench.tracker.planTimeline.list(ana, { params: { planId }, query: { limit: 200 } })
    const told = items.map((entry) => entry.summary)
    expect(told).toContain('check-1 started by checker, attempt 1')
    expect(told).toContain('check-1 retried by checker: lease-lost')
    expect(told).toContain('check-1 started by checker, attempt 2')
    expect(told.at(-1)).toBe('plan completed')
    const gate = items.find((entry) => entry.kind === 'gate')
    expect(gate).toMatchObject({
      type: 'gate.decided',
      outcome: 'approved',
      actor: 'usr-ana',
      at: '2026-01-01T00:00:16.000Z',
      summary: 'gate decided: approved by usr-ana',
    })
    const newest = await bench.tracker.planTimeline.list(ana, {
      params: { planId },
      query: { order: 'newest', limit: 2 },
    })
    expect(newest.items.map((entry) => entry.id)).toEqual(
      items
        .toReversed()
        .slice(0, 2)
        .map((entry) => entry.id),
    )
    const next = await bench.tracker.planTimeline.list(ana, {
      params: { planId },
      query: { order: 'newest', limit: 2, cursor: newest.nextCursor as string },
    })
    expect(next.items[0]?.id).toBe(items.at(-3)?.id)
    expect(
      (await bench.tracker.planTimeline.list(ana, { params: { planId }, query: { kinds: 'gate' } })).items,
    ).toHaveLength(1)
  })

  it('a group shows each member and its own end', async () => {
    const { group } = await bench.tracker.delegationGroups.get(ana, { params: { groupId } })
    expect(group).toMatchObject({
      total: 2,
      completed: 2,
      failed: 0,
      pending: 0,
      completedAt: '2026-01-01T00:00:10.000Z',
    })
    expect(group.members.map((member) => [member.name, member.state, member.agent])).toEqual([
      ['check-1', 'completed', 'checker'],
      ['check-2', 'completed', 'checker'],
    ])
  })

  it('TRK-A9 TRK-R3 what comes after the end changes nothing but the timeline, marked ignored', async () => {
    const late = aHistory().find((event) => event.type === 'plan.completed') as EventEnvelope
    const data = late.data as object
    const failing = { planId: newId('plan') }
    const failed = {
      ...late,
      id: newId('evt'),
      type: 'plan.failed',
      planid: failing.planId,
      data: { ...data, ...failing, status: 'failed', version: 5, problem: { code: 'broken' } },
    }
    const completed = { ...late, id: newId('evt'), planid: failing.planId, data: { ...data, ...failing, version: 6 } }
    await bench.deliver(failed)
    await bench.deliver(completed)
    expect((await bench.tracker.plans.get(ana, { params: failing })).plan).toMatchObject({
      status: 'failed',
      problem: { code: 'broken' },
    })
    const { items } = await bench.tracker.planTimeline.list(ana, { params: failing })
    expect(Object.fromEntries(items.map((entry) => [entry.type, entry.ignored]))).toEqual({
      'plan.completed': true,
      'plan.failed': false,
    })
    const started = aHistory().find(
      (event) => event.type === 'task.started' && event.taskid === taskId(2),
    ) as EventEnvelope
    const lateStart = { ...started, id: newId('evt'), data: { ...(started.data as object), version: 9 } }
    await bench.deliver(lateStart)
    expect((await bench.tracker.tasks.get(ana, { params: { taskId: taskId(2) } })).task.state).toBe('completed')
    const entries = (await bench.tracker.planTimeline.list(ana, { params: { planId }, query: { limit: 200 } })).items
    expect(entries.filter((entry) => entry.ignored).map((entry) => entry.id)).toEqual([lateStart.id])
    expect((await bench.tracker.tasks.get(ana, { params: { taskId: taskId(3) } })).task).toMatchObject({
      state: 'completed',
      generation: 2,
    })
  })

  it('TRK-R3 a rewound plan is open again with exactly the tasks it names, and late facts of the old generation stay marked', async () => {
    const other = await openTrackerBench()
    for (const event of aHistory({ rewound: true }).reverse()) await other.deliver(event)
    const { plan } = await other.tracker.plans.get(ana, { params: { planId } })
    expect(plan).toMatchObject({ status: 'waiting', counts: { total: 3, completed: 2, running: 1 } })
    expect(plan).not.toHaveProperty('completedAt')
    const entries = (await other.tracker.planTimeline.list(ana, { params: { planId }, query: { limit: 200 } })).items
    expect(entries.filter((entry) => entry.ignored).map((entry) => entry.type)).toEqual([
      'task.progressed',
      'plan.failed',
    ])
    await other.close()
  })

  it('a type that nobody knows under a known noun is shown in the timeline and changes nothing', async () => {
    const unknown = {
      ...(aHistory()[0] as EventEnvelope),
      id: newId('evt'),
      type: 'plan.teleported',
      data: { planId, anything: 1 },
    }
    await bench.deliver(unknown)
    const { items } = await bench.tracker.planTimeline.list(ana, { params: { planId }, query: { limit: 200 } })
    expect(items.find((entry) => entry.id === unknown.id)).toMatchObject({
      type: 'plan.teleported',
      kind: 'plan',
      summary: 'plan.teleported',
    })
  })

  it('a task that ended without any earlier fact makes a stub plan', async () => {
    const event = aHistory().find((one) => one.type === 'task.completed') as EventEnvelope
    const ids = { planId: newId('plan'), taskId: newId('task') }
    await bench.deliver({
      ...event,
      id: newId('evt'),
      planid: ids.planId,
      taskid: ids.taskId,
      data: { ...(event.data as object), ...ids },
    })
    expect((await bench.tracker.plans.get(ana, { params: { planId: ids.planId } })).plan).toMatchObject({
      name: 'unknown plan',
      status: 'pending',
      version: 0,
      counts: { total: 1, completed: 1 },
    })
    expect((await bench.tracker.planTimeline.list(ana, { params: { planId: ids.planId } })).items).toHaveLength(1)
  })

  it('another tenant, or another user, sees nothing: every operation and raw SQL', async () => {
    const calls = (context: Context) => [
      bench.tracker.plans.get(context, { params: { planId } }),
      bench.tracker.planTasks.list(context, { params: { planId } }),
      bench.tracker.planTimeline.list(context, { params: { planId } }),
      bench.tracker.planLineage.get(context, { params: { planId } }),
      bench.tracker.planHierarchy.get(context, { params: { planId } }),
      bench.tracker.planBlockers.list(context, { params: { planId } }),
      bench.tracker.planStream.read(context, { params: { planId } }),
      bench.tracker.tasks.get(context, { params: { taskId: taskId(1) } }),
      bench.tracker.delegationGroups.get(context, { params: { groupId } }),
    ]
    for (const context of [
      actor('agt-planner', 'usr-a', 'tenant-b', ['*']),
      actor('agt-other', 'usr-b'),
      actor('agt-planner', 'usr-b'),
    ]) {
      const outcomes = await Promise.allSettled(calls(context))
      expect(
        outcomes.map((outcome) =>
          outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'answered',
        ),
      ).toEqual(outcomes.map(() => 'not-found'))
      expect((await bench.tracker.plans.list(context, {})).items).toEqual([])
      expect((await bench.tracker.tasks.list(context, {})).items).toEqual([])
      expect((await bench.tracker.traces.get(context, { params: { traceId: 'a'.repeat(32) } })).entries).toEqual([])
      expect((await bench.tracker.correlations.get(context, { params: { correlationId: taskId(1) } })).entries).toEqual(
        [],
      )
    }
    for (const table of ['plans', 'tasks', 'timeline']) {
      const count = (tenantId?: string) =>
        bench.database.transaction(
          { role: 'soma_worker', ...(tenantId === undefined ? {} : { tenantId }) },
          async (session) => (await session.query(`select 1 from tracker.${table}`)).length,
        )
      expect(await count('tenant-a'), table).toBeGreaterThan(0)
      expect(await count('tenant-b'), table).toBe(0)
      expect(await count(), table).toBe(0)
    }
    const forged = {
      ...(aHistory()[0] as EventEnvelope),
      id: newId('evt'),
      tenantid: 'tenant-b',
      userid: 'usr-b',
      data: { ...(aHistory()[0]?.data as object), title: 'Other', tenantId: 'tenant-a' },
    }
    await bench.deliver(forged)
    expect((await bench.tracker.plans.get(ana, { params: { planId } })).plan.name).toBe('Docs')
    expect((await bench.tracker.plans.get(actor('agt-x', 'usr-b', 'tenant-b'), { params: { planId } })).plan.name).toBe(
      'Other',
    )
  })

  it('one trace id returns every record that carries it, in time order', async () => {
    const { entries, planIds } = await bench.tracker.traces.get(ana, { params: { traceId: 'a'.repeat(32) } })
    expect(planIds).toContain(planId)
    expect(entries.length).toBeGreaterThan(15)
    expect(entries.map((entry) => entry.at)).toEqual(entries.map((entry) => entry.at).sort())
    expect(
      (await bench.tracker.correlations.get(ana, { params: { correlationId: taskId(3) } })).entries.map(
        (entry) => entry.type,
      ),
    ).toEqual(['task.created', 'task.failed', 'task.retried', 'task.started', 'task.completed'])
  })

  it('is not shaken by ids that are none', async () => {
    await expect(bench.tracker.plans.get(ana, { params: { planId: 'plan_x' } })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    await expect(bench.tracker.plans.get(ana, { params: { planId: newId('plan') } })).rejects.toMatchObject({
      code: 'not-found',
    })
    expect(gateId).toMatch(/^gate_/)
  })
})
