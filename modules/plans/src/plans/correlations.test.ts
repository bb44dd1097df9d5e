import { afterAll, beforeAll, expect, it } from 'vitest'
import { actor, openPlansBench, type PlansBench } from '../../testing/index.ts'

let bench: PlansBench
beforeAll(async () => {
  bench = await openPlansBench()
}, 60_000)
afterAll(() => bench.close())

const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
const elsewhere = { ...planner, spaceId: 'elsewhere' }
const goal = { type: 'trip.requested', data: {}, correlationId: 'goal-1' }
const find = (correlationId: string, who = planner) =>
  bench.client.plans.byCorrelation(who, { params: { correlationId } })

it('a planner that keeps its states itself saves which one it is in and by which ids replies find the plan', async () => {
  const { planId, version } = await bench.client.plans.create(planner, { body: { goal, correlationIds: ['old'] } })
  const saved = await bench.client.plans.putState(planner, {
    params: { planId },
    ifMatch: version,
    body: { state: {}, currentState: 'booking', correlationIds: ['new', 'goal-1'] },
  })
  expect(saved).toMatchObject({ currentState: 'booking', correlationIds: ['goal-1', 'new'] })
  for (const id of ['goal-1', 'new']) expect((await find(id)).plan.planId).toBe(planId)
  await expect(find('old')).rejects.toMatchObject({ code: 'not-found' })
  const kept = await bench.client.plans.putState(planner, {
    params: { planId },
    ifMatch: saved.version,
    body: { state: { step: 1 } },
  })
  expect(kept).toMatchObject({ currentState: 'booking', correlationIds: ['goal-1', 'new'] })
})

it('the state of a plan with a machine changes by transition alone', async () => {
  const stateMachine = { ask: { transitions: [{ on: 'x', to: 'end' }] }, end: { terminal: true } }
  const { planId, version } = await bench.client.plans.create(planner, { body: { stateMachine } })
  const body = { state: {}, currentState: 'end' }
  const put = bench.client.plans.putState(planner, { params: { planId }, ifMatch: version, body })
  await expect(put).rejects.toMatchObject({ code: 'conflict' })
  expect((await bench.client.plans.get(planner, { params: { planId } })).currentState).toBe('ask')
})

it('of plans with one correlation id those of the own space come first, however new and open the others are', async () => {
  const make = async (who: typeof planner) =>
    (await bench.client.plans.create(who, { body: { correlationIds: ['shared'] } })).planId
  const own = await make(planner)
  const other = await make(elsewhere)
  await bench.client.plans.cancel(planner, { params: { planId: own }, body: { reason: 'over' } })
  expect((await find('shared')).plan.planId).toBe(own)
  expect((await find('shared', elsewhere)).plan.planId).toBe(other)
})
