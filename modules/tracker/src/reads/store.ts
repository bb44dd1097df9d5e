import type { SqlSession } from '@soma/kernel'
import type { PlanProgress } from '../../contract/index.ts'
import {
  PLAN_COLUMNS,
  type PlanRecord,
  planModelOf,
  TASK_COLUMNS,
  type TaskModelRecord,
  taskModelOf,
} from '../projection/store.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'
import { type EntryRecord, NO_TASKS, type TaskSummary } from './views.ts'

/** Reads of tasks and entries join the plan: its visibility decides. */
export const VISIBLE_TASKS = 'tracker.tasks t join tracker.plans p on p.tenant_id = t.tenant_id and p.id = t.plan_id'

export async function readPlan(tx: SqlSession, id: string): Promise<PlanModel | undefined> {
  const [row] = await tx.query<PlanRecord>(`select ${PLAN_COLUMNS} from tracker.plans p where p.id = $1`, [id])
  return row === undefined ? undefined : planModelOf(row)
}

export async function readTaskModels(tx: SqlSession, planId: string): Promise<TaskModel[]> {
  const rows = await tx.query<TaskModelRecord>(
    `select ${TASK_COLUMNS} from ${VISIBLE_TASKS} where t.plan_id = $1 order by t.sort_at, t.id`,
    [planId],
  )
  return rows.map(taskModelOf)
}

interface SummaryRecord {
  plan_id: string
  status: keyof PlanProgress['counts']
  count: number
  reported: number
  blockers: number
  agents: (string | null)[] | null
  first_at: Date
  last_at: Date
  as_of: Date
}

/** Counts, progress and agents of plans, computed from the rows of their tasks. */
export async function summarise(tx: SqlSession, planIds: readonly string[]): Promise<Map<string, TaskSummary>> {
  if (planIds.length === 0) return new Map()
  const rows = await tx.query<SummaryRecord>(
    `select t.plan_id, t.status, count(*) as count, coalesce(sum(t.progress), 0)::float8 as reported, count(*) filter (where t.status in ('waiting', 'pending')) as blockers,
       array_agg(distinct t.doc -> 'agent' ->> 'name') as agents, min(t.sort_at) as first_at, max(t.sort_at) as last_at, max(t.as_of) as as_of
     from tracker.tasks t where t.plan_id = any($1::uuid[]) group by t.plan_id, t.status`,
    [planIds],
  )
  return new Map(planIds.map((id) => [id, summaryOf(rows.filter((row) => row.plan_id === id))]))
}

function summaryOf(rows: readonly SummaryRecord[]): TaskSummary {
  if (rows.length === 0) return NO_TASKS
  const counts = { ...NO_TASKS.counts }
  let done = 0
  for (const row of rows) {
    counts[row.status] = row.count
    counts.total += row.count
    done +=
      row.status === 'completed' || row.status === 'failed' || row.status === 'cancelled' ? row.count : row.reported
  }
  const times = (pick: (row: SummaryRecord) => Date) => rows.map((row) => pick(row).toISOString()).sort()
  const first = times((row) => row.first_at)[0]
  const last = times((row) => row.last_at).at(-1)
  return {
    counts,
    progress: Math.min(1, done / counts.total),
    agents: [...new Set(rows.flatMap((row) => row.agents ?? []).filter((name) => name !== null))].sort(),
    blockers: rows.reduce((sum, row) => sum + row.blockers, 0),
    scopeChangedAt: last !== first ? last : undefined,
    updatedAt: times((row) => row.as_of).at(-1),
  }
}

const ENTRY_COLUMNS = `e.event_id, e.plan_id, e.task_id, e.at, e.sequence, e.topic, e.kind, e.type, e.actor, e.causation_id, e.correlation_id, e.trace_id, e.reply, e.attempt, e.duration_ms,
  e.outcome, e.summary,
  coalesce((e.entity = 'task' and t.generation = e.generation and t.ended_version < e.version) or (e.entity = 'plan' and p.ended_version < e.version), false) as ignored`

/** Entries with the end of their plan and task, which tells what came after it. */
const ENTRIES = `tracker.timeline e left join tracker.tasks t on t.tenant_id = e.tenant_id and t.id = e.task_id
  left join tracker.plans p on p.tenant_id = e.tenant_id and p.id = coalesce(e.plan_id, t.plan_id)`

export interface TimelinePage {
  readonly planId: string
  readonly kinds: readonly string[] | undefined
  readonly newest: boolean
  readonly after: readonly (string | number)[] | undefined
  readonly limit: number
}

/** Log order: time, place in the partition, id. A dead letter names only the task, so it is found by it. */
export function listEntries(tx: SqlSession, page: TimelinePage): Promise<EntryRecord[]> {
  const direction = page.newest ? 'desc' : 'asc'
  const beyond = page.newest ? '<' : '>'
  return tx.query<EntryRecord>(
    `select ${ENTRY_COLUMNS} from ${ENTRIES}
     where p.id = $1 and (e.plan_id = $1 or (e.plan_id is null and e.task_id in (select k.id from tracker.tasks k where k.plan_id = $1)))
       and ($2::text[] is null or e.kind = any($2::text[])) and ($3::timestamptz is null or (e.at, e.sequence, e.event_id) ${beyond} ($3::timestamptz, $4::text collate "C", $5::text collate "C"))
     order by e.at ${direction}, e.sequence ${direction}, e.event_id ${direction} limit $6`,
    [
      page.planId,
      page.kinds ?? null,
      page.after?.[0] ?? null,
      page.after?.[1] ?? null,
      page.after?.[2] ?? null,
      page.limit,
    ],
  )
}

/** Entries of visible plans, and entries of no plan that are the caller's own or of a reader of all. */
export function listEntriesBy(
  tx: SqlSession,
  by: { column: 'trace_id' | 'correlation_id'; value: string; limit: number },
): Promise<EntryRecord[]> {
  return tx.query<EntryRecord>(
    `select ${ENTRY_COLUMNS} from ${ENTRIES}
     where e.${by.column} = $1 and (p.id is not null or (e.plan_id is null and t.id is null
       and (e.user_id = (select nullif(current_setting('soma.user_id', true), '')) or (select current_setting('soma.plan_read_all', true)) = 'on')))
     order by e.at, e.sequence, e.event_id limit $2`,
    [by.value, by.limit],
  )
}

/** Entries outside the plan that its entries name as their cause: the goal, for one. */
export function listCauses(tx: SqlSession, eventIds: readonly string[]): Promise<EntryRecord[]> {
  return tx.query<EntryRecord>(`select ${ENTRY_COLUMNS} from ${ENTRIES} where e.event_id = any($1::text[])`, [eventIds])
}
