import { newId } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { aPlanner, aTaskFact, openTrackerBench } from '../../testing/index.ts'

const planner = aPlanner()
const START = Date.parse('2026-03-01T12:30:00.000Z')
let nowMs = START
const bench = await openTrackerBench(undefined, { now: () => new Date(nowMs) })
afterAll(() => bench.close())

/** A task with its facts in order. */
function aTask(planId: string, type: string) {
  const ids = { planId, taskId: newId('task') }
  let version = 0
  return {
    tell: (verb: string, status: string, more: object = {}) => {
      version += 1
      const at = new Date(nowMs).toISOString()
      return bench.deliver(aTaskFact(verb, ids, { at, type, version, status, ...more }))
    },
  }
}
const planOf = async (planId: string) => (await bench.tracker.plans.get(planner, { params: { planId } })).plan
const progressOf = async (planId: string) => Number((await planOf(planId)).progress.toFixed(3))

/** Five that were done two hours ago: what came in the hour of the plan or after moves nothing. */
async function teach(type: string, runMs: number, atMs = START - 7_200_000) {
  const before = nowMs
  nowMs = atMs
  const planId = newId('plan')
  for (let run = 0; run < 5; run++) await aTask(planId, type).tell('completed', 'completed', { runMs })
  nowMs = before
}

it('TRK-R9 tasks weigh what such tasks took; ended ones count whole, running ones what they reported or the time they have had, up to nine tenths', {
  timeout: 60_000,
}, async () => {
  await teach('short.requested', 1_000)
  await teach('long.requested', 9_000)
  const planId = newId('plan')
  const [short, long] = [aTask(planId, 'short.requested'), aTask(planId, 'long.requested')]
  await short.tell('created', 'pending')
  await long.tell('created', 'pending')
  expect(await progressOf(planId)).toBe(0)
  await short.tell('failed', 'failed', { problem: { code: 'bad' } })
  expect(await progressOf(planId)).toBe(0.1)
  await long.tell('started', 'running')
  nowMs += 4_500
  expect(await progressOf(planId)).toBe(0.55)
  await long.tell('progressed', 'running', { progress: 0.75 })
  expect(await progressOf(planId)).toBe(0.775)
  nowMs += 3_600_000
  expect(await progressOf(planId)).toBe(0.91)
  await long.tell('progressed', 'running', { progress: 0.95 })
  expect(await progressOf(planId)).toBe(0.955)
  // What such tasks take now was not known when the plan began.
  await teach('short.requested', 500_000, nowMs)
  expect(await progressOf(planId)).toBe(0.955)
  const { scopeChangedAt } = await planOf(planId)
  expect(scopeChangedAt).toBeUndefined()
  await aTask(planId, 'unheard.requested').tell('created', 'pending')
  expect(await planOf(planId)).toMatchObject({ scopeChangedAt: new Date(nowMs).toISOString() })
  // Of which nothing is known: as much as the others on average.
  expect(await progressOf(planId)).toBe(Number((9.55 / 15).toFixed(3)))
  const { items } = await bench.tracker.plans.list(planner, { query: { limit: 200 } })
  expect(items.find((plan) => plan.planId === planId)?.progress.toFixed(3)).toBe((9.55 / 15).toFixed(3))
  const { plans } = await bench.tracker.planHierarchy.get(planner, { params: { planId } })
  expect(plans[0]?.progress.toFixed(3)).toBe((9.55 / 15).toFixed(3))
  await long.tell('cancelled', 'cancelled')
  expect(await progressOf(planId)).toBe(Number((10 / 15).toFixed(3)))
})

it('TRK-R9 it never falls in 40 random plans, but when tasks were added or opened again, which it says', {
  timeout: 120_000,
}, async () => {
  let falls = 0
  for (let seed = 1; seed <= 40; seed++) {
    let state = seed * 2654435761
    const draw = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 4294967296) * below)
    }
    const planId = newId('plan')
    const types = ['short.requested', 'long.requested', 'unheard.requested']
    const tasks: { task: ReturnType<typeof aTask>; status: string; generation: number }[] = []
    const add = async () => {
      const task = aTask(planId, types[draw(3)] as string)
      tasks.push({ task, status: 'pending', generation: 1 })
      await task.tell('created', 'pending')
    }
    await add()
    let before = await planOf(planId)
    for (let step = 0; step < 25; step++) {
      nowMs += draw(4_000)
      const one = tasks[draw(tasks.length)] as (typeof tasks)[number]
      const to = async (verb: string, status: string, more: object = {}) => {
        one.status = status
        await one.task.tell(verb, status, { generation: one.generation, ...more })
      }
      const ended = ['completed', 'failed', 'cancelled'].includes(one.status)
      const what = draw(10)
      if (what === 0) await add()
      else if (ended && what < 3) {
        one.generation += 1
        await to('retried', 'pending')
      } else if (ended) continue
      else if (one.status === 'pending') await to('started', 'running')
      else if (what < 4) await to('progressed', 'running', { progress: draw(100) / 100 })
      else if (what < 5) await to('retried', 'pending')
      else if (what < 7)
        await to('waiting', 'waiting', { waiting: { reason: 'review', sinceAt: new Date(nowMs).toISOString() } })
      else if (what < 8) await to('failed', 'failed')
      else await to('completed', 'completed')
      const after = await planOf(planId)
      if (after.progress < before.progress) {
        falls += 1
        expect(after.scopeChangedAt, `seed ${seed}, step ${step}`).toBe(new Date(nowMs).toISOString())
      }
      expect(after.progress).toBeLessThanOrEqual(1)
      before = after
    }
  }
  expect(falls).toBeGreaterThan(10)
})
