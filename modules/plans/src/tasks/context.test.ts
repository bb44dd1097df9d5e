import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskSteps, openPlansBench, planner, type PlansBench, replyTo, worker } from '../../testing/index.ts'

let bench: PlansBench
const { oneTask, requestOf, factsOf } = createTaskSteps(() => bench)
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
}, 60_000)
afterAll(() => bench.close())

describe('saved contexts', () => {
  it('are compare-and-set by version and hold all task fields', async () => {
    const { taskId } = await oneTask({ priority: 3, timeoutMs: 60_000 })
    const before = await bench.client.tasks.getContext(worker, { params: { taskId } })
    expect(before).toMatchObject({
      type: 'work.requested',
      inputs: { n: 1 },
      correlationId: taskId,
      responseType: 'work.done',
      priority: 3,
      subTasks: {},
      results: {},
    })
    const saved = await bench.client.tasks.putContext(worker, {
      params: { taskId },
      ifMatch: before.version,
      body: { state: { seen: [1] } },
    })
    expect(saved.state).toEqual({ seen: [1] })
    await expect(
      bench.client.tasks.putContext(worker, { params: { taskId }, ifMatch: before.version, body: { state: {} } }),
    ).rejects.toMatchObject({ code: 'version-conflict' })
    await bench.client.tasks.deleteContext(worker, { params: { taskId } })
    expect((await bench.client.tasks.getContext(worker, { params: { taskId } })).state).toBeUndefined()
  })

  it('the first save of a task that came from outside makes it, as a plan of one task that ends with it', async () => {
    const taskId = newId('task')
    const correlationId = newId('evt')
    const task = {
      type: 'greet.requested',
      data: { name: 'Ana' },
      responseType: 'greet.done',
      correlationId,
      agent: { name: 'greeter' },
    }
    const saved = await bench.client.tasks.putContext(worker, {
      params: { taskId },
      ifMatch: 0,
      body: { state: { step: 1 }, task },
    })
    expect(saved).toMatchObject({ taskId, status: 'running', delivery: 1, correlationId, state: { step: 1 } })
    const plan = await bench.client.plans.get(worker, { params: { planId: saved.planId } })
    expect(plan).toMatchObject({ origin: 'task', status: 'running', ownerId: 'agt-worker' })
    await bench.deliver({
      ...replyTo(factsOf(taskId)[0] as EventEnvelope, { data: 'hi' }),
      type: 'greet.done',
      correlationid: correlationId,
      taskid: taskId,
    })
    expect(await bench.client.plans.get(worker, { params: { planId: saved.planId } })).toMatchObject({
      status: 'completed',
      outputs: 'hi',
    })
    await expect(
      bench.client.tasks.putContext(worker, { params: { taskId: newId('task') }, ifMatch: 0, body: { state: 1 } }),
    ).rejects.toMatchObject({ code: 'not-found' })
  })

  it('a lone task is a plan of one task with the same guarantees', async () => {
    const body = { taskId: newId('task'), type: 'greet.requested', responseType: 'greet.done', data: { name: 'Ana' } }
    const task = await bench.client.tasks.create(planner, { body })
    expect(await bench.client.tasks.create(planner, { body })).toEqual(task)
    await expect(bench.client.tasks.create(planner, { body: { ...body, data: {} } })).rejects.toMatchObject({
      code: 'conflict',
    })
    await bench.client.tasks.fail(worker, {
      params: { taskId: task.taskId },
      body: { problem: { code: 'x', detail: 'x' } },
    })
    expect(await bench.client.plans.get(planner, { params: { planId: task.planId } })).toMatchObject({
      status: 'failed',
      problem: { code: 'x' },
      origin: 'task',
    })
  })

  it('an agent is asked by capability with task.requested', async () => {
    const { taskId } = await oneTask({ type: undefined, capability: 'translate', data: { text: 'x' } })
    expect(requestOf(taskId)).toMatchObject({
      type: 'task.requested',
      data: { taskId, capability: 'translate', data: { text: 'x' } },
    })
  })
})
