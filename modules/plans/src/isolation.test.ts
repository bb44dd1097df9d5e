import { newId, uuidOf } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actor, openPlansBench, type PlansBench } from '../testing/index.ts'

const TABLES = ['plans', 'tasks', 'groups', 'inbox', 'journal', 'work', 'correlations']
const owner = actor({ id: 'agt-a', userId: 'usr-a' })
const foreign = actor({ id: 'agt-a', userId: 'usr-a', tenantId: 'tenant-b', capabilities: ['*'] })
const other = actor({ id: 'agt-other', userId: 'usr-b' })
/** The agent that owns the plan, now acting for somebody else. */
const ownerForAnother = actor({ id: 'agt-a', userId: 'usr-b' })
let bench: PlansBench
let planId: string
let taskId: string
let groupId: string

beforeAll(async () => {
  bench = await openPlansBench()
  const plan = await bench.client.plans.create(owner, {
    body: { title: 'Secret', correlationIds: ['corr-1'], deadlineAt: '2100-01-01T00:00:00.000Z' },
  })
  planId = plan.planId
  const delegated = await bench.client.plans.delegate(owner, {
    params: { planId },
    body: { specs: [{ type: 'a.requested', timeoutMs: 1_000_000 }], group: true },
  })
  taskId = delegated.taskIds[0] as string
  groupId = delegated.groupId as string
  await bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
    session.execute(
      'insert into plans.inbox (tenant_id, plan_id, dedupe_key, kind, data, at) values (\'tenant-a\', $1, \'kept\', \'child-ended\', \'{"childId":"x","as":"completed"}\', now())',
      [uuidOf('plan', planId)],
    ),
  )
}, 60_000)
afterAll(() => bench.close())

const rows = (
  table: string,
  scope: { role: 'soma_app' | 'soma_worker'; tenantId?: string; userId?: string; principalId?: string },
) => bench.database.transaction(scope, async (session) => (await session.query(`select * from plans.${table}`)).length)

describe('isolation of plans', () => {
  it('PLN-R6 by raw SQL another tenant, or no tenant, sees no row of any table, and cannot write one into ours', async () => {
    for (const table of TABLES) {
      expect(await rows(table, { role: 'soma_worker', tenantId: 'tenant-a' }), table).toBeGreaterThan(0)
      for (const role of ['soma_app', 'soma_worker'] as const) {
        expect(
          await rows(table, { role, tenantId: 'tenant-b', userId: 'usr-a', principalId: 'agt-a' }),
          `${table} as ${role}`,
        ).toBe(0)
        expect(await rows(table, { role }), `${table} as ${role} without a tenant`).toBe(0)
      }
    }
    await expect(
      bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-b' }, (session) =>
        session.execute(
          "insert into plans.correlations (tenant_id, correlation_id, plan_id) values ('tenant-a', 'x', gen_random_uuid())",
        ),
      ),
    ).rejects.toThrow(/row-level security/)
    const changed = await bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-b' }, (session) =>
      session.execute("update plans.plans set status = 'failed'"),
    )
    expect(changed).toBe(0)
  })

  it('PLN-R6 by raw SQL a private plan, which is the default, is its user and owner alone', async () => {
    const see = (who: { userId?: string; principalId?: string }) =>
      rows('plans', { role: 'soma_app', tenantId: 'tenant-a', ...who })
    expect(await see({ userId: 'usr-a' })).toBe(1)
    expect(await see({ principalId: 'agt-a' })).toBe(1)
    expect(await see({ userId: 'usr-b', principalId: 'agt-other' })).toBe(0)
    expect(await see({ userId: 'usr-b', principalId: 'agt-a' })).toBe(0)
    expect(await see({})).toBe(0)
  })

  it('PLN-R6 a plan that is visible to its space or tenant is read by those in it, with its tasks, and changed by nobody else', async () => {
    const inSpace = { ...owner, spaceId: 'sales' }
    const { plans, tasks } = bench.client
    const made = await Promise.all(
      (['private', 'space', 'tenant'] as const).map(async (visibility) => {
        const { planId: id } = await plans.create(inSpace, { body: { title: visibility, visibility } })
        await plans.delegate(inSpace, { params: { planId: id }, body: { specs: [{ type: 'a.requested' }] } })
        return id
      }),
    )
    const reads = async (context: typeof owner) =>
      Promise.all(
        made.map(async (id) => {
          const { items } = await tasks.list(context, { query: { planId: id } })
          const plan = await plans.get(context, { params: { planId: id } }).catch(() => undefined)
          return [plan?.visibility, items.length]
        }),
      )
    const [none, space, tenant] = [
      [undefined, 0],
      ['space', 1],
      ['tenant', 1],
    ]
    expect(await reads({ ...other, spaceId: 'sales' })).toEqual([none, space, tenant])
    expect(await reads(other)).toEqual([none, none, tenant])
    expect(await reads({ ...foreign, spaceId: 'sales' })).toEqual([none, none, none])
    for (const id of made.slice(1))
      await expect(
        plans.cancel({ ...other, spaceId: 'sales' }, { params: { planId: id }, body: { reason: 'x' } }),
      ).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('PLN-R6 a user of that name in another space is somebody else, and rights of a principal bound to a space end with it', async () => {
    const { plans, tasks } = bench.client
    const inSpace = { ...owner, spaceId: 'support' }
    const { planId: id } = await plans.create(inSpace, { body: { title: 'Private' } })
    const params = { planId: id }
    const finds = async (context: typeof owner) => {
      const listed = (await plans.list(context, { query: { limit: 200 } })).items.some((plan) => plan.planId === id)
      const got = await plans.get(context, { params }).then(
        () => true,
        ({ code }: { code: string }) => code !== 'not-found',
      )
      expect(got).toBe(listed)
      return got
    }
    const reader = actor({ id: 'usr-all', userId: 'usr-all', capabilities: ['plan:read', 'plan:read-all'] })
    const { userId: _userId, ...unaccompanied } = owner
    expect(await finds(inSpace)).toBe(true)
    expect(await finds(unaccompanied)).toBe(true)
    for (const spaceId of ['support', '']) expect(await finds({ ...reader, spaceId })).toBe(true)
    expect(await finds(owner)).toBe(false)
    for (const context of [owner, reader, unaccompanied])
      expect(await finds({ ...context, spaceId: 'hall' })).toBe(false)
    const controller = actor({ id: 'usr-ctl', userId: 'usr-ctl', spaceId: 'hall', capabilities: ['*'] })
    for (const context of [owner, controller])
      await expect(plans.cancel(context, { params, body: { reason: 'x' } })).rejects.toMatchObject({
        code: 'not-found',
      })
    await expect(plans.delegate(owner, { params, body: { specs: [{ type: 'a.requested' }] } })).rejects.toMatchObject({
      code: 'not-found',
    })
    expect((await tasks.list(owner, { query: { planId: id } })).items).toEqual([])
  })

  it('the scheduler sees who is due, never what is in it', async () => {
    const asScheduler = (sql: string) =>
      bench.database.transaction({ role: 'soma_scheduler' }, (session) => session.query(sql))
    expect(await asScheduler('select tenant_id, plan_id, id from plans.inbox')).toHaveLength(1)
    for (const sql of [
      'select data from plans.inbox',
      'select * from plans.plans',
      'select * from plans.tasks',
      'select * from plans.journal',
    ]) {
      await expect(asScheduler(sql), sql).rejects.toThrow(/permission denied/)
    }
  })

  it('PLN-R6 every operation with ids of another tenant or another user is not found, like an id that nobody has', async () => {
    const { plans, tasks, groups } = bench.client
    const calls = (context: typeof owner, ids: { planId: string; taskId: string; groupId: string }) => {
      const plan = { params: { planId: ids.planId } }
      const task = { params: { taskId: ids.taskId } }
      return [
        plans.get(context, plan),
        plans.journal(context, plan),
        plans.start(context, { ...plan, body: {} }),
        plans.pause(context, { ...plan, body: { reason: 'x' } }),
        plans.resume(context, { ...plan, body: {} }),
        plans.cancel(context, { ...plan, body: { reason: 'x' } }),
        plans.transition(context, { ...plan, body: { fromState: 'a', toState: 'b' } }),
        plans.finish(context, { ...plan, body: { outcome: 'completed' } }),
        plans.putState(context, { ...plan, ifMatch: 1, body: { state: 1 } }),
        plans.delegate(context, { ...plan, body: { specs: [{ type: 'a.requested' }] } }),
        plans.create(context, { body: { title: 'x', parentPlanId: ids.planId } }),
        plans.create(context, { body: { title: 'x', parentTaskId: ids.taskId } }),
        groups.ofPlan(context, { params: { planId: ids.planId, groupId: ids.groupId } }),
        groups.get(context, { params: { taskId: ids.taskId, groupId: ids.groupId } }),
        tasks.get(context, task),
        tasks.create(context, { body: { type: 'a.requested', planId: ids.planId } }),
        tasks.create(context, { body: { type: 'a.requested', parentTaskId: ids.taskId } }),
        tasks.putContext(context, {
          params: { taskId: newId('task') },
          ifMatch: 0,
          body: { state: 1, task: { type: 'a.requested', planId: ids.planId } },
        }),
        tasks.putContext(context, {
          params: { taskId: newId('task') },
          ifMatch: 0,
          body: { state: 1, task: { type: 'a.requested', parentTaskId: ids.taskId } },
        }),
        tasks.start(context, { ...task, body: { deliveryKey: 'k' } }),
        tasks.complete(context, { ...task, body: {} }),
        tasks.fail(context, { ...task, body: { problem: { code: 'x', detail: 'x' } } }),
        tasks.progress(context, { ...task, body: { progress: 1 } }),
        tasks.heartbeat(context, { ...task, body: {} }),
        tasks.wait(context, { ...task, body: { reason: 'input' } }),
        tasks.getContext(context, task),
        tasks.putContext(context, { ...task, ifMatch: 1, body: { state: 1 } }),
        tasks.deleteContext(context, task),
        tasks.delegate(context, { ...task, body: { specs: [{ type: 'a.requested' }] } }),
        tasks.cancel(context, { ...task, body: { reason: 'x' } }),
        tasks.retry(context, { ...task, body: { reason: 'x' } }),
      ]
    }
    const nobody = { planId: newId('plan'), taskId: newId('task'), groupId: newId('grp') }
    const outcomes = async (context: typeof owner, ids: typeof nobody) =>
      (await Promise.allSettled(calls(context, ids))).map((outcome) =>
        outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'answered',
      )
    const expected = Array.from({ length: 31 }, () => 'not-found')
    expect(await outcomes(owner, nobody)).toEqual(expected)
    expect(await outcomes(foreign, { planId, taskId, groupId })).toEqual(expected)
    expect(await outcomes(other, { planId, taskId, groupId })).toEqual(expected)
    expect(await outcomes(ownerForAnother, { planId, taskId, groupId })).toEqual(expected)
    await expect(plans.byCorrelation(foreign, { params: { correlationId: 'corr-1' } })).rejects.toMatchObject({
      code: 'not-found',
    })
    await expect(plans.byCorrelation(other, { params: { correlationId: 'corr-1' } })).rejects.toMatchObject({
      code: 'not-found',
    })
    expect((await plans.list(foreign, {})).items).toEqual([])
    expect((await tasks.list(other, { query: { planId } })).items).toEqual([])
    expect(await plans.get(owner, { params: { planId } })).toMatchObject({ status: 'running', version: 2 })
  })

  it('a task or group of another plan is as absent as none where it is named inside a plan of one’s own', async () => {
    const { plans, tasks } = bench.client
    const own = await plans.create(other, { body: { title: 'Own' } })
    const { taskIds } = await plans.delegate(other, {
      params: { planId: own.planId },
      body: { specs: [{ type: 'b.requested' }] },
    })
    const calls = (ids: { taskId: string; groupId: string }) => [
      plans.create(other, { body: { title: 'x', parentPlanId: own.planId, parentTaskId: ids.taskId } }),
      tasks.create(other, { body: { type: 'a.requested', planId: own.planId, parentTaskId: ids.taskId } }),
      tasks.create(other, { body: { type: 'a.requested', planId: own.planId, groupId: ids.groupId } }),
      tasks.create(other, { body: { type: 'a.requested', groupId: ids.groupId } }),
      tasks.create(other, {
        body: { type: 'a.requested', parentTaskId: taskIds[0] as string, groupId: ids.groupId },
      }),
      tasks.putContext(other, {
        params: { taskId: newId('task') },
        ifMatch: 0,
        body: { state: 1, task: { type: 'a.requested', planId: own.planId, parentTaskId: ids.taskId } },
      }),
    ]
    const answers = async (ids: { taskId: string; groupId: string }) =>
      (await Promise.allSettled(calls(ids))).map((outcome) => {
        const { code, message } = (outcome as PromiseRejectedResult).reason ?? { code: 'answered', message: '' }
        return `${code}: ${message}`.replace(ids.taskId, 'ID').replace(ids.groupId, 'ID')
      })
    const absent = await answers({ taskId: newId('task'), groupId: newId('grp') })
    expect(absent).toEqual([0, 1, 2, 3, 4, 5].map(() => expect.stringMatching(/^not-found: no (task|group) ID$/)))
    expect(await answers({ taskId, groupId })).toEqual(absent)
    expect((await tasks.getContext(owner, { params: { taskId } })).subTasks).toEqual({})
    await expect(
      tasks.create(other, {
        body: { type: 'a.requested', planId, parentTaskId: taskIds[0] as string },
      }),
    ).rejects.toMatchObject({ code: 'not-found' })
    await expect(
      plans.delegate(other, { params: { planId: own.planId }, body: { specs: [{ type: 'c.requested' }], groupId } }),
    ).rejects.toMatchObject({ code: 'conflict' })
  })

  it('PLN-R6 plan:read-all reads every plan of the tenant; controlling needs plan:control, and facts stay the user of the plan', async () => {
    const observer = actor({
      id: 'usr-obs',
      userId: 'usr-obs',
      kind: 'user',
      capabilities: ['plan:read', 'plan:read-all', 'plan:run'],
    })
    expect((await bench.client.plans.get(observer, { params: { planId } })).planId).toBe(planId)
    await expect(
      bench.client.plans.cancel(observer, { params: { planId }, body: { reason: 'x' } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    const operator = actor({
      id: 'usr-op',
      userId: 'usr-op',
      kind: 'user',
      capabilities: ['plan:read', 'plan:read-all', 'plan:run', 'plan:control'],
    })
    await bench.client.plans.cancel(operator, { params: { planId }, body: { reason: 'operator' } })
    expect(bench.events.findLast((event) => event.type === 'plan.cancelled')).toMatchObject({
      userid: 'usr-a',
      authid: 'usr-op',
      data: { byId: 'usr-op', reason: 'operator' },
    })
  })
})
