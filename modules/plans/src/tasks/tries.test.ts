import type { EventEnvelope } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  checkPlan,
  createTaskSteps,
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
const { oneTask, get, factsOf, repliesOf } = createTaskSteps(() => bench)
const requestsOf = (taskId: string) =>
  bench.events.filter((event) => event.topic === 'action-requests' && event.taskid === taskId)
const start = (taskId: string, deliveryKey: string, agent = { name: 'checker', instanceId: `inst-${deliveryKey}` }) =>
  bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey, agent } })
const busy = { code: 'busy', detail: 'no room', retryable: true }
const fail = (taskId: string, problem: { code: string; detail: string; retryable?: boolean } = busy) =>
  bench.client.tasks.fail(worker, { params: { taskId }, body: { problem } })
const timeOf = (fact: EventEnvelope) => Date.parse((fact.data as { at: string }).at)
const lastFactAt = (taskId: string) => timeOf(factsOf(taskId).at(-1) as EventEnvelope)
const problemsHeard = (taskId: string) =>
  repliesOf(taskId).map((event) => (event.data as { problem: { code: string } }).problem.code)
/** Lets what is due within so many milliseconds come due, and does it. */
async function sweepAfter(ms: number, by: PlansBench = bench): Promise<void> {
  await bench.query(
    "update plans.work set run_at = run_at - make_interval(secs => $1::float8 / 1000) where kind = 'timer'",
    [ms],
  )
  await by.sweep()
}

describe('a try that fails', () => {
  it('is followed by another one for a retryable problem: 3 in all, after a wait drawn from 1 s × 2ⁿ, and the requester hears the last alone', async () => {
    const { planId, taskId } = await oneTask()
    for (const [tried, maxMs] of [
      [1, 1000],
      [2, 2000],
    ] as const) {
      await start(taskId, `k${tried}`)
      const { task } = await fail(taskId)
      expect(task).toMatchObject({ status: 'pending', pendingFor: 'retry', try: tried + 1, delivery: 0 })
      const waitMs = Date.parse(task.retryAt as string) - lastFactAt(taskId)
      expect(waitMs).toBeGreaterThan(0)
      expect(waitMs).toBeLessThanOrEqual(maxMs)
      expect(requestsOf(taskId)).toHaveLength(tried)
      await sweepAfter(maxMs)
      expect(requestsOf(taskId)).toHaveLength(tried + 1)
      expect(await get(taskId)).toMatchObject({ status: 'pending', pendingFor: 'agent' })
    }
    await start(taskId, 'k3')
    expect((await fail(taskId)).task).toMatchObject({ status: 'failed', try: 3, problem: busy })
    expect(problemsHeard(taskId)).toEqual(['busy'])
    await checkPlan(bench, planId)
  })

  it('waits fully jittered, and never longer than 60 s', async () => {
    const waits: number[] = []
    const { taskId } = await oneTask({ retry: { maxTries: 20, baseMs: 60_000 } })
    for (let tried = 1; tried < 20; tried++) {
      const { task } = await fail(taskId)
      waits.push(Date.parse(task.retryAt as string) - lastFactAt(taskId))
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
    expect(Math.min(...waits)).toBeLessThan(30_000)
    expect(Math.max(...waits)).toBeGreaterThan(10_000)
  })

  it('a list of problems widens or narrows what is tried again', async () => {
    const narrowed = await oneTask({ retry: { except: ['busy'] } })
    expect((await fail(narrowed.taskId)).task.status).toBe('failed')
    const final = { code: 'quota', detail: 'used up' }
    const plain = await oneTask()
    expect((await fail(plain.taskId, final)).task.status).toBe('failed')
    const widened = await oneTask({ retry: { on: ['quota'] } })
    expect((await fail(widened.taskId, final)).task).toMatchObject({ status: 'pending', pendingFor: 'retry' })
    const once = await oneTask({ retry: { maxTries: 1 } })
    expect((await fail(once.taskId)).task.status).toBe('failed')
  })

  it('is the last one when the next would begin past the deadline of its task or plan', async () => {
    const late = await oneTask({ timeoutMs: 20, retry: { baseMs: 60_000, maxTries: 20 } })
    const tries = await Promise.all([late].map(async ({ taskId }) => (await fail(taskId)).task))
    expect(
      tries.map(
        (task) =>
          task.status === 'failed' || Date.parse(task.retryAt as string) < Date.parse(task.deadlineAt as string),
      ),
    ).toEqual([true])
    const soon = new Date(Date.now() + 1000).toISOString()
    const { planId } = await bench.client.plans.create(planner, { body: { title: 'short', deadlineAt: soon } })
    const { taskIds } = await bench.client.plans.delegate(planner, {
      params: { planId },
      body: { specs: Array.from({ length: 8 }, () => ({ type: 'a.requested', retry: { baseMs: 60_000 } })) },
    })
    for (const taskId of taskIds) {
      const { task } = await fail(taskId)
      if (task.status === 'pending') expect(Date.parse(task.retryAt as string)).toBeLessThan(Date.parse(soon))
      else expect(task).toMatchObject({ status: 'failed', problem: busy })
    }
  })

  it('that was answered by an event is not tried again: its requester has heard', async () => {
    const { taskId } = await oneTask()
    const request = requestsOf(taskId)[0] as EventEnvelope
    await bench.deliver(replyTo(request, { outcome: 'failed', data: { problem: busy } }))
    expect(await get(taskId)).toMatchObject({ status: 'failed', try: 1 })
  })
})

describe('limits of time', () => {
  it('PLN-R29 each ends a task by a durable timer with its own problem: queue, try, all tries, heartbeat, and the deadline of the plan', async () => {
    const day = 86_400_000
    const limits = { queueTimeoutMs: day, tryTimeoutMs: 2 * day, heartbeatTimeoutMs: day, timeoutMs: 3 * day }
    const only = (limit: keyof typeof limits) =>
      oneTask({ tryTimeoutMs: 30 * day, [limit]: limits[limit], retry: { maxTries: 1 } })
    const tasks = {
      'queue-timeout': await only('queueTimeoutMs'),
      'try-timeout': await only('tryTimeoutMs'),
      'heartbeat-timeout': await only('heartbeatTimeoutMs'),
      timeout: await oneTask({ timeoutMs: limits.timeoutMs, tryTimeoutMs: 30 * day }),
    }
    for (const [code, { taskId }] of Object.entries(tasks)) if (code !== 'queue-timeout') await start(taskId, 'k')
    const deadlineAt = new Date(Date.now() + 3 * day).toISOString()
    const plan = await bench.client.plans.create(planner, { body: { title: 'late', deadlineAt } })
    const again = await openPlansBench({ database: bench.database })
    for (let passed = 0; passed < 4; passed++) await sweepAfter(day, again)
    for (const [code, { taskId }] of Object.entries(tasks)) {
      expect(await again.client.tasks.get(planner, { params: { taskId } }), code).toMatchObject({
        status: 'failed',
        problem: { code },
      })
    }
    expect(await again.client.plans.get(planner, { params: { planId: plan.planId } })).toMatchObject({
      status: 'failed',
      problem: { code: 'deadline-exceeded' },
    })
  })

  it('PLN-R29 a try has 10 minutes unless its spec says otherwise, waiting does not use them up, and another delivery gains none', async () => {
    const minutes = (count: number) => count * 60_000
    const { taskId } = await oneTask()
    await start(taskId, 'one')
    await sweepAfter(minutes(6))
    await start(taskId, 'two')
    await sweepAfter(minutes(3))
    expect((await get(taskId)).try).toBe(1)
    await sweepAfter(minutes(2))
    expect(await get(taskId)).toMatchObject({ status: 'pending', pendingFor: 'retry', try: 2 })
    expect(factsOf(taskId).at(-1)).toMatchObject({ type: 'task.retried', data: { reason: 'try-timeout' } })

    const parked = await oneTask()
    await start(parked.taskId, 'one')
    await bench.client.tasks.wait(worker, { params: { taskId: parked.taskId }, body: { reason: 'input' } })
    await sweepAfter(minutes(60))
    expect((await get(parked.taskId)).status).toBe('waiting')
  })

  it('PLN-R29 without a limit a task waits for ever for somebody to take it, and signs of life keep a try', async () => {
    const { taskId } = await oneTask({ heartbeatTimeoutMs: 60_000 })
    await sweepAfter(31_536_000_000)
    expect((await get(taskId)).status).toBe('pending')
    await start(taskId, 'one')
    for (let beat = 0; beat < 3; beat++) {
      await sweepAfter(40_000)
      await bench.client.tasks.heartbeat(worker, { params: { taskId }, body: {} })
    }
    expect(await get(taskId)).toMatchObject({ status: 'running', try: 1 })
    await sweepAfter(61_000)
    expect(factsOf(taskId).at(-1)).toMatchObject({ type: 'task.retried', data: { reason: 'heartbeat-timeout' } })
  })
})

describe('results that come too late', () => {
  const linesOf = async (planId: string) =>
    (await bench.client.plans.journal(planner, { params: { planId }, query: { kinds: 'late' } })).items
  const complete = (taskId: string, fence: number) =>
    bench.client.tasks.complete(worker, { params: { taskId }, body: { fence, output: fence } })

  it('with an old fence change nothing, are journaled as late once, and their agent is told fenced', async () => {
    const { planId, taskId } = await oneTask()
    const first = await start(taskId, 'one')
    const second = await start(taskId, 'two')
    for (let times = 0; times < 2; times++)
      await expect(complete(taskId, first.fence)).rejects.toMatchObject({ code: 'fenced' })
    expect(await get(taskId)).toMatchObject({ status: 'running', delivery: 2 })
    expect((await complete(taskId, second.fence)).task.output).toBe(second.fence)
    await expect(complete(taskId, first.fence)).rejects.toMatchObject({ code: 'fenced' })
    expect((await complete(taskId, second.fence)).task.output).toBe(second.fence)
    expect(await linesOf(planId)).toMatchObject([{ data: { taskId, fence: first.fence, as: 'completed' } }])
    await checkPlan(bench, planId)
  })

  it('after a cancel are journaled as late, and their agent is told what the task is', async () => {
    const { planId, taskId } = await oneTask()
    const { fence } = await start(taskId, 'one')
    await bench.client.tasks.cancel(planner, { params: { taskId }, body: { reason: 'enough' } })
    await expect(complete(taskId, fence)).rejects.toMatchObject({ code: 'conflict' })
    expect(await linesOf(planId)).toMatchObject([{ data: { taskId } }])
    await checkPlan(bench, planId)
  })
})

describe('what a holder leaves', () => {
  it('PLN-R30 a task whose deliveries end without a result as often as plans.deliveryCap says fails as poisoned, names who held it, and is handed out no more', async () => {
    const { taskId } = await oneTask()
    for (const key of ['1', '2', '3', '4', '5']) expect((await start(taskId, key)).status).toBe('running')
    expect(await start(taskId, '6')).toMatchObject({
      status: 'failed',
      delivery: 5,
      problem: { code: 'poisoned', detail: expect.stringContaining('inst-1, inst-2, inst-3, inst-4, inst-5') },
    })
    expect(problemsHeard(taskId)).toEqual(['poisoned'])
    expect(await start(taskId, '7')).toMatchObject({ status: 'failed', delivery: 5 })
  })

  it('PLN-R31 the checkpoint of a heartbeat is given to the next delivery; progress becomes a fact ten times a second at most, and the last always', async () => {
    const { taskId } = await oneTask()
    await start(taskId, 'one')
    await bench.client.tasks.heartbeat(worker, { params: { taskId }, body: { checkpoint: { page: 7 } } })
    for (let step = 1; step <= 20; step++)
      await bench.client.tasks.progress(worker, {
        params: { taskId },
        body: { progress: step / 100, message: `page ${step}` },
      })
    await sweepAfter(100)
    const told = factsOf(taskId).filter((fact) => fact.type === 'task.progressed')
    const times = told.map((fact) => timeOf(fact))
    for (const [index, at] of times.slice(0, -1).entries()) expect((times[index + 1] as number) - at).toBeGreaterThan(0)
    for (let window = 0; window + 10 < times.length - 1; window++)
      expect((times[window + 10] as number) - (times[window] as number)).toBeGreaterThanOrEqual(1000)
    expect(told.at(-1)?.data).toMatchObject({ progress: 0.2, message: 'page 20' })
    expect(await start(taskId, 'two')).toMatchObject({ delivery: 2, checkpoint: { page: 7 } })
  })
})
