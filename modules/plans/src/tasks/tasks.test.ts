import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actor, openPlansBench, type PlansBench, replyTo } from '../../testing/index.ts'

const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
const worker = actor({ id: 'agt-worker', userId: 'usr-a' })
let bench: PlansBench
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
})
afterAll(() => bench.close())

const newPlan = async () => (await bench.client.plans.create(planner, { body: { title: 'Work' } })).planId
const delegate = async (planId: string, specs: { type?: string; [field: string]: unknown }[], group = false) =>
  bench.client.plans.delegate(planner, { params: { planId }, body: { specs: specs as never, group } })
const oneTask = async (spec: Record<string, unknown> = {}) => {
  const planId = await newPlan()
  const { taskIds } = await delegate(planId, [
    { type: 'work.requested', responseType: 'work.done', data: { n: 1 }, ...spec },
  ])
  return { planId, taskId: taskIds[0] as string }
}
const get = (taskId: string) => bench.client.tasks.get(planner, { params: { taskId } })
const requestOf = (taskId: string) =>
  bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope
const factsOf = (taskId: string) =>
  bench.events.filter((event) => event.topic === 'task-events' && event.taskid === taskId)
const repliesOf = (taskId: string) =>
  bench.events.filter((event) => event.topic === 'action-results' && event.taskid === taskId)
const decided = (
  gateId: string,
  outcome: string,
  more: Partial<EventEnvelope> = {},
  planId?: string,
): EventEnvelope => ({
  specversion: '1.0',
  id: newId('evt'),
  source: '/modules/governance',
  type: 'gate.decided',
  topic: 'system-events',
  time: new Date().toISOString(),
  tenantid: 'tenant-a',
  userid: 'usr-a',
  data: {
    gateId,
    kind: 'review',
    outcome,
    payloadHash: `sha256:${'0'.repeat(64)}`,
    edited: false,
    deciders: ['usr-a'],
    subject: planId === undefined ? {} : { planId },
  },
  ...more,
})

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
})

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

  it('a reply of another type, of another user or of another tenant ends nothing', async () => {
    const { taskId } = await oneTask()
    const reply = replyTo(requestOf(taskId), { data: { n: 1 } })
    await bench.deliver({ ...reply, id: newId('evt'), type: 'other.done' })
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
    await bench.deliver({
      ...decided(newId('gate'), 'approved'),
      type: 'delivery.dead-lettered',
      topic: 'dead-letter',
      partitionkey: id('dead'),
      data: {
        deliveryId: newId('dlv'),
        group: 'checker',
        topic: 'action-requests',
        type: request.type,
        eventId: request.id,
        attempts: 5,
        problem: { code: 'internal', detail: 'boom' },
        handler: null,
      },
    })
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

describe('waiting', () => {
  it('a gate task waits for its gate and carries the decision as output; the plan waits and goes on', async () => {
    const planId = await newPlan()
    const gateId = newId('gate')
    const { taskIds } = await delegate(planId, [
      { kind: 'gate', gateId, key: 'publish', responseType: 'publish.decided' },
    ])
    expect((await bench.client.plans.get(planner, { params: { planId } })).status).toBe('waiting')
    expect(await get(taskIds[0] as string)).toMatchObject({
      status: 'waiting',
      waiting: { reason: 'review', on: { gateId } },
      gateId,
    })
    await bench.deliver(decided(gateId, 'approved', {}, planId))
    await bench.deliver(decided(gateId, 'rejected', {}, planId))
    expect(await get(taskIds[0] as string)).toMatchObject({
      status: 'completed',
      output: { outcome: 'approved', gateId, deciders: ['usr-a'] },
    })
    expect((await bench.client.plans.get(planner, { params: { planId } })).status).toBe('running')
    expect(repliesOf(taskIds[0] as string)).toMatchObject([
      { type: 'publish.decided', outcome: 'ok', data: { outcome: 'approved' } },
    ])
  })

  it('a decision that comes before the wait is kept', async () => {
    const planId = await newPlan()
    const gateId = newId('gate')
    await bench.deliver(decided(gateId, 'rejected', {}, planId))
    const { tasks } = await delegate(planId, [{ kind: 'gate', gateId }])
    expect(tasks[0]).toMatchObject({ status: 'failed', problem: { code: 'gate-rejected' } })
  })

  it('a decision by somebody of another scope is applied in the scope of the plan', async () => {
    const planId = await newPlan()
    const gateId = newId('gate')
    const { taskIds } = await delegate(planId, [{ kind: 'gate', gateId }])
    await bench.deliver(decided(gateId, 'approved', { userid: 'usr-operator' }, planId))
    await bench.sweep()
    expect((await get(taskIds[0] as string)).status).toBe('completed')
    expect(factsOf(taskIds[0] as string).at(-1)).toMatchObject({ type: 'task.completed', userid: 'usr-a' })
  })

  it('a policy gate makes the task waiting(policy); approval makes it pending and asks its agent again, a reject fails it', async () => {
    for (const outcome of ['approved', 'rejected'] as const) {
      const { taskId } = await oneTask()
      await bench.client.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'k' } })
      const gateId = newId('gate')
      await bench.client.tasks.wait(worker, {
        params: { taskId },
        body: { reason: 'policy', gateId, on: { ruleIds: ['r1'] } },
      })
      expect(
        (await bench.client.tasks.list(planner, { query: { waiting: 'policy' } })).items.map((task) => task.taskId),
      ).toContain(taskId)
      expect((await get(taskId)).waiting).toMatchObject({ reason: 'policy', on: { gateId, ruleIds: ['r1'] } })
      const first = requestOf(taskId).id
      await bench.deliver(decided(gateId, outcome))
      const after = await get(taskId)
      if (outcome === 'approved') {
        expect(after).toMatchObject({ status: 'pending', pendingFor: 'agent' })
        expect(requestOf(taskId).id).not.toBe(first)
      } else expect(after).toMatchObject({ status: 'failed', problem: { code: 'policy-denied' } })
    }
  })

  it('a wait with a timeout fails its task, a timer task completes', async () => {
    const { planId, taskId } = await oneTask()
    await bench.client.tasks.wait(worker, { params: { taskId }, body: { reason: 'input', timeoutMs: 1 } })
    const { taskIds } = await delegate(planId, [{ kind: 'timer', timeoutMs: 1 }])
    await bench.sweep()
    expect(await get(taskId)).toMatchObject({ status: 'failed', problem: { code: 'timeout' } })
    expect((await get(taskIds[0] as string)).status).toBe('completed')
  })
})

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
