import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import { type EventEnvelope, sequenceOf } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  aFact,
  aHistory,
  aPlanner,
  aReader,
  aTaskFact,
  groupId,
  openTrackerBench,
  planId,
  taskId,
  type TrackerBench,
} from '../testing/index.ts'
import { trackerModule } from './module.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const reader = aReader(['plan:read', 'agent:read'], { userId: 'usr-a' })
let postgres: PostgresForTests
const nodes: TrackerBench[] = []
beforeAll(async () => {
  postgres = await openPostgres(server, [
    { definition: plansModule, ports: {} },
    { definition: trackerModule, ports: undefined },
  ])
  for (let index = 0; index < 2; index++) nodes.push(await openTrackerBench(await postgres.connect()))
})
afterAll(async () => {
  for (const node of nodes) await node.close()
  await postgres.drop()
})

it('two nodes that apply the topics of one plan at the same time, each twice, end as one that applies them in order', async () => {
  const [one, two] = nodes as [TrackerBench, TrackerBench]
  const apply = async (node: TrackerBench, events: readonly EventEnvelope[]) => {
    for (const event of events) await node.deliver(event)
  }
  const history = aWholeHistory()
  const plans = history.filter((event) => event.topic === 'plan-events')
  const others = history.filter((event) => event.topic !== 'plan-events')
  await Promise.all([apply(one, plans), apply(two, others)])
  await Promise.all([apply(two, plans), apply(one, others)])
  const embedded = await openTrackerBench()
  for (const event of history) await embedded.deliver(event)
  const [distributed, orderly] = await Promise.all(
    [one, embedded].map((bench) => bench.tracker.plans.get(reader, { params: { planId } })),
  )
  expect(distributed?.plan).toEqual(orderly?.plan)
  const timelines = await Promise.all(
    [one, embedded].map((bench) =>
      bench.tracker.planTimeline.list(reader, { params: { planId }, query: { limit: 200 } }),
    ),
  )
  expect(timelines[0]?.items).toEqual(timelines[1]?.items)
  const tasks = await Promise.all(
    [two, embedded].map((bench) => bench.tracker.planTasks.list(reader, { params: { planId } })),
  )
  expect(tasks[0]?.items).toEqual(tasks[1]?.items)
  expect((await two.tracker.delegationGroups.get(reader, { params: { groupId } })).group).toMatchObject({
    total: 2,
    completed: 1,
    pending: 1,
  })
  const answersOf = async ({ tracker }: TrackerBench) =>
    withoutFreshness(
      await Promise.all([
        tracker.planBlockers.list(reader, { params: { planId } }),
        tracker.blockers.list(reader, { query: { waitingFor: 'agent', olderThanMs: 0 } }),
        tracker.planHierarchy.get(reader, { params: { planId } }),
        tracker.planLineage.get(reader, { params: { planId } }),
        tracker.correlations.get(reader, { params: { correlationId: taskId(1) } }),
        tracker.agents.metrics(reader, { params: { name: 'checker' }, query: { period: '30d' } }),
      ]),
    )
  expect(await answersOf(two)).toEqual(await answersOf(embedded))
  await embedded.close()
})

it('a rebuild on one node loses nothing that another applies at the same time', async () => {
  const [one, two] = nodes as [TrackerBench, TrackerBench]
  const operator = aReader(['platform:operate', 'plan:read', 'plan:read-all'])
  const planner = aPlanner()
  let applied = 0
  const applyOnTwo = async () => {
    for (; applied < one.events.length; applied++) {
      const event = one.events[applied] as EventEnvelope
      await two.deliver({ ...event, recordedtime: event.time, sequence: sequenceOf(0, applied + 1) })
    }
  }
  const work = async () => {
    const made = await one.plans.plans.create(planner, { body: { title: 'Live' } })
    const specs = [{ type: 'check.requested' }, { type: 'check.requested' }]
    await one.plans.plans.delegate(planner, { params: { planId: made.planId }, body: { specs } })
    await applyOnTwo()
  }
  for (let round = 0; round < 10; round++) await work()
  for (let rebuild = 0; rebuild < 5; rebuild++) {
    const { rebuildId } = await one.tracker.rebuilds.create(operator, { body: {} })
    const params = { rebuildId }
    let isDone = false
    const ended = one.rebuild().finally(() => (isDone = true))
    while (!isDone) await work()
    await ended
    expect(await two.tracker.rebuilds.get(operator, { params })).toMatchObject({ status: 'completed', failed: 0 })
  }
  const { rebuildId } = await one.tracker.rebuilds.verify(operator, { body: {} })
  await one.rebuild()
  const { models } = await one.tracker.rebuilds.get(operator, { params: { rebuildId } })
  expect(models.filter(({ isEqual }) => !isEqual)).toEqual([])
  const plans = one.events.filter((event) => event.type === 'plan.created')
  expect(models.find(({ model }) => model === 'plans')?.rows).toBe(plans.length)
})

/** A plan that was rewound, with a task that waits for an agent, a live agent, and a task that ended just now. */
function aWholeHistory(): EventEnvelope[] {
  const at = new Date().toISOString()
  const agent = { name: 'checker' }
  const open = { planId, taskId: taskId(8) }
  const ended = { planId, taskId: taskId(9) }
  return [
    ...aHistory({ rewound: true }),
    aTaskFact('created', open, {
      at,
      version: 1,
      status: 'pending',
      pendingFor: 'agent',
      correlationId: 'from outside',
    }),
    aTaskFact('started', ended, { at, agent, version: 1, status: 'running' }),
    aTaskFact('completed', ended, { at, agent, version: 2, status: 'completed', queuedMs: 10, runMs: 500 }),
    aFact('agent.registered', {
      agentId: 'reg_1',
      ...agent,
      agentVersion: '1.0.0',
      instanceId: 'one',
      consumes: [{ topic: 'action-requests', type: 'other.requested' }],
    }),
  ]
}

const withoutFreshness = (answers: readonly { lagMs: number; stale: boolean }[]): object[] =>
  answers.map(({ lagMs: _lagMs, stale: _stale, ...answer }) => answer)
