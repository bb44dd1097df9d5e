import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLAN_STATUSES, TASK_STATUSES } from '../contract/index.ts'
import {
  beginWalk,
  checkPlan,
  endWalk,
  type Faults,
  openPlansBench,
  PLAN_TABLE,
  planner,
  type PlansBench,
  TASK_TABLE,
  type Walk,
  walkMachine,
  walkOn,
  withFaults,
} from '../testing/index.ts'
import { isPlanChange, isTaskChange } from './statuses.ts'

const WALKS = 30
const STEPS = 60
let faults: Faults
let bench: PlansBench
beforeAll(async () => {
  const plain = await openPlansBench()
  faults = withFaults(plain.database)
  bench = await openPlansBench({ database: faults.database, beforeCommit: () => faults.before() })
}, 60_000)
afterAll(() => bench.close())

/** A seeded generator (mulberry32): a failing walk can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function expectWhole(walk: Walk, seed: number): Promise<void> {
  try {
    for (const planId of await endWalk(walk)) await checkPlan(bench, planId, { silent: walk.silent })
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
  }
}

describe('the two status tables', () => {
  it('are those of the page', () => {
    for (const from of PLAN_STATUSES)
      expect(
        PLAN_STATUSES.filter((to) => isPlanChange(from, to)),
        from,
      ).toEqual(PLAN_STATUSES.filter((to) => PLAN_TABLE[from].includes(to)))
    for (const from of TASK_STATUSES)
      expect(
        TASK_STATUSES.filter((to) => isTaskChange(from, to)),
        from,
      ).toEqual(TASK_STATUSES.filter((to) => TASK_TABLE[from].includes(to)))
  })

  it('PLN-R3 hold for planner-driven plans under random commands, replies, timeouts, repeats and crashes; rows, counts, facts and journal agree, and versions rise by 1', {
    timeout: 180_000,
  }, async () => {
    for (let seed = 1; seed <= WALKS; seed++) {
      const random = seeded(seed)
      const deadlineAt = new Date(Date.now() + (random() < 0.2 ? 100 : 86_400_000)).toISOString()
      const body = { title: `walk ${seed}`, stateMachine: walkMachine, start: random() < 0.8, deadlineAt }
      const { planId } = await bench.client.plans.create(planner, { body })
      const walk = beginWalk({ bench, planId, random, faults })
      for (let count = 0; count < STEPS; count++) await walkOn(walk)
      await expectWhole(walk, seed)
    }
  })

  it('hold for lone tasks in the same way', { timeout: 180_000 }, async () => {
    for (let seed = 1; seed <= WALKS / 2; seed++) {
      const random = seeded(1000 + seed)
      const { planId, taskId } = await bench.client.tasks.create(planner, {
        body: { type: 'a.requested', responseType: 'a.done' },
      })
      const walk = beginWalk({ bench, planId, random, faults })
      walk.taskIds.push(taskId)
      for (let count = 0; count < STEPS / 2; count++) await walkOn(walk)
      await expectWhole(walk, seed)
    }
  })
})
