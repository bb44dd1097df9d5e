/** The tree below a plan with 10,000 nodes: 5,000 plans and as many delegated tasks. Beside it the same rows by one bare statement each, without fences, counting and validation. */
import { migrate } from '@soma/governance/testing'
import { toId } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { trackerModule } from '@soma/tracker'
import { aPlanner, openTrackerBench } from '@soma/tracker/testing'
import { median, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 7
const PLANS = 5_000
const GOAL_MS = 500
const uuid = (number: string): string => `('00000000-0000-7000-8000-' || lpad((${number})::text, 12, '0'))::uuid`
const ROOT = toId('plan', '00000000-0000-7000-8000-000000000000')

for (const store of stores()) {
  if (store.name !== 'PGlite' && store.name !== 'Postgres') continue
  const { database } = await store.open()
  await migrate(database, [
    { definition: plansModule, ports: {} },
    { definition: trackerModule, ports: undefined },
  ])
  const scope = { role: 'soma_worker', tenantId: 'tenant-a' } as const
  await database.transaction(scope, async (session) => {
    await session.execute(
      `insert into tracker.plans (tenant_id, id, user_id, version, status, parent_id, doc, sort_at, as_of)
       select 'tenant-a', ${uuid('n')}, 'usr-a', 1, 'running', case when n > 0 then ${uuid('n / 4')} end, '{"name":"bulk","driver":"planner"}', now(), now() from generate_series(0, ${PLANS - 1}) n`,
    )
    // The first half hands out the second.
    await session.execute(
      `insert into tracker.tasks (tenant_id, id, plan_id, user_id, version, status, parent_id, doc, sort_at, as_of, since_at)
       select 'tenant-a', ${uuid('1000000 + n')}, ${uuid('n')}, 'usr-a', 1, 'running', case when n >= ${PLANS / 2} then ${uuid(`1000000 + n - ${PLANS / 2}`)} end,
         '{"type":"check.requested","name":"check","agent":{"name":"checker"}}', now(), now(), now() from generate_series(0, ${PLANS - 1}) n`,
    )
  })
  const bench = await openTrackerBench(database)
  const read = () =>
    bench.tracker.planHierarchy.get(aPlanner(), { params: { planId: ROOT }, query: { direction: 'down' } })
  const bare = () =>
    database.transaction(scope, async (session) => [
      ...(await session.query('select id, parent_id, root_id, origin, status, doc from tracker.plans')),
      ...(await session.query('select id, plan_id, parent_id, group_id, status, doc from tracker.tasks')),
    ])
  const { plans, tasks } = await read()
  if (plans.length + tasks.length !== 2 * PLANS) throw new Error(`${plans.length} plans and ${tasks.length} tasks`)
  const measured = await rounds(ROUNDS, async () => ({ ours: await timed(read), bare: await timed(bare) }))
  const times = measured.map(({ ours }) => ours.ms)
  printFigure({
    bench: `tracker.hierarchy, ${store.name}`,
    what: 'a tree of 10,000 nodes, ms',
    values: times,
    beside: { what: 'bare rows', values: measured.map((round) => round.bare.ms) },
    goal: { text: `≤ ${GOAL_MS}`, isMet: median(times) <= GOAL_MS },
  })
  printFigure({
    bench: `tracker.hierarchy, ${store.name}`,
    what: `a tree of 10,000 nodes, CPU of the process${store.name === 'PGlite' ? ' with its database' : ''}, ms`,
    values: measured.map(({ ours }) => ours.cpuMs),
    beside: { what: 'bare rows', values: measured.map((round) => round.bare.cpuMs) },
  })
  await bench.close()
}

/** What waits for a CPU is in the first alone. */
async function timed(work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 }
}
