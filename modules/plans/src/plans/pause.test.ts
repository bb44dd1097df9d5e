import { newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  actor,
  createTaskSteps,
  decided,
  openPlansBench,
  type PlansBench,
  planner,
  replyTo,
  worker,
} from '../../testing/index.ts'

let bench: PlansBench
beforeAll(async () => {
  bench = await openPlansBench()
}, 60_000)
afterAll(() => bench.close())
const steps = createTaskSteps(() => bench)
const requestsOf = (taskId: string) =>
  bench.events.filter((event) => event.topic === 'action-requests' && event.taskid === taskId)
const pause = (planId: string, mode: 'drain' | 'now' = 'drain') =>
  bench.client.plans.pause(planner, { params: { planId }, body: { reason: 'stop', mode } })
const resume = (planId: string) => bench.client.plans.resume(planner, { params: { planId }, body: {} })
const start = (taskId: string, deliveryKey: string) =>
  bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey } })

describe('a paused plan', () => {
  it('PLN-R58 keeps its reason and who may resume; others are refused, but for those who control all plans', async () => {
    const planId = await steps.newPlan()
    const body = { reason: 'wait for Ana', resumeBy: ['usr-ana', 'agt-boss'] }
    const paused = { status: 'paused', paused: { ...body, byId: 'agt-planner' } }
    expect(await bench.client.plans.pause(planner, { params: { planId }, body })).toMatchObject(paused)
    const resume = (who: typeof planner) => bench.client.plans.resume(who, { params: { planId }, body: {} })
    await expect(resume(planner)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await bench.client.plans.get(planner, { params: { planId } })).toMatchObject(paused)
    const resumed = await resume(actor({ id: 'agt-boss', userId: 'usr-a' }))
    expect(resumed).toMatchObject({ status: 'pending' })
    expect(resumed.paused).toBeUndefined()
    await bench.client.plans.pause(planner, { params: { planId }, body })
    const capabilities = ['plan:read', 'plan:read-all', 'plan:run', 'plan:control']
    expect(await resume(actor({ id: 'usr-op', userId: 'usr-op', capabilities }))).toMatchObject({ status: 'pending' })
  })

  it('hands out nothing: what is delivered, retried or approved meanwhile is asked for again on resume', async () => {
    const { planId, taskId } = await steps.oneTask()
    const gateId = newId('gate')
    const { taskIds } = await steps.delegate(planId, [{ type: 'a.requested' }, { type: 'b.requested' }])
    const [gated, failed] = taskIds as [string, string]
    await bench.client.tasks.wait(worker, { params: { taskId: gated }, body: { reason: 'policy', gateId } })
    await bench.client.tasks.fail(worker, {
      params: { taskId: failed },
      body: { problem: { code: 'x', detail: 'x' } },
    })
    await pause(planId)
    expect(await start(taskId, 'one')).toMatchObject({ status: 'pending', delivery: 0 })
    await bench.deliver(decided(gateId, 'approved', {}, planId))
    await bench.client.tasks.retry(planner, { params: { taskId: failed }, body: { reason: 'again' } })
    expect((await steps.get(gated)).status).toBe('pending')
    for (const id of [taskId, gated, failed]) expect(requestsOf(id)).toHaveLength(1)
    await resume(planId)
    for (const id of [taskId, gated, failed]) expect(requestsOf(id)).toHaveLength(2)
    expect(new Set(requestsOf(taskId).map((event) => event.id)).size).toBe(2)
    expect(await start(taskId, 'two')).toMatchObject({ status: 'running', delivery: 1 })
  })

  it('by drain lets running tasks finish, by now takes them back: their holders are fenced and they are asked for on resume', async () => {
    const drained = await steps.oneTask()
    await start(drained.taskId, 'one')
    await pause(drained.planId)
    await bench.client.tasks.complete(worker, { params: { taskId: drained.taskId }, body: { fence: 1, output: 1 } })
    expect((await steps.get(drained.taskId)).status).toBe('completed')

    const { planId, taskId } = await steps.oneTask()
    await start(taskId, 'one')
    await pause(planId, 'now')
    expect(await steps.get(taskId)).toMatchObject({ status: 'pending', pendingFor: 'start', fence: 2 })
    expect(steps.factsOf(taskId).at(-1)).toMatchObject({ type: 'task.retried', data: { reason: 'paused' } })
    const late = bench.client.tasks.complete(worker, { params: { taskId }, body: { fence: 1, output: 1 } })
    await expect(late).rejects.toMatchObject({ code: 'fenced' })
    await resume(planId)
    expect(requestsOf(taskId)).toHaveLength(2)
    expect(await start(taskId, 'two')).toMatchObject({ status: 'running', fence: 3 })
  })

  it('of a lone task ends with its resume when the task has ended meanwhile', async () => {
    const { planId, taskId } = await bench.client.tasks.create(planner, {
      body: { type: 'a.requested', responseType: 'a.done' },
    })
    await start(taskId, 'one')
    await pause(planId)
    await bench.deliver(replyTo(steps.requestOf(taskId), { data: 7 }))
    expect((await bench.client.plans.get(planner, { params: { planId } })).status).toBe('paused')
    expect(await resume(planId)).toMatchObject({ status: 'completed', outputs: 7 })
  })
})

describe('a draft', () => {
  const timed = {
    wait: { transitions: [{ on: 'x', to: 'end' }], timeoutMs: 1, onTimeout: 'end' },
    end: { terminal: true },
  }

  it('counts the time of its first state from the start', async () => {
    const { planId } = await bench.client.plans.create(planner, {
      body: { title: 'draft', start: false, stateMachine: timed },
    })
    await bench.sweep()
    expect((await bench.client.plans.get(planner, { params: { planId } })).status).toBe('draft')
    await bench.client.plans.start(planner, { params: { planId }, body: {} })
    await bench.sweep()
    expect((await bench.client.plans.get(planner, { params: { planId } })).status).toBe('completed')
  })

  it('past its deadline is cancelled, and takes no child plan before', async () => {
    const { planId } = await bench.client.plans.create(planner, {
      body: { title: 'draft', start: false, deadlineAt: new Date(Date.now() - 1000).toISOString() },
    })
    const child = bench.client.plans.create(planner, { body: { title: 'child', parentPlanId: planId } })
    await expect(child).rejects.toMatchObject({ code: 'conflict' })
    await bench.sweep()
    const plan = await bench.client.plans.get(planner, { params: { planId } })
    expect(plan).toMatchObject({ status: 'cancelled', stopReason: 'deadline-exceeded' })
  })
})
