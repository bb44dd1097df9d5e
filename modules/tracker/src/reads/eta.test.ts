import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { aPlanner, aTaskFact, openTrackerBench } from '../../testing/index.ts'
import { estimateRest } from './estimate.ts'

const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()
const agent = { name: 'checker' }
const past = async (type: string, runsMs: readonly number[], by = agent) => {
  for (const runMs of runsMs) {
    const ids = { planId, taskId: newId('task') }
    await bench.deliver(
      aTaskFact('completed', ids, {
        at: ago(60_000),
        type,
        agent: by,
        version: 3,
        status: 'completed',
        queuedMs: 0,
        runMs,
      }),
    )
  }
}
const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Estimated' } })
await bench.settle()
const etaOf = (id = planId) => bench.tracker.planEta.get(planner, { params: { planId: id } })
const open = (type: string, more: object = {}): EventEnvelope =>
  aTaskFact(
    'started',
    { planId, taskId: newId('task') },
    { at: new Date().toISOString(), type, agent, version: 2, status: 'running', ...more },
  )

it('an end is estimated from past tasks of the type and agent, else of the type; fewer than five are not enough; the same plan gets the same', async () => {
  expect(await etaOf()).toMatchObject({ eta: null, reason: 'nothing-open' })
  await past('check.requested', [10_000, 11_000, 12_000, 13_000])
  await bench.deliver(open('check.requested'))
  expect(await etaOf()).toMatchObject({ eta: null, reason: 'not-enough-history' })
  await past('check.requested', [50_000, 50_000], { name: 'other' })
  expect((await etaOf()).eta?.basis).toEqual({ level: 'type', samples: 6 })
  await past('check.requested', [14_000])
  const { eta } = await etaOf()
  expect(eta?.basis).toEqual({ level: 'type-and-agent', samples: 5 })
  const inMs = Date.parse(eta?.p50At as string) - Date.now()
  expect(inMs).toBeGreaterThan(8_000)
  expect(inMs).toBeLessThan(14_000)
  expect(Date.parse(eta?.p10At as string)).toBeLessThanOrEqual(Date.parse(eta?.p50At as string))
})

it('time at gates is not in it, and the gates are named; a plan that has ended or is paused has none', async () => {
  const before = Date.parse((await etaOf()).eta?.p90At as string)
  const gateId = newId('gate')
  const waiting = { reason: 'review', sinceAt: ago(0) }
  await bench.deliver(open('gate.requested', { status: 'waiting', gateId, waiting }))
  const { eta } = await etaOf()
  expect(eta?.excludes).toEqual([gateId])
  expect(Math.abs(Date.parse(eta?.p90At as string) - before)).toBeLessThan(5_000)
  await bench.plans.plans.pause(planner, { params: { planId }, body: { reason: 'lunch', mode: 'drain' } })
  await bench.settle()
  expect(await etaOf()).toMatchObject({ eta: null, reason: 'paused' })
  await expect(bench.tracker.planEta.get(aPlanner({ userId: 'usr-b' }), { params: { planId } })).rejects.toMatchObject({
    code: 'not-found',
  })
})

it('after 20 runs of known random durations, 70 to 90 of 100 actual ends lie between p10 and p90', () => {
  let state = 42
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  /** Longer tails than a bell: a tenth takes thrice as long. */
  const duration = () => 1000 + 4000 * random() * random() + (random() < 0.1 ? 6000 : 0)
  let within = 0
  const PLANS = 400
  for (let plan = 0; plan < PLANS; plan++) {
    const pastMs = Array.from({ length: 20 }, duration).sort((one, other) => one - other)
    const chain = ['a', 'b', 'c'].map((id, index) => ({
      ...{ id, parentId: index === 0 ? undefined : (['a', 'b'][index - 1] as string) },
      ...{ elapsedMs: 0, pastMs },
    }))
    const { p10Ms, p90Ms } = estimateRest(chain, `plan ${plan}`)
    const actual = duration() + duration() + duration()
    if (actual >= p10Ms && actual <= p90Ms) within += 1
    expect(estimateRest(chain, `plan ${plan}`)).toEqual({ ...estimateRest(chain, `plan ${plan}`) })
  }
  expect(within / PLANS).toBeGreaterThanOrEqual(0.7)
  expect(within / PLANS).toBeLessThanOrEqual(0.9)
})

it('tasks side by side count by the longest, those that wait for each other together, and one that outlasts its past goes on', () => {
  const task = (id: string, ms: number, more: object = {}) => ({
    ...{ id, parentId: undefined, elapsedMs: 0, pastMs: [ms, ms, ms, ms, ms] },
    ...more,
  })
  expect(estimateRest([task('a', 1000), task('b', 3000)], 's').p50Ms).toBe(3000)
  expect(estimateRest([task('a', 1000), task('b', 3000, { parentId: 'a' })], 's').p50Ms).toBe(4000)
  expect(estimateRest([task('a', 1000, { elapsedMs: 600 })], 's').p50Ms).toBe(400)
  expect(estimateRest([task('a', 1000, { elapsedMs: 1500 })], 's').p50Ms).toBe(500)
  const round = [task('a', 10, { parentId: 'b' }), task('b', 10, { parentId: 'a' })]
  expect(estimateRest(round, 's').p50Ms).toBe(0)
})
