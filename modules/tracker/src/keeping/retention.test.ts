import { newId } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { trackerContract } from '../../contract/index.ts'
import { aPlanner, aReader, aTaskFact, openTrackerBench } from '../../testing/index.ts'

const DAY_MS = 86_400_000
const planner = aPlanner()
const operator = aReader(['platform:operate', 'plan:read', 'plan:read-all'])
let nowMs = Date.now()
const settings = { 'tracker.plansRetentionDays': 30, 'tracker.timelineRetentionDays': 10, 'tracker.verifyEveryDays': 7 }
const bench = await openTrackerBench(undefined, { now: () => new Date(nowMs) }, settings)
afterAll(() => bench.close())

const plansOf = async () => (await bench.tracker.plans.list(planner, {})).items.map(({ name }) => name)
const entriesOf = async (planId: string) =>
  (await bench.tracker.planTimeline.list(planner, { params: { planId }, query: { limit: 200 } })).items
const verified = async () => {
  const { rebuildId } = await bench.tracker.rebuilds.verify(operator, { body: {} })
  await bench.rebuild()
  const { models } = await bench.tracker.rebuilds.get(operator, { params: { rebuildId } })
  return models.every(({ isEqual }) => isEqual)
}
async function work(title: string): Promise<string> {
  const { planId } = await bench.plans.plans.create(planner, { body: { title } })
  const { taskIds } = await bench.plans.plans.delegate(planner, {
    params: { planId },
    body: { specs: [{ type: 'check.requested' }] },
  })
  await bench.plans.tasks.complete(planner, { params: { taskId: taskIds[0] as string }, body: { output: 1 } })
  await bench.settle()
  return planId
}

it('TRK-R6 what the log has dropped stays as long as the retention of the models says, and a rebuild keeps it, marked; then it goes, of the models alone', {
  timeout: 120_000,
}, async () => {
  const ended = await work('Ended')
  await bench.plans.plans.finish(planner, { params: { planId: ended }, body: { outcome: 'completed', result: 1 } })
  const open = await work('Open')
  await bench.settle()
  const entries = await entriesOf(ended)
  expect(entries.length).toBeGreaterThan(4)

  // The log keeps the last event alone.
  bench.log.trimBefore(bench.events.length)
  await bench.keep()
  await bench.tracker.rebuilds.create(operator, { body: {} })
  await bench.rebuild()
  expect((await bench.tracker.plans.get(planner, { params: { planId: ended } })).plan).toMatchObject({
    kept: true,
    status: 'completed',
  })
  expect((await entriesOf(ended)).map(({ id, kept }) => [id, kept])).toEqual(entries.map(({ id }) => [id, true]))
  expect(await verified()).toBe(true)

  nowMs += 11 * DAY_MS
  await bench.keep()
  expect(await entriesOf(ended)).toEqual([])
  expect(await plansOf()).toEqual(['Open', 'Ended'])
  // Although the log still has what is too old for the models.
  bench.log.trimBefore(1)
  expect(await verified()).toBe(true)

  nowMs += 20 * DAY_MS
  await bench.keep()
  expect(await plansOf()).toEqual(['Open'])
  await expect(bench.tracker.plans.get(planner, { params: { planId: ended } })).rejects.toMatchObject({
    code: 'not-found',
  })
  expect((await bench.tracker.plans.get(planner, { params: { planId: open } })).plan.counts).toMatchObject({
    total: 1,
    completed: 1,
  })
  expect((await bench.tracker.tasks.list(planner, {})).items).toHaveLength(1)
  expect(await verified()).toBe(true)
})

it('TRK-R5 verifications come by themselves, once in so many days for each tenant with rows; weekly in production', async () => {
  const running = () =>
    bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-c' }, (session) =>
      session.query<{ kind: string; status: string }>('select kind, status from tracker.rebuilds'),
    )
  expect(trackerContract.settings.verifyEveryDays).toMatchObject({ default: 0, modes: { production: 7 } })
  await bench.scheduleVerifications()
  expect(await running()).toEqual([])
  const ids = { planId: newId('plan'), taskId: newId('task') }
  const at = new Date(nowMs).toISOString()
  await bench.deliver({ ...aTaskFact('created', ids, { at, version: 1, status: 'pending' }), tenantid: 'tenant-c' })
  await bench.scheduleVerifications()
  expect(await running()).toEqual([{ kind: 'verify', status: 'running' }])
  await bench.rebuild()
  await bench.scheduleVerifications()
  expect(await running()).toEqual([{ kind: 'verify', status: 'completed' }])
})
