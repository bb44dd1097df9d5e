import { toId } from '@soma/kernel'
import { afterAll, describe, expect, it } from 'vitest'
import { aPlanner, openTrackerBench } from '../../testing/index.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

const read = (planId: string, direction: 'up' | 'down' | 'both' = 'both') =>
  bench.tracker.planHierarchy.get(planner, { params: { planId }, query: { direction } })
/** Rows of plans, since their facts would take minutes to project. `parentOf`: SQL over `n`, the number of the plan. */
const insertPlans = (family: number, count: number, parentOf: string) =>
  bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
    session.execute(
      `insert into tracker.plans (tenant_id, id, user_id, version, status, parent_id, doc, sort_at, as_of)
       select 'tenant-a', ${idOf(family, 'n')}, 'usr-a', 1, 'running', ${idOf(family, `(${parentOf})`)}, '{"name":"bulk"}', now(), now() from generate_series(0, ${count - 1}) n`,
    ),
  )
const idOf = (family: number, number: string): string =>
  `('00000000-0000-7000-8${String(family).padStart(3, '0')}-' || lpad(${number}::text, 12, '0'))::uuid`
const planIdOf = (family: number, number: number): string =>
  toId('plan', `00000000-0000-7000-8${String(family).padStart(3, '0')}-${String(number).padStart(12, '0')}`)

describe('the hierarchy of a plan', () => {
  it('has the plans above and below, plans that a task handed out, and delegations inside them', async () => {
    const parent = await bench.plans.plans.create(planner, { body: { title: 'Parent' } })
    const child = await bench.plans.plans.create(planner, { body: { title: 'Child', parentPlanId: parent.planId } })
    const { taskIds } = await bench.plans.plans.delegate(planner, {
      params: { planId: child.planId },
      body: { specs: [{ type: 'write.requested' }, { type: 'lone.requested' }] },
    })
    const parentTaskId = taskIds[0] as string
    await bench.plans.tasks.start(planner, { params: { taskId: parentTaskId }, body: { deliveryKey: 'k' } })
    const sub = await bench.plans.tasks.delegate(planner, {
      params: { taskId: parentTaskId },
      body: { specs: [{ type: 'draft.requested' }] },
    })
    const leaf = await bench.plans.plans.create(planner, { body: { title: 'Leaf', parentTaskId } })
    await bench.settle()
    const names = async (planId: string, direction: 'up' | 'down' | 'both') =>
      (await read(planId, direction)).plans.map((plan) => plan.name)
    expect(await names(child.planId, 'both')).toEqual(['Child', 'Parent', 'Leaf'])
    expect(await names(leaf.planId, 'up')).toEqual(['Leaf', 'Child', 'Parent'])
    expect(await names(parent.planId, 'down')).toEqual(['Parent', 'Child', 'Leaf'])
    const { plans, tasks, cut, truncated } = await read(parent.planId)
    expect(plans[2]).toMatchObject({ parentPlanId: child.planId, parentTaskId, rootPlanId: parent.planId })
    expect(tasks).toMatchObject([
      { taskId: parentTaskId, planId: child.planId, state: 'delegated' },
      { taskId: sub.taskIds[0], planId: child.planId, parentTaskId, type: 'draft.requested' },
    ])
    expect({ cut, truncated }).toEqual({ cut: false, truncated: false })
    const { plan } = await bench.tracker.plans.get(planner, { params: { planId: child.planId } })
    expect(plans[1]).toMatchObject({ name: 'Child', counts: plan.counts, progress: plan.progress, status: plan.status })
  })

  it('cuts cycles above, below and around a plan, and flags them', async () => {
    await insertPlans(1, 5, `(n + 1) % 5`)
    await insertPlans(2, 5, `case n when 0 then 2 else n - 1 end`)
    for (const direction of ['up', 'down', 'both'] as const) {
      const round = await read(planIdOf(1, 3), direction)
      expect({ plans: round.plans.length, cut: round.cut }, direction).toEqual({ plans: 5, cut: true })
    }
    const above = await read(planIdOf(2, 4))
    expect(above.plans.map((plan) => plan.planId)).toEqual([4, 3, 2, 1, 0].map((number) => planIdOf(2, number)))
    expect(above.cut).toBe(true)
    expect(await read(planIdOf(2, 3), 'down')).toMatchObject({ cut: false })
  })

  it('goes 300 levels up, answers 10,000 nodes at most and says when there are more', { timeout: 60_000 }, async () => {
    await insertPlans(3, 300, 'greatest(n - 1, 0)')
    expect((await read(planIdOf(3, 299), 'up')).plans).toHaveLength(300)
    await insertPlans(4, 10_001, 'n / 4')
    const { plans, truncated } = await read(planIdOf(4, 0), 'down')
    expect({ plans: plans.length, truncated }).toEqual({ plans: 10_000, truncated: true })
  })
})
