import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, describe, expect, it } from 'vitest'
import { aPlanner, openTrackerBench } from '../testing/index.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

const requestOf = (taskId: string) =>
  bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope
const reply = (request: EventEnvelope, data: unknown): EventEnvelope => ({
  specversion: '1.0',
  id: newId('evt'),
  source: '/agents/checker',
  type: request.responsetype as string,
  topic: 'action-results',
  time: new Date().toISOString(),
  tenantid: 'tenant-a',
  userid: 'usr-a',
  correlationid: request.correlationid as string,
  planid: request.planid as string,
  taskid: request.taskid as string,
  causationid: request.id,
  outcome: 'ok',
  data,
})

describe('the tracker over plans', () => {
  it('lineage follows requests to replies, and from any effect back to the goal', async () => {
    const goal: EventEnvelope = {
      ...reply({ responsetype: 'docs.check.requested' } as EventEnvelope, {}),
      topic: 'action-requests',
    }
    const { planid: _plan, taskid: _task, causationid: _cause, correlationid: _correlation, ...goalEvent } = goal
    await bench.deliver(goalEvent as EventEnvelope)
    const caused = { ...planner, cause: { eventId: goal.id, correlationId: goal.id } }
    const { planId } = await bench.plans.plans.create(caused, {
      body: { title: 'Traced', goal: { type: 'docs.check.requested', data: {}, eventId: goal.id } },
    })
    const { taskIds } = await bench.plans.plans.delegate(caused, {
      params: { planId },
      body: { specs: [{ type: 'check.requested', responseType: 'check.done' }] },
    })
    const answer = reply(requestOf(taskIds[0] as string), {})
    bench.events.push(answer)
    await bench.settle()
    const { edges, entries } = await bench.tracker.planLineage.get(planner, { params: { planId } })
    const request = requestOf(taskIds[0] as string)
    expect(edges).toContainEqual({ from: request.id, to: answer.id, kind: 'replied' })
    expect(edges).toContainEqual({ from: goal.id, to: request.id, kind: 'caused' })
    expect(entries[0]?.id).toBe(goal.id)
    const completed = bench.events.find((event) => event.type === 'task.completed' && event.taskid === taskIds[0])
    const back = await bench.tracker.planLineage.get(planner, {
      params: { planId },
      query: { eventId: completed?.id as string },
    })
    expect(back.entries.map((entry) => entry.id)).toContain(goal.id)
  })

  it('a stream gives a snapshot, then each change of plan, task and timeline', async () => {
    const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Streamed' } })
    await bench.settle()
    const abort = new AbortController()
    const stream = await bench.tracker.planStream.read(planner, { params: { planId }, signal: abort.signal })
    const frames = stream[Symbol.asyncIterator]()
    expect((await frames.next()).value).toMatchObject({
      event: 'snapshot',
      data: { plan: { name: 'Streamed', status: 'pending' }, tasks: [] },
    })
    const { taskIds } = await bench.plans.plans.delegate(planner, {
      params: { planId },
      body: { specs: [{ type: 'check.requested' }] },
    })
    const next = frames.next()
    await bench.settle()
    const seen: string[] = [((await next).value as { event: string }).event]
    while (!(seen.includes('plan') && seen.includes('task') && seen.includes('timeline'))) {
      const frame = (await frames.next()).value as { event: string; data: { task?: { taskId: string } } }
      if (frame.event === 'task') expect(frame.data.task?.taskId).toBe(taskIds[0])
      seen.push(frame.event)
    }
    abort.abort()
    for (let frame = await frames.next(); frame.done !== true; ) frame = await frames.next()
  })
})
