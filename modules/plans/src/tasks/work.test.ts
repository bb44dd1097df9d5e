import { newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createTaskSteps,
  deadLetterOf,
  openPlansBench,
  planner,
  type PlansBench,
  replyTo,
  worker,
} from '../../testing/index.ts'

let bench: PlansBench
const { oneTask, get, requestOf, factsOf, repliesOf } = createTaskSteps(() => bench)
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
}, 60_000)
afterAll(() => bench.close())

describe('the work on a task', () => {
  it('a start says delivery 1; another delivery of a running task is delivery 2 after a lost lease, and the old fence is refused', async () => {
    const { taskId } = await oneTask()
    const first = await bench.client.tasks.start(worker, {
      params: { taskId },
      body: { deliveryKey: 'dlv-1:1', agent: { name: 'checker', instanceId: 'i1' } },
    })
    const same = await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'dlv-1:1' } })
    expect([first.delivery, same.delivery, same.fence]).toEqual([1, 1, first.fence])
    const second = await bench.client.tasks.start(worker, {
      params: { taskId },
      body: { deliveryKey: 'dlv-1:2', agent: { name: 'checker', instanceId: 'i2' } },
    })
    expect(second).toMatchObject({ status: 'running', delivery: 2, try: 1, fence: first.fence + 1 })
    expect(factsOf(taskId).map((event) => [event.type, (event.data as { reason?: string }).reason])).toEqual([
      ['task.created', undefined],
      ['task.started', undefined],
      ['task.retried', 'lease-lost'],
      ['task.started', undefined],
    ])
    await expect(
      bench.client.tasks.complete(worker, { params: { taskId }, body: { fence: first.fence, output: 1 } }),
    ).rejects.toMatchObject({ code: 'fenced', status: 409 })
    const done = await bench.client.tasks.complete(worker, {
      params: { taskId },
      body: { fence: second.fence, output: { n: 1 } },
    })
    expect(done.task).toMatchObject({ status: 'completed', output: { n: 1 } })
    expect(
      (await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'dlv-1:3' } })).status,
    ).toBe('completed')
  })

  it('fails as poisoned when deliveries end without a result too often, and its requester hears', async () => {
    const { taskId } = await oneTask()
    for (const key of ['1', '2', '3', '4'])
      await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: key } })
    expect(await get(taskId)).toMatchObject({ status: 'failed', problem: { code: 'poisoned' }, delivery: 3 })
    expect(repliesOf(taskId)).toMatchObject([{ type: 'work.done', outcome: 'failed' }])
  })

  it('complete answers the requester once; a reply event that comes too changes nothing', async () => {
    const { taskId } = await oneTask()
    await bench.client.tasks.complete(worker, { params: { taskId }, body: { output: { n: 2 } } })
    await bench.client.tasks.complete(worker, { params: { taskId }, body: { output: { n: 2 } } })
    expect(repliesOf(taskId)).toMatchObject([
      { type: 'work.done', outcome: 'ok', correlationid: taskId, data: { n: 2 } },
    ])
    const version = (await get(taskId)).version
    await bench.deliver(replyTo(requestOf(taskId), { data: { n: 99 } }))
    expect(await get(taskId)).toMatchObject({ version, output: { n: 2 } })
  })

  it('a late reply of a cancelled task is journaled as late, once, and moves nothing', async () => {
    const { planId, taskId } = await oneTask()
    const reply = replyTo(requestOf(taskId), { data: { n: 1 } })
    await bench.client.tasks.cancel(planner, { params: { taskId }, body: { reason: 'no need' } })
    await bench.deliver(reply)
    await bench.deliver(reply)
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' })
    const { items } = await bench.client.plans.journal(planner, { params: { planId }, query: { kinds: 'late' } })
    expect(items).toHaveLength(1)
  })

  it('a reply of another type, on another topic, of another user or of another tenant ends nothing', async () => {
    const { taskId } = await oneTask()
    const reply = replyTo(requestOf(taskId), { data: { n: 1 } })
    await bench.deliver({ ...reply, id: newId('evt'), type: 'other.done' })
    await bench.deliver({ ...reply, id: newId('evt'), topic: 'business-facts' })
    await bench.deliver({ ...reply, id: newId('evt'), userid: 'usr-b' })
    await bench.deliver({ ...reply, id: newId('evt'), tenantid: 'tenant-b' })
    expect((await get(taskId)).status).toBe('pending')
  })

  it('PLN-R62 the requester hears once, however a task ends: completed, failed, timed out, cancelled, poisoned, dead-lettered', async () => {
    const tasks = Object.fromEntries(
      await Promise.all(
        ['completed', 'failed', 'timeout', 'cancelled', 'poisoned', 'dead'].map(
          async (how) => [how, (await oneTask(how === 'timeout' ? { timeoutMs: 1 } : {})).taskId] as const,
        ),
      ),
    )
    const id = (how: string) => tasks[how] as string
    await bench.client.tasks.complete(worker, { params: { taskId: id('completed') }, body: { output: 1 } })
    await bench.client.tasks.fail(worker, {
      params: { taskId: id('failed') },
      body: { problem: { code: 'bad', detail: 'bad' } },
    })
    await bench.sweep()
    await bench.client.tasks.cancel(planner, { params: { taskId: id('cancelled') }, body: { reason: 'r' } })
    for (const key of ['1', '2', '3', '4'])
      await bench.client.tasks.start(worker, { params: { taskId: id('poisoned') }, body: { deliveryKey: key } })
    const request = requestOf(id('dead'))
    await bench.deliver(deadLetterOf(request))
    // The events module answers for a request that it gave up; plans must not answer again.
    await bench.deliver({
      ...replyTo(request, { outcome: 'failed', data: { problem: { code: 'internal', detail: 'boom' } } }),
      source: '/modules/events',
    })
    expect(await get(id('dead'))).toMatchObject({ status: 'failed', problem: { code: 'dead-lettered' } })
    const heard = Object.keys(tasks).map((how) =>
      repliesOf(id(how)).map(
        (event) => event.outcome === 'ok' || (event.data as { problem: { code: string } }).problem.code,
      ),
    )
    expect(heard).toEqual([[true], ['bad'], ['timeout'], ['cancelled'], ['poisoned'], []])
  })

  it('progress becomes a fact, at most ten a second; a heartbeat keeps its checkpoint for the next delivery', async () => {
    const { taskId } = await oneTask()
    await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'k' } })
    for (let step = 1; step <= 20; step++)
      await bench.client.tasks.progress(worker, {
        params: { taskId },
        body: { progress: step / 40, message: `step ${step}` },
      })
    await bench.client.tasks.heartbeat(worker, { params: { taskId }, body: { checkpoint: { at: 20 } } })
    const facts = factsOf(taskId).filter((event) => event.type === 'task.progressed')
    expect(facts.length).toBeLessThan(20)
    expect(await get(taskId)).toMatchObject({ progress: 0.5, message: 'step 20', checkpoint: { at: 20 } })
  })

  it('retry hands an open task out as its next try, and a failed one of an open plan as a new generation', async () => {
    const { taskId } = await oneTask()
    const retried = await bench.client.tasks.retry(planner, { params: { taskId }, body: { reason: 'stuck' } })
    expect(retried).toMatchObject({ status: 'pending', try: 2, generation: 1 })
    await bench.client.tasks.fail(worker, { params: { taskId }, body: { problem: { code: 'x', detail: 'x' } } })
    const again = await bench.client.tasks.retry(planner, { params: { taskId }, body: { reason: 'fixed' } })
    expect(again).toMatchObject({ status: 'pending', try: 1, generation: 2 })
    const requests = bench.events.filter((event) => event.topic === 'action-requests' && event.taskid === taskId)
    expect(new Set(requests.map((event) => event.id)).size).toBe(3)
    await bench.deliver(replyTo(requestOf(taskId), { data: 'ok' }))
    expect(await get(taskId)).toMatchObject({ status: 'completed', output: 'ok' })
  })

  it('cancelling a task cancels its open sub-tasks first', async () => {
    const { taskId } = await oneTask()
    await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'k' } })
    const { taskIds } = await bench.client.tasks.delegate(worker, {
      params: { taskId },
      body: { group: true, specs: [{ type: 'sub.requested', responseType: 'sub.done' }] },
    })
    await bench.client.tasks.cancel(planner, { params: { taskId }, body: { reason: 'stop' } })
    expect((await get(taskIds[0] as string)).status).toBe('cancelled')
    const order = bench.events.filter((event) => event.type === 'task.cancelled').map((event) => event.taskid)
    expect(order.indexOf(taskIds[0])).toBeLessThan(order.indexOf(taskId))
  })
})
