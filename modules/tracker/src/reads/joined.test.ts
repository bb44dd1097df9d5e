import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, describe, expect, it } from 'vitest'
import { aHistory, anEvent, aPlanner, openTrackerBench, planId as enginePlanId } from '../../testing/index.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

let made = 0
/** An event of an agent that stamped no plan. */
const unstamped = (more: Partial<EventEnvelope>) =>
  anEvent({ time: new Date(Date.now() + made++).toISOString(), ...more })
const timelineOf = async (planId: string) =>
  (await bench.tracker.planTimeline.list(planner, { params: { planId }, query: { limit: 200 } })).items
const idsOf = async (planId: string) => (await timelineOf(planId)).map((entry) => entry.id)

describe('what belongs to a plan', () => {
  it("TRK-R8 a planner's plan shows its goal and its replies, joined by planid, else by task, else by correlation", async () => {
    const correlationId = newId('evt')
    const goal = unstamped({ topic: 'action-requests', type: 'docs.check.requested', correlationid: correlationId })
    await bench.deliver(goal)
    const { planId } = await bench.plans.plans.create(planner, {
      body: { title: 'Docs', goal: { type: 'docs.check.requested', data: {}, eventId: goal.id, correlationId } },
    })
    const spec = { type: 'check.requested', responseType: 'check.done' }
    const { taskIds } = await bench.plans.plans.delegate(planner, {
      params: { planId },
      body: { specs: [spec, spec, spec] },
    })
    const [stamped, byTask, byCorrelation] = taskIds as [string, string, string]
    const replies = [
      unstamped({ planid: planId, taskid: stamped, correlationid: stamped }),
      unstamped({ taskid: byTask, correlationid: byTask }),
      unstamped({ correlationid: byCorrelation }),
    ]
    bench.events.push(...replies)
    await bench.settle()
    const remark = unstamped({ topic: 'business-facts', type: 'check.remarked', correlationid: correlationId })
    await bench.deliver(remark)
    const entries = await timelineOf(planId)
    const ids = entries.map((entry) => entry.id)
    for (const event of [goal, ...replies, remark]) expect(ids.filter((id) => id === event.id)).toHaveLength(1)
    expect(entries.find((entry) => entry.id === replies[2]?.id)).toMatchObject({ planId, taskId: byCorrelation })
    expect((await bench.tracker.plans.get(planner, { params: { planId } })).plan).toMatchObject({
      driver: 'planner',
      counts: { total: 3, completed: 3 },
    })
    const pages: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await bench.tracker.planTimeline.list(planner, {
        params: { planId },
        query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      })
      pages.push(...page.items.map((entry) => entry.id))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    expect(pages).toEqual(ids)
  })

  it("TRK-R8 sub-tasks, free tasks with a correlation of their own, and the engine's plans appear as well", async () => {
    const { taskId } = await bench.plans.tasks.create(planner, { body: { type: 'write.requested' } })
    await bench.plans.tasks.start(planner, { params: { taskId }, body: { deliveryKey: 'k' } })
    const { taskIds } = await bench.plans.tasks.delegate(planner, {
      params: { taskId },
      body: { specs: [{ type: 'draft.requested', responseType: 'draft.done' }] },
    })
    const draft = unstamped({ type: 'draft.done', correlationid: taskIds[0] as string })
    bench.events.push(draft)
    await bench.settle()
    const { task } = await bench.tracker.tasks.get(planner, { params: { taskId } })
    expect(await idsOf(task.planId as string)).toContain(draft.id)
    expect((await bench.tracker.tasks.get(planner, { params: { taskId: taskIds[0] as string } })).task).toMatchObject({
      parentTaskId: taskId,
      state: 'completed',
    })

    const free = newId('task')
    await bench.plans.tasks.putContext(planner, {
      params: { taskId: free },
      ifMatch: 0,
      body: { state: {}, task: { type: 'free.requested', correlationId: 'from outside' } },
    })
    await bench.settle()
    const request = unstamped({ topic: 'action-requests', type: 'free.requested', correlationid: 'from outside' })
    const foreign = { ...request, id: newId('evt'), userid: 'usr-b' }
    await bench.deliver(request)
    await bench.deliver(foreign)
    const lone = (await bench.tracker.tasks.get(planner, { params: { taskId: free } })).task.planId as string
    expect(await idsOf(lone)).toContain(request.id)
    expect(await idsOf(lone)).not.toContain(foreign.id)
    const plans = (await bench.tracker.plans.list(planner, { query: { loneTasks: true, limit: 200 } })).items
    expect(plans.map((plan) => plan.planId)).toEqual(expect.arrayContaining([lone, task.planId]))

    for (const event of aHistory()) {
      const data = { ...(event.data as object), driver: 'engine' }
      await bench.deliver(event.topic === 'plan-events' ? { ...event, data } : event)
    }
    expect((await bench.tracker.plans.get(planner, { params: { planId: enginePlanId } })).plan).toMatchObject({
      driver: 'engine',
      counts: { completed: 3 },
    })
  })

  it('TRK-R8 of two plans with one correlation an event belongs to the first, and what names a task belongs to that', async () => {
    const body = { title: 'Shared', correlationIds: ['shared'] }
    const first = await bench.plans.plans.create(planner, { body })
    const second = await bench.plans.plans.create(planner, { body: { ...body, parentPlanId: first.planId } })
    const { taskIds } = await bench.plans.plans.delegate(planner, {
      params: { planId: second.planId },
      body: { specs: [{ type: 'check.requested' }] },
    })
    await bench.settle()
    const shared = unstamped({ topic: 'business-facts', type: 'check.remarked', correlationid: 'shared' })
    const named = unstamped({ ...shared, id: newId('evt'), taskid: taskIds[0] as string })
    await bench.deliver(shared)
    await bench.deliver(named)
    expect(await idsOf(first.planId)).toContain(shared.id)
    expect(await idsOf(second.planId)).not.toContain(shared.id)
    expect(await idsOf(second.planId)).toContain(named.id)
    const later = unstamped({ topic: 'business-facts', type: 'check.remarked', correlationid: 'later' })
    await bench.deliver(later)
    const { version } = await bench.plans.plans.get(planner, { params: { planId: first.planId } })
    await bench.plans.plans.putState(planner, {
      params: { planId: first.planId },
      ifMatch: version,
      body: { state: {}, correlationIds: ['later'] },
    })
    await bench.plans.plans.finish(planner, { params: { planId: first.planId }, body: { outcome: 'completed' } })
    await bench.settle()
    expect(await idsOf(first.planId)).toEqual(expect.arrayContaining([shared.id, later.id]))
    const { planIds } = await bench.tracker.correlations.get(planner, { params: { correlationId: 'shared' } })
    expect(planIds.toSorted()).toEqual([first.planId, second.planId].toSorted())
  })
})
