import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  checkPlan,
  createTaskSteps,
  deadLetterOf,
  openPlansBench,
  planner,
  type PlansBench,
  replyTo,
  worker,
} from '../../testing/index.ts'

let bench: PlansBench
const { delegate, oneTask, requestOf, repliesOf, factsOf } = createTaskSteps(() => bench)
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
}, 60_000)
afterAll(() => bench.close())

describe('saved contexts', () => {
  it('PLN-R60 are compare-and-set by version and hold all task fields', async () => {
    const sessionId = newId('ses')
    const goal = { type: 'docs.check.requested', data: 1, eventId: newId('evt') }
    const { planId } = await bench.client.plans.create(planner, { body: { title: 'x', sessionId, goal } })
    const { taskIds } = await delegate(planId, [
      { type: 'work.requested', responseType: 'work.done', data: { n: 1 }, priority: 3, timeoutMs: 60_000 },
    ])
    const taskId = taskIds[0] as string
    const before = await bench.client.tasks.getContext(worker, { params: { taskId } })
    expect(Date.parse(before.deadlineAt as string) - Date.parse(before.createdAt)).toBe(60_000)
    expect(before).toMatchObject({
      type: 'work.requested',
      inputs: { n: 1 },
      correlationId: taskId,
      sessionId,
      goalId: goal.eventId,
      responseTopic: 'action-results',
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

  it('PLN-R60 the first save of a task that came from outside makes it, as a plan of one task that ends with it', async () => {
    const taskId = newId('task')
    const correlationId = newId('evt')
    const task = {
      type: 'greet.requested',
      data: { name: 'Ana' },
      responseType: 'greet.done',
      correlationId,
      ...{ sessionId: newId('ses'), goalId: newId('evt'), priority: 2, timeoutMs: 60_000 },
      agent: { name: 'greeter' },
    }
    const saved = await bench.client.tasks.putContext(worker, {
      params: { taskId },
      ifMatch: 0,
      body: { state: { step: 1 }, task },
    })
    const { sessionId, goalId, priority } = task
    expect(saved).toMatchObject({ taskId, status: 'running', delivery: 1, correlationId, state: { step: 1 } })
    expect(saved).toMatchObject({ type: task.type, inputs: task.data, sessionId, goalId, priority })
    expect(Date.parse(saved.deadlineAt as string) - Date.parse(saved.createdAt)).toBe(60_000)
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

  it('PLN-R8 a lone task is a plan of one task, left out of lists unless asked for, with the guarantees of every plan', async () => {
    const body = { taskId: newId('task'), type: 'greet.requested', responseType: 'greet.done', data: { name: 'Ana' } }
    const task = await bench.client.tasks.create(planner, { body })
    expect(await bench.client.tasks.create(planner, { body })).toEqual(task)
    await expect(bench.client.tasks.create(planner, { body: { ...body, data: {} } })).rejects.toMatchObject({
      code: 'conflict',
    })
    const plan = () => bench.client.plans.get(planner, { params: { planId: task.planId } })
    expect(await plan()).toMatchObject({ origin: 'task', driver: 'planner', status: 'pending', counts: { total: 1 } })
    const idsOf = async (query: { origin?: 'task' }) =>
      (await bench.client.plans.list(planner, { query: { ...query, limit: 200 } })).items.map((item) => item.planId)
    expect(await idsOf({})).not.toContain(task.planId)
    expect(await idsOf({ origin: 'task' })).toContain(task.planId)

    const params = { taskId: task.taskId }
    const first = await bench.client.tasks.start(worker, { params, body: { deliveryKey: 'one' } })
    const second = await bench.client.tasks.start(worker, { params, body: { deliveryKey: 'two' } })
    expect(await plan()).toMatchObject({ status: 'running' })
    await expect(
      bench.client.tasks.complete(worker, { params, body: { fence: first.fence, output: 1 } }),
    ).rejects.toMatchObject({ code: 'fenced' })
    const problem = { code: 'x', detail: 'x' }
    await bench.client.tasks.fail(worker, { params, body: { fence: second.fence, problem } })
    expect(await plan()).toMatchObject({ status: 'failed', problem })
    expect(repliesOf(task.taskId)).toMatchObject([{ type: 'greet.done', outcome: 'failed', data: { problem } }])
    const ended = await plan()
    await bench.deliver(repliesOf(task.taskId)[0] as EventEnvelope)
    expect(await plan()).toEqual(ended)
    await checkPlan(bench, task.planId)
  })

  it('a lone task ends by its timeout, a dead letter or a cancel of its plan as well, and its plan with it', async () => {
    const { plans, tasks } = bench.client
    const lone = (timeoutMs?: number) =>
      tasks.create(planner, {
        body: { type: 'a.requested', responseType: 'a.done', ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      })
    const [timed, cancelled, dead] = [await lone(1), await lone(), await lone()]
    await bench.sweep()
    await plans.cancel(planner, { params: { planId: cancelled.planId }, body: { reason: 'enough' } })
    await bench.deliver(deadLetterOf(requestOf(dead.taskId)))
    const ends = await Promise.all(
      [timed, cancelled, dead].map(async ({ planId, taskId }) => {
        await checkPlan(bench, planId)
        const plan = await plans.get(planner, { params: { planId } })
        return [plan.status, (await tasks.get(planner, { params: { taskId } })).problem?.code]
      }),
    )
    expect(ends).toEqual([
      ['failed', 'timeout'],
      ['cancelled', 'cancelled'],
      ['failed', 'dead-lettered'],
    ])
  })

  it('an agent is asked by capability with task.requested', async () => {
    const { taskId } = await oneTask({ type: undefined, capability: 'translate', data: { text: 'x' } })
    expect(requestOf(taskId)).toMatchObject({
      type: 'task.requested',
      data: { taskId, capability: 'translate', data: { text: 'x' } },
    })
  })
})
