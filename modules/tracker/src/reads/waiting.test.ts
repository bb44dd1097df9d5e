import type { EventEnvelope } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { aPlanner, openTrackerBench } from '../../testing/index.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

it('a read waits until the event that it names is applied: who wrote reads what he wrote', async () => {
  const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Own' } })
  const waitFor = (bench.events.at(-1) as EventEnvelope).id
  let isAnswered = false
  const read = bench.tracker.plans.get(planner, { params: { planId }, query: { waitFor } }).finally(() => {
    isAnswered = true
  })
  const listed = bench.tracker.plans.list(planner, { query: { waitFor } })
  await expect(bench.tracker.plans.get(planner, { params: { planId } })).rejects.toMatchObject({ code: 'not-found' })
  expect(isAnswered).toBe(false)
  await bench.settle()
  expect((await read).plan.name).toBe('Own')
  expect((await listed).items.map((plan) => plan.planId)).toContain(planId)
})

it('after 5 s it answers with what there is, and says that it is stale', { timeout: 20_000 }, async () => {
  const startedAt = performance.now()
  const answer = await bench.tracker.plans.list(planner, { query: { waitFor: 'evt_of_nobody' } })
  const ms = performance.now() - startedAt
  expect(answer.stale).toBe(true)
  expect(ms).toBeGreaterThan(4500)
  expect(ms).toBeLessThan(15_000)
})

it('sub-plans of a plan and the plans of a session are listed with their progress, and nobody else sees them', async () => {
  const parent = await bench.plans.plans.create(planner, { body: { title: 'Parent' } })
  const child = await bench.plans.plans.create(planner, { body: { title: 'Child', parentPlanId: parent.planId } })
  await bench.plans.plans.create(planner, { body: { title: 'Grandchild', parentPlanId: child.planId } })
  await bench.settle()
  const params = { planId: parent.planId }
  const { items } = await bench.tracker.planSubPlans.list(planner, { params })
  expect(items.map((plan) => [plan.name, plan.parentPlanId])).toEqual([['Child', parent.planId]])
  const eve = aPlanner({ userId: 'usr-b' })
  await expect(bench.tracker.planSubPlans.list(eve, { params })).rejects.toMatchObject({ code: 'not-found' })

  const plan = await bench.plans.plans.create(planner, { body: { title: 'In a session' } })
  const own = bench.events.at(-1) as EventEnvelope
  expect(own.planid).toBe(plan.planId)
  await bench.deliver({ ...own, sessionid: 'ses-1', recordedtime: own.time, sequence: '0-0000000000009999' })
  const ofSession = async (context = planner, sessionId = 'ses-1') =>
    (await bench.tracker.sessionPlans.list(context, { params: { sessionId } })).items.map((one) => one.name)
  expect(await ofSession()).toEqual(['In a session'])
  expect(await ofSession(eve)).toEqual([])
  expect(await ofSession(planner, 'ses-2')).toEqual([])
})
