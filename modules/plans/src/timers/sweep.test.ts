import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPlansBench, type PlansBench, planner } from '../../testing/index.ts'

let bench: PlansBench
beforeAll(async () => {
  bench = await openPlansBench()
}, 60_000)
afterAll(() => bench.close())

it('timers that came due while all was down fire at the start in due order, over all plans', async () => {
  const [first, second] = await Promise.all(
    [1, 2].map(async () => (await bench.client.plans.create(planner, { body: { title: 'timers' } })).planId),
  )
  const timer = async (planId: string | undefined, key: string, timeoutMs: number) =>
    bench.client.plans.delegate(planner, {
      params: { planId: planId as string },
      body: { specs: [{ kind: 'timer', key, timeoutMs }] },
    })
  await timer(first, 'third', 3_000_000)
  await timer(second, 'second', 2_000_000)
  await timer(second, 'fourth', 4_000_000)
  await timer(first, 'first', 1_000_000)
  await bench.query("update plans.work set run_at = run_at - interval '1 day' where kind = 'timer'")
  const restarted = await openPlansBench({ database: bench.database })
  await restarted.sweep()
  const ended = restarted.events.filter((event) => event.type === 'task.completed')
  expect(ended.map((event) => (event.data as { key: string }).key)).toEqual(['first', 'second', 'third', 'fourth'])
})
