import { type EventEnvelope, newId, sequenceOf } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { aFact, aPlanner, aTaskFact, openTrackerBench, type TrackerBench } from '../testing/index.ts'

const planner = aPlanner()
const planId = newId('plan')
const groups = [newId('grp'), newId('grp'), newId('grp')] as const
const benches: TrackerBench[] = []
afterAll(async () => {
  for (const bench of benches.reverse()) await bench.close()
})
const open = async (...database: Parameters<typeof openTrackerBench>) => {
  const bench = await openTrackerBench(...database)
  benches.push(bench)
  return bench
}

/** A plan of 200 tasks, each fact a second after the one before: three groups of tasks were delegated by tasks, five tasks failed and were tried again. */
function aLargePlan(): EventEnvelope[] {
  const facts: EventEnvelope[] = []
  const at = () => new Date(Date.UTC(2026, 0, 1) + facts.length * 1000).toISOString()
  const push = (event: EventEnvelope) => facts.push({ ...event, sequence: sequenceOf(0, facts.length + 1) })
  const plan = (verb: string, version: number, status: string) =>
    push({
      ...aFact(`plan.${verb}`, { planId, version, status, title: 'Large', driver: 'planner' }, at()),
      ...{ source: '/modules/plans', topic: 'plan-events', planid: planId },
    })
  plan('created', 1, 'pending')
  plan('started', 2, 'running')
  const parents = groups.map(() => newId('task'))
  for (let number = 0; number < 200; number++) {
    const delegated = number >= 3 && number < 33 ? number % 3 : undefined
    const ids = { planId, taskId: parents[number] ?? newId('task') }
    const above = delegated === undefined ? {} : { groupId: groups[delegated], parentTaskId: parents[delegated] }
    const more = { ...above, agent: { name: `agent-${number % 4}` } }
    let version = 0
    const tell = (verb: string, status: string, said: object = {}) => {
      version += 1
      push(aTaskFact(verb, ids, { at: at(), version, status, ...more, ...said }))
    }
    tell('created', 'pending')
    tell('started', 'running')
    const again = number >= 100 && number < 105 ? { generation: 2 } : {}
    if (number >= 100 && number < 105) {
      tell('failed', 'failed', { problem: { code: 'bad' } })
      tell('retried', 'pending', { ...again, reason: 'fixed' })
      tell('started', 'running', again)
    }
    tell('completed', 'completed', { ...again, queuedMs: 10, runMs: 1000 + number })
  }
  plan('completed', 3, 'completed')
  return facts
}

function shuffled<T>(items: readonly T[]): T[] {
  let state = 7
  const copy = [...items]
  for (let index = copy.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    ;[copy[index], copy[other]] = [copy[other] as T, copy[index] as T]
  }
  return copy
}

async function answersOf({ tracker }: TrackerBench) {
  const params = { planId }
  const entries: unknown[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = { limit: 200, ...(cursor === '' ? {} : { cursor }) }
    const page = await tracker.planTimeline.list(planner, { params, query })
    entries.push(...page.items)
    cursor = page.nextCursor
  }
  const members = await Promise.all(
    groups.map(async (groupId) => (await tracker.delegationGroups.get(planner, { params: { groupId } })).group),
  )
  return { plan: (await tracker.plans.get(planner, { params })).plan, entries, members }
}

it('TRK-A1 facts of a plan of 200 tasks that arrive shuffled, doubled and split over two nodes leave what the orderly run leaves', {
  timeout: 300_000,
}, async () => {
  const facts = aLargePlan()
  const orderly = await open()
  for (const fact of facts) await orderly.deliver(fact)
  const expected = await answersOf(orderly)
  expect(expected.plan).toMatchObject({ status: 'completed', progress: 1, counts: { total: 200, completed: 200 } })
  expect(expected.entries).toHaveLength(facts.length)
  expect(expected.members.map(({ total, completed }) => [total, completed])).toEqual([
    [10, 10],
    [10, 10],
    [10, 10],
  ])

  const one = await open()
  const two = await open(one.database)
  const abused = shuffled([...facts, ...facts])
  const apply = async (node: TrackerBench, own: readonly EventEnvelope[]) => {
    for (const fact of own) await node.deliver(fact)
  }
  await Promise.all([
    apply(
      one,
      abused.filter((_fact, index) => index % 2 === 0),
    ),
    apply(
      two,
      abused.filter((_fact, index) => index % 2 === 1),
    ),
  ])
  expect(await answersOf(two)).toEqual(expected)
  expect(await one.digest()).toBe(await orderly.digest())
})
