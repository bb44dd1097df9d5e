/** Reads of one plan among many: 50,000 tasks of 5,000 plans are stored (`--most 1000000` for what the goal says), and what a task with six entries weighs on disk. */
import { parseArgs } from 'node:util'
import { migrate } from '@soma/governance/testing'
import { toId } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { trackerModule } from '@soma/tracker'
import { aPlanner, openTrackerBench } from '@soma/tracker/testing'
import { median, percentile, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const { most } = parseArgs({ options: { most: { type: 'string' } }, allowPositionals: true }).values
const TASKS = Number(most ?? 50_000)
const PLANS = TASKS / 10
const ENTRIES = 6
const ROUNDS = 5
const READS = 40
/** Rows that one statement inserts: the embedded engine gives each 30 s. */
const SLICE = 20_000
const idOf = (number: string): string => `('00000000-0000-7000-8000-' || lpad((${number})::text, 12, '0'))::uuid`

for (const store of stores().filter(({ name }) => name === 'PGlite' || name === 'Postgres')) {
  const { database } = await store.open()
  await migrate(database, [
    { definition: plansModule, ports: {} },
    { definition: trackerModule, ports: undefined },
  ])
  const insert = async (rows: number, statement: string) => {
    for (let from = 0; from < rows; from += SLICE)
      await database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
        session.execute(`${statement} from generate_series(${from}, ${Math.min(rows, from + SLICE) - 1}) n`),
      )
  }
  await insert(
    PLANS,
    `insert into tracker.plans (tenant_id, id, user_id, version, status, doc, sort_at, as_of)
     select 'tenant-a', ${idOf('n')}, 'usr-a', 1, 'running', '{"name":"Check the documents","driver":"planner"}', now() - n * interval '1 second', now()`,
  )
  await insert(
    TASKS,
    `insert into tracker.tasks (tenant_id, id, plan_id, user_id, version, generation, status, attempts, doc, created_at, started_at, ended_at, sort_at, as_of, since_at)
     select 'tenant-a', ${idOf('1000000000 + n')}, ${idOf('n / 10')}, 'usr-a', 4, 1, case when n % 10 = 0 then 'running' else 'completed' end, 1,
       '{"name":"check","type":"check.requested","agent":{"name":"checker","version":"1.0.0"},"queuedMs":12,"runMs":1200}', now(), now(), case when n % 10 > 0 then now() end, now(), now(), now()`,
  )
  await insert(
    TASKS * ENTRIES,
    `insert into tracker.timeline (tenant_id, event_id, plan_id, task_id, at, sequence, topic, kind, type, actor, causation_id, correlation_id, trace_id, entity, version, generation, attempt, summary, user_id, agent)
     select 'tenant-a', 'evt_' || lpad(n::text, 26, '0'), ${idOf(`n / ${10 * ENTRIES}`)}, ${idOf(`1000000000 + n / ${ENTRIES}`)}, now(), '3-' || lpad(n::text, 16, '0'), 'task-events', 'task', 'task.started',
       'agt_checker', 'evt_' || lpad((n - 1)::text, 26, '0'), 'task_' || lpad((n / ${ENTRIES})::text, 26, '0'), lpad((n / 60)::text, 32, '0'), 'task', 2, 1, 1, 'check started by checker, attempt 1', 'usr-a', 'checker'`,
  )
  const name = `tracker.read, ${store.name}`
  const stored = `${TASKS.toLocaleString('en-US')} tasks`
  const sizes = await database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
    session.query<{ bytes: number }>(
      `select (pg_total_relation_size('tracker.tasks') + pg_total_relation_size('tracker.timeline'))::float8 as bytes`,
    ),
  )
  const kibibytes = (sizes[0]?.bytes ?? Number.NaN) / TASKS / 1024
  printFigure({
    ...{
      bench: `tracker.size, ${store.name}`,
      what: `a task with ${ENTRIES} entries, with indexes, KiB`,
      values: [kibibytes],
    },
    goal: { text: '≤ 3', isMet: kibibytes <= 3 },
  })
  const bench = await openTrackerBench(database)
  let next = 0
  const planId = () => toId('plan', `00000000-0000-7000-8000-${String((next += 37) % PLANS).padStart(12, '0')}`)
  const p95Of = async (read: () => Promise<unknown>) => {
    const times: number[] = []
    for (let index = 0; index < READS; index++) {
      const startedAt = performance.now()
      await read()
      times.push(performance.now() - startedAt)
    }
    return percentile(times, 0.95)
  }
  const get = () => bench.tracker.plans.get(aPlanner(), { params: { planId: planId() } })
  const page = () =>
    bench.tracker.planTimeline.list(aPlanner(), { params: { planId: planId() }, query: { limit: 200 } })
  await Promise.all([get(), page()])
  const gets = await rounds(ROUNDS, () => p95Of(get))
  printFigure({
    ...{ bench: name, what: `plan, p95 with ${stored}, ms`, values: gets },
    goal: { text: '≤ 10', isMet: median(gets) <= 10 },
  })
  const pages = await rounds(ROUNDS, () => p95Of(page))
  printFigure({
    ...{ bench: name, what: `page of a timeline, p95 with ${stored}, ms`, values: pages },
    goal: { text: '≤ 20', isMet: median(pages) <= 20 },
  })
  await bench.close()
}
