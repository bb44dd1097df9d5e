import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import type { Context, EventEnvelope } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aHistory, groupId, openTrackerBench, planId, type TrackerBench } from '../testing/index.ts'
import { trackerModule } from './module.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const reader: Context = {
  tenantId: 'tenant-a',
  spaceId: '',
  principal: { id: 'agt-planner', kind: 'agent', roles: [], capabilities: ['plan:read'] },
  userId: 'usr-a',
  actors: [],
  method: 'token',
  region: 'local',
  constitutionHash: 'none',
  traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
}
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
  const plans = aHistory().filter((event) => event.topic === 'plan-events')
  const others = aHistory().filter((event) => event.topic !== 'plan-events')
  await Promise.all([apply(one, plans), apply(two, others)])
  await Promise.all([apply(two, plans), apply(one, others)])
  const embedded = await openTrackerBench()
  for (const event of aHistory()) await embedded.deliver(event)
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
    completed: 2,
  })
  await embedded.close()
})
