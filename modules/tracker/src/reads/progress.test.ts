import { afterAll, expect, it } from 'vitest'
import { aPlanner, openTrackerBench } from '../../testing/index.ts'

const worker = aPlanner({
  principal: { id: 'agt-worker', kind: 'agent', roles: [], capabilities: ['plan:read', 'plan:run', 'task:update'] },
})
const bench = await openTrackerBench()
afterAll(() => bench.close())

it('TRK-R10 a task reports progress and a message; reports above ten a second are merged, and the last one always lands', async () => {
  const { taskId } = await bench.plans.tasks.create(worker, { body: { type: 'write.requested' } })
  await bench.plans.tasks.start(worker, { params: { taskId }, body: { deliveryKey: 'k' } })
  const report = (progress: number, message?: string) =>
    bench.plans.tasks.progress(worker, {
      params: { taskId },
      body: { progress, ...(message === undefined ? {} : { message }) },
    })
  const shown = async () => {
    await bench.settle()
    return (await bench.tracker.tasks.get(worker, { params: { taskId } })).task
  }
  for (let page = 1; page <= 40; page++) await report(page / 100, `page ${page}`)
  for (;;) {
    await bench.sweep()
    if ((await shown()).message === 'page 40') break
  }
  expect(await shown()).toMatchObject({ state: 'running', progress: 0.4, message: 'page 40' })
  const facts = bench.events.filter((event) => event.type === 'task.progressed')
  const told = facts.map((event) => Date.parse((event.data as { at: string }).at))
  for (let window = 0; window + 10 < told.length; window++)
    expect((told[window + 10] as number) - (told[window] as number)).toBeGreaterThanOrEqual(1000)
  const { plan } = await bench.tracker.plans.get(worker, {
    params: { planId: (await shown()).planId as string },
  })
  expect(plan.progress).toBe(0.4)
  await expect(report(1.1)).rejects.toMatchObject({ code: 'invalid-request' })
  await expect(report(-0.1)).rejects.toMatchObject({ code: 'invalid-request' })
})
