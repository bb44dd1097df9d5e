import { newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskSteps, decided, openPlansBench, planner, type PlansBench, worker } from '../../testing/index.ts'

let bench: PlansBench
const { newPlan, delegate, oneTask, get, requestOf, factsOf, repliesOf } = createTaskSteps(() => bench)
beforeAll(async () => {
  bench = await openPlansBench({ settings: { 'plans.deliveryCap': 3 } })
}, 60_000)
afterAll(() => bench.close())

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
