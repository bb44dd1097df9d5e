import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { aPlanner, openTrackerBench } from '../../testing/index.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

const start = (taskId: string, deliveryKey = 'k') =>
  bench.plans.tasks.start(planner, { params: { taskId }, body: { deliveryKey } })

it('TRK-R18 a group shows each member and its own end; one that fails, dies, times out, is given up or cancelled has finished with its problem', async () => {
  const { taskId: parentTaskId } = await bench.plans.tasks.create(planner, { body: { type: 'write.requested' } })
  await start(parentTaskId)
  const spec = { type: 'draft.requested', responseType: 'draft.done' }
  const { taskIds, groupId } = await bench.plans.tasks.delegate(planner, {
    params: { taskId: parentTaskId },
    body: { group: true, specs: [spec, spec, spec, spec, { ...spec, timeoutMs: 1 }, spec] },
  })
  const [done, failed, dead, givenUp, , cancelled] = taskIds as [string, string, string, string, string, string]
  const group = async () => {
    await bench.settle()
    return (await bench.tracker.delegationGroups.get(planner, { params: { groupId: groupId as string } })).group
  }
  expect(await group()).toMatchObject({ parentTaskId, total: 6, completed: 0, failed: 0, pending: 6 })
  expect(await group()).not.toHaveProperty('completedAt')

  await bench.plans.tasks.complete(planner, { params: { taskId: done }, body: { output: 1 } })
  await bench.plans.tasks.fail(planner, {
    params: { taskId: failed },
    body: { problem: { code: 'bad', detail: 'bad' } },
  })
  for (let delivery = 1; delivery <= 6; delivery++) await start(dead, `delivery ${delivery}`)
  const request = bench.events.find((event) => event.topic === 'action-requests' && event.taskid === givenUp)
  bench.events.push(deadLetterOf(request as EventEnvelope))
  await bench.settle()
  for (;;) {
    await bench.sweep()
    if ((await group()).failed === 4) break
  }
  expect(await group()).toMatchObject({ completed: 1, failed: 4, pending: 1 })
  expect(await group()).not.toHaveProperty('completedAt')
  await bench.plans.tasks.cancel(planner, { params: { taskId: cancelled }, body: { reason: 'enough' } })
  const ended = await group()
  expect(ended).toMatchObject({ total: 6, completed: 1, failed: 5, pending: 0 })
  const members = taskIds.map((taskId) => ended.members.find((member) => member.taskId === taskId))
  expect(members.map((member) => [member?.state, member?.problem?.code])).toEqual([
    ['completed', undefined],
    ['failed', 'bad'],
    ['failed', 'poisoned'],
    ['failed', 'dead-lettered'],
    ['failed', 'timeout'],
    ['cancelled', 'cancelled'],
  ])
  const last = bench.events.findLast((event) => event.type === 'task.cancelled' && event.taskid === cancelled)
  expect(ended.completedAt).toBe(last?.time)
})

const deadLetterOf = (request: EventEnvelope): EventEnvelope => ({
  ...request,
  id: newId('evt'),
  type: 'delivery.dead-lettered',
  source: '/modules/events',
  topic: 'dead-letter',
  partitionkey: request.taskid as string,
  data: {
    deliveryId: newId('dlv'),
    group: newId('sub'),
    topic: request.topic,
    type: request.type,
    eventId: request.id,
    attempts: 5,
    problem: { code: 'internal', detail: 'boom' },
    handler: null,
  },
})
