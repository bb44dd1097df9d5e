import { newId, toId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskSteps, openPlansBench, planner, type PlansBench, replyTo, worker } from '../../testing/index.ts'

let bench: PlansBench
const { newPlan, delegate, oneTask, get, requestOf } = createTaskSteps(() => bench)
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
}, 60_000)
afterAll(() => bench.close())

describe('delegation', () => {
  it('PLN-R61 stores tasks and publishes their requests in one commit, each with its own data; the group is done exactly once', async () => {
    const planId = await newPlan()
    const before = bench.events.length
    const { taskIds, groupId } = await delegate(
      planId,
      [1, 2, 3].map((n) => ({ type: 'check.requested', responseType: 'check.done', data: { n } })),
      true,
    )
    const requests = bench.events.slice(before).filter((event) => event.topic === 'action-requests')
    expect(requests.map((event) => event.data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(requests.map((event) => event.taskid)).toEqual(taskIds)
    expect(requests[0]).toMatchObject({
      type: 'check.requested',
      responsetype: 'check.done',
      responsetopic: 'action-results',
      correlationid: taskIds[0],
      planid: planId,
      partitionkey: taskIds[0],
    })
    const [first, second, third] = taskIds as [string, string, string]
    await bench.deliver(replyTo(requestOf(first), { data: { ok: 1 } }))
    const failed = replyTo(requestOf(second), { outcome: 'failed', data: { problem: { code: 'no', detail: 'no' } } })
    await bench.deliver(failed)
    await bench.deliver(failed)
    const last = replyTo(requestOf(third), { data: { ok: 3 } })
    await bench.deliver(last)
    await bench.deliver(last)
    const done = bench.events.filter(
      (event) => event.planid === planId && (event.data as { groupDone?: boolean } | undefined)?.groupDone === true,
    )
    expect(done.map((event) => event.taskid)).toEqual([third])
    const group = await bench.client.groups.ofPlan(planner, { params: { planId, groupId: groupId as string } })
    expect(group).toMatchObject({ total: 3, completed: 2, failed: 1, pending: 0, done: true, lastTaskId: third })
    expect(group.members.map((member) => member.output ?? member.problem?.code)).toEqual([{ ok: 1 }, 'no', { ok: 3 }])
  })

  it('a state beside delegations or the end is stored in the same commit over the version it was made from, or nothing is', async () => {
    const planId = await newPlan()
    const params = { planId }
    const { plans } = bench.client
    const { version } = await plans.get(planner, { params })
    const specs = [{ taskId: newId('task'), type: 'check.requested' }]
    const stale = plans.delegate(planner, { params, body: { specs, state: { n: 1 }, version: version - 1 } })
    await expect(stale).rejects.toMatchObject({ code: 'version-conflict' })
    expect(await plans.get(planner, { params })).toMatchObject({ version, counts: { total: 0 } })
    await plans.delegate(planner, { params, body: { specs, state: { n: 1 }, version } })
    const delegated = await plans.get(planner, { params })
    expect(delegated).toMatchObject({ state: { n: 1 }, counts: { total: 1 } })
    const refused = plans.delegate(planner, {
      params,
      body: { specs: [{ ...specs[0], type: 'b.c' }], state: { n: 2 } },
    })
    await expect(refused).rejects.toMatchObject({ code: 'conflict' })
    const late = plans.finish(planner, { params, body: { outcome: 'completed', state: { n: 3 }, version } })
    await expect(late).rejects.toMatchObject({ code: 'version-conflict' })
    expect(await plans.get(planner, { params })).toEqual(delegated)
    const body = { outcome: 'completed' as const, state: { n: 3 }, version: delegated.version }
    expect(await plans.finish(planner, { params, body })).toMatchObject({ status: 'completed', state: { n: 3 } })
    const { items } = await plans.journal(planner, { params, query: {} })
    expect(items.map(({ kind }) => kind).filter((kind) => kind === 'plan-state-put')).toHaveLength(2)
    const after = plans.delegate(planner, { params, body: { specs: [{ type: 'b.c' }], state: { n: 4 } } })
    await expect(after).rejects.toMatchObject({ code: 'conflict' })
    const huge = plans.delegate(planner, { params, body: { specs, state: 'x'.repeat(1_048_577) } })
    await expect(huge).rejects.toMatchObject({ status: 413 })
  })

  it('a crash before the commit leaves neither tasks nor requests', async () => {
    let crash = false
    const other = await openPlansBench({
      beforeCommit: () => {
        if (crash) throw new Error('killed')
      },
    })
    const plan = await other.client.plans.create(planner, { body: { title: 'x' } })
    crash = true
    await expect(
      other.client.plans.delegate(planner, {
        params: { planId: plan.planId },
        body: { specs: [{ type: 'a.requested' }] },
      }),
    ).rejects.toThrow()
    crash = false
    expect((await other.client.tasks.list(planner, { query: { planId: plan.planId } })).items).toEqual([])
    expect((await other.client.plans.get(planner, { params: { planId: plan.planId } })).counts.total).toBe(0)
    expect(other.events.map((event) => event.type)).toEqual(['plan.created'])
    await other.close()
  })

  it('replies of two workers at once both land, and one answer sees the group done', async () => {
    const planId = await newPlan()
    const { taskIds } = await delegate(
      planId,
      Array.from({ length: 8 }, (_, n) => ({ type: 'check.requested', data: { n } })),
      true,
    )
    const answers = await Promise.all(
      taskIds.map((taskId, n) => bench.client.tasks.complete(worker, { params: { taskId }, body: { output: n } })),
    )
    expect(answers.filter((answer) => answer.groupDone)).toHaveLength(1)
    expect((await bench.client.plans.get(planner, { params: { planId } })).counts).toMatchObject({
      total: 8,
      completed: 8,
    })
  })

  it('a task delegates, waits as delegated, and its context holds every result', async () => {
    const { planId, taskId } = await oneTask()
    await bench.client.tasks.start(worker, {
      params: { taskId },
      body: { deliveryKey: 'd1', agent: { name: 'writer' } },
    })
    const { taskIds, groupId } = await bench.client.tasks.delegate(worker, {
      params: { taskId },
      body: {
        group: true,
        specs: [
          { type: 'sub.requested', responseType: 'sub.done', data: 'a' },
          { type: 'sub.requested', responseType: 'sub.done', data: 'b' },
        ],
      },
    })
    expect((await get(taskId)).status).toBe('delegated')
    for (const id of taskIds) await bench.deliver(replyTo(requestOf(id), { data: { from: id } }))
    const context = await bench.client.tasks.getContext(worker, { params: { taskId } })
    expect(context.results).toEqual(Object.fromEntries(taskIds.map((id) => [id, { from: id }])))
    expect(context.subTasks[taskIds[0] as string]).toMatchObject({
      type: 'sub.requested',
      status: 'completed',
      groupId,
    })
    expect((await bench.client.groups.get(planner, { params: { taskId, groupId: groupId as string } })).done).toBe(true)
    expect(
      (await bench.client.tasks.list(planner, { query: { subTaskId: taskIds[0] as string } })).items.map(
        (task) => task.taskId,
      ),
    ).toEqual([taskId])
    await bench.deliver(replyTo(requestOf(taskId), { data: { written: true } }))
    expect(await get(taskId)).toMatchObject({ status: 'completed', output: { written: true } })
    expect((await bench.client.plans.get(planner, { params: { planId } })).progress).toBe(1)
  })
  it('a task joins an open group of its plan, which is done once the joined one has ended too, and takes no more then', async () => {
    const planId = await newPlan()
    const { taskIds, groupId = '' } = await delegate(planId, [{ type: 'check.requested' }], true)
    const join = () => bench.client.tasks.create(planner, { body: { type: 'check.requested', planId, groupId } })
    const joined = await join()
    expect(joined.groupId).toBe(groupId)
    const group = () => bench.client.groups.ofPlan(planner, { params: { planId, groupId } })
    await bench.deliver(replyTo(requestOf(taskIds[0] as string), { data: 1 }))
    expect(await group()).toMatchObject({ total: 2, completed: 1, done: false })
    await bench.deliver(replyTo(requestOf(joined.taskId), { data: 2 }))
    expect(await group()).toMatchObject({ total: 2, completed: 2, done: true, lastTaskId: joined.taskId })
    await expect(join()).rejects.toMatchObject({ code: 'conflict' })
  })

  it('a plan made for a task is a child of the plan of that task', async () => {
    const planId = await newPlan()
    const { taskIds } = await delegate(planId, [{ type: 'check.requested' }], false)
    const child = await bench.client.plans.create(planner, {
      body: { title: 'Child', parentTaskId: taskIds[0] as string },
    })
    expect(child).toMatchObject({ parentPlanId: planId, rootPlanId: planId, parentTaskId: taskIds[0] })
  })

  it('lists tasks newest plan first, and in it the newest, whatever their ids say, by pages', async () => {
    const reader = { ...planner, userId: 'usr-list' }
    for (const digit of ['2', '3', '1']) {
      const planId = toId('plan', `${digit}0000000-0000-5000-8000-000000000000`)
      await bench.client.plans.create(reader, { body: { planId, title: digit } })
      const specs = ['a', 'b'].map((key) => ({ type: 'list.requested', data: { at: digit + key } }))
      await bench.client.plans.delegate(reader, { params: { planId }, body: { specs } })
    }
    const seen: unknown[] = []
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page = await bench.client.tasks.list(reader, { query: { limit: 4, ...(cursor ? { cursor } : {}) } })
      seen.push(page.items.map(({ inputs }) => (inputs as { at: string }).at))
      cursor = page.nextCursor
    }
    expect(seen).toEqual([
      ['1b', '1a', '3b', '3a'],
      ['2b', '2a'],
    ])
  })
})
