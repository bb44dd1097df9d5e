import type { SqlSession } from '@soma/kernel'
import type { PlanProgress } from '../../contract/index.ts'
import { hasEnded } from '../projection/rank.ts'
import { type Kind, type Reckoning, sharesDone, TYPE_OF_TASK } from './plan-share.ts'
import { NO_TASKS, type TaskSummary } from './views.ts'

/** Of the tasks of a plan that are in one state, of one type and with one agent. */
interface SummaryRecord {
  plan_id: string
  status: keyof PlanProgress['counts']
  type: string
  count: number
  blockers: number
  agent: string | null
  first_at: Date
  /** When the newest was added or opened again. */
  last_at: Date
  as_of: Date
}

/** The tasks above running ones, each looked up by its key whatever the planner believes (`offset 0`): `with recursive` of a query that asks which tasks have work that runs below them. */
const workingOf = (which: string): string =>
  `working (id) as (select t.parent_id from tracker.tasks t where t.status = 'running' and t.parent_id is not null and ${which}
     union select a.parent_id from working w cross join lateral (select u.parent_id from tracker.tasks u where u.id = w.id and u.parent_id is not null offset 0) a)`

/** Pending, waiting, or delegated while nothing below runs. */
const IS_BLOCKED = `(t.status in ('pending', 'waiting') or (t.status = 'delegated' and t.id not in (select w.id from working w)))`

/** Counts, progress and agents of plans, computed from the rows of their tasks. */
export async function summarise(
  tx: SqlSession,
  planIds: readonly string[],
  reckoning: Reckoning,
): Promise<Map<string, TaskSummary>> {
  if (planIds.length === 0) return new Map()
  const rows = await tx.query<SummaryRecord>(
    `with recursive ${workingOf('t.plan_id = any($1::uuid[])')}
     select t.plan_id, t.status, ${TYPE_OF_TASK} as type, count(*) as count, count(*) filter (where ${IS_BLOCKED}) as blockers,
       t.doc -> 'agent' ->> 'name' as agent, min(t.sort_at) as first_at, max(case when t.generation > 1 then coalesce((t.doc ->> 'openedAt')::timestamptz, t.sort_at) else t.sort_at end) as last_at, max(t.as_of) as as_of
     from tracker.tasks t where t.plan_id = any($1::uuid[]) group by t.plan_id, t.status, ${TYPE_OF_TASK}, t.doc -> 'agent' ->> 'name'`,
    [planIds],
  )
  const shares = await sharesDone(tx, kindsOf(rows), reckoning)
  const byPlan = new Map<string, SummaryRecord[]>()
  for (const row of rows) byPlan.set(row.plan_id, [...(byPlan.get(row.plan_id) ?? []), row])
  return new Map(planIds.map((id) => [id, summaryOf(byPlan.get(id) ?? [], shares.get(id) ?? 0)]))
}

/** How many tasks of each type each plan has, and how many of them have ended. */
function kindsOf(rows: readonly { plan_id: string; type: string; status: string; count: number }[]): Kind[] {
  const kinds = new Map<string, Kind>()
  for (const { plan_id: planId, type, status, count } of rows) {
    const key = `${planId} ${type}`
    const kind = kinds.get(key) ?? { planId, type, total: 0, ended: 0 }
    kind.total += count
    kind.ended += hasEnded(status) ? count : 0
    kinds.set(key, kind)
  }
  return [...kinds.values()]
}

function summaryOf(rows: readonly SummaryRecord[], progress: number): TaskSummary {
  if (rows.length === 0) return NO_TASKS
  const times = (pick: (row: SummaryRecord) => Date) => rows.map((row) => pick(row).toISOString()).sort()
  const first = times((row) => row.first_at)[0]
  const last = times((row) => row.last_at).at(-1)
  return {
    counts: countsOf(rows),
    progress,
    agents: [...new Set(rows.flatMap((row) => row.agent ?? []))].sort(),
    blockers: rows.reduce((sum, row) => sum + row.blockers, 0),
    scopeChangedAt: last !== first ? last : undefined,
    updatedAt: times((row) => row.as_of).at(-1),
  }
}

function countsOf(rows: readonly { status: keyof PlanProgress['counts']; count: number }[]): PlanProgress['counts'] {
  const counts = { ...NO_TASKS.counts }
  for (const { status, count } of rows) {
    counts[status] += count
    counts.total += count
  }
  return counts
}

export interface TaskCount {
  readonly counts: PlanProgress['counts']
  readonly progress: number
}

type CountRecord = Pick<SummaryRecord, 'plan_id' | 'status' | 'type' | 'count'>

/** Of thousands of plans, each looked up by its key, how many tasks are in which state. Plans without tasks are absent. */
export async function countTasks(
  tx: SqlSession,
  planIds: readonly string[],
  reckoning: Reckoning,
): Promise<Map<string, TaskCount>> {
  const rows = await tx.query<CountRecord>(
    `select t.plan_id, t.status, t.type, count(*) as count from unnest($1::uuid[]) as plan (id)
       cross join lateral (select t.plan_id, t.status, ${TYPE_OF_TASK} as type from tracker.tasks t where t.plan_id = plan.id offset 0) t group by t.plan_id, t.status, t.type`,
    [planIds],
  )
  const shares = await sharesDone(tx, kindsOf(rows), reckoning)
  const byPlan = new Map<string, CountRecord[]>()
  for (const row of rows) byPlan.set(row.plan_id, [...(byPlan.get(row.plan_id) ?? []), row])
  return new Map([...byPlan].map(([id, own]) => [id, { counts: countsOf(own), progress: shares.get(id) ?? 0 }]))
}
