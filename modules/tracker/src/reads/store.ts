import type { SqlSession } from '@soma/kernel'
import {
  PLAN_COLUMNS,
  type PlanRecord,
  planModelOf,
  TASK_COLUMNS,
  type TaskModelRecord,
  taskModelOf,
} from '../projection/store.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'
import type { EntryRecord } from './views.ts'

/** Reads of tasks and entries join the plan: its visibility decides. */
export const VISIBLE_TASKS = 'tracker.tasks t join tracker.plans p on p.tenant_id = t.tenant_id and p.id = t.plan_id'

/** The same where tasks are found by an index of theirs: the plan is looked up for each, whatever the planner believes (`offset 0`). */
export const OF_SEEN_PLAN = 'exists (select 1 from tracker.plans p where p.id = t.plan_id offset 0)'

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

const ENTRY_COLUMNS = `e.event_id, coalesce(e.plan_id, p.id) as plan_id, e.task_id, e.at, e.sequence, e.topic, e.kind, e.type, e.actor, e.causation_id, e.correlation_id, e.trace_id, e.reply, e.attempt, e.duration_ms,
  e.outcome, e.summary, e.kept,
  coalesce((case e.entity when 'task' then t.ends when 'plan' then p.ends end ->> e.generation::text)::int4 < e.version, false) as ignored`

/** The plan of an entry that names neither plan nor known task: by its correlation, for the same user and space. One plan, so that nothing is shown twice. */
const PLAN_BY_CORRELATION = `(select c.plan_id from tracker.correlations c where c.correlation_id = e.correlation_id and c.user_id is not distinct from e.user_id and c.space_id = e.space_id
     order by c.is_task desc, c.plan_id limit 1)`
const KNOWN_TASK = 'exists (select 1 from tracker.tasks k where k.tenant_id = e.tenant_id and k.id = e.task_id)'
/** Anybody may stamp any plan's or task's id on an event of his own: it is the plan's when user and space are, where both say one. */
const IS_OF_PLAN = `(e.topic not in ('action-requests', 'action-results', 'business-facts')
  or (e.space_id in ('', p.space_id) and (e.user_id is null or p.user_id is null or e.user_id = p.user_id)))`
const TASK_OF_ENTRY = 'left join tracker.tasks t on t.tenant_id = e.tenant_id and t.id = e.task_id'

/** Entries with their plan and task, whose ends tell what came after them. */
const ENTRIES = `tracker.timeline e ${TASK_OF_ENTRY}
  left join tracker.plans p on p.tenant_id = e.tenant_id and p.id = coalesce(e.plan_id, t.plan_id, ${PLAN_BY_CORRELATION}) and ${IS_OF_PLAN}`
/** Entries of visible plans, and entries of no plan that are the caller's own or of a reader of all. */
const IS_SEEN = `(p.id is not null or (e.plan_id is null and t.id is null and (select coalesce(current_setting('soma.space_id', true), '')) in ('', e.space_id)
  and (e.user_id = (select nullif(current_setting('soma.user_id', true), '')) or (select current_setting('soma.plan_read_all', true)) = 'on')))`

export interface TimelinePage {
  readonly planId: string
  readonly kinds: readonly string[] | undefined
  readonly newest: boolean
  readonly after: readonly (string | number)[] | undefined
  readonly limit: number
}

/** Log order: time, place in the partition, id. An entry is the plan's by `planid`, else by its task, else by a correlation of the plan: each way is read by its own index. */
export function listEntries(tx: SqlSession, page: TimelinePage): Promise<EntryRecord[]> {
  const direction = page.newest ? 'desc' : 'asc'
  const beyond = page.newest ? '<' : '>'
  const order = `order by e.at ${direction}, e.sequence ${direction}, e.event_id ${direction} limit $6`
  const plan = 'join tracker.plans p on p.tenant_id = e.tenant_id and p.id = $1'
  const ways = [
    'e.plan_id = $1',
    'e.plan_id is null and e.task_id in (select k.id from tracker.tasks k where k.plan_id = $1)',
    `e.plan_id is null and not ${KNOWN_TASK} and e.correlation_id in (select c.correlation_id from tracker.correlations c where c.plan_id = $1) and ${PLAN_BY_CORRELATION} = $1`,
  ].map(
    (
      way,
    ) => `(select e.* from tracker.timeline e ${plan} where ${way} and ${IS_OF_PLAN} and ($2::text[] is null or e.kind = any($2::text[]))
       and ($3::timestamptz is null or (e.at, e.sequence, e.event_id) ${beyond} ($3::timestamptz, $4::text collate "C", $5::text collate "C")) ${order})`,
  )
  return tx.query<EntryRecord>(
    `select ${ENTRY_COLUMNS} from (${ways.join(' union all ')}) e ${TASK_OF_ENTRY} ${plan} ${order}`,
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

export function listEntriesBy(
  tx: SqlSession,
  by: { column: 'trace_id' | 'correlation_id'; value: string; limit: number },
): Promise<EntryRecord[]> {
  return tx.query<EntryRecord>(
    `select ${ENTRY_COLUMNS} from ${ENTRIES} where e.${by.column} = $1 and ${IS_SEEN} order by e.at, e.sequence, e.event_id limit $2`,
    [by.value, by.limit],
  )
}

/** Entries outside the plan that its entries name as their cause: the goal, for one. */
export function listCauses(tx: SqlSession, eventIds: readonly string[]): Promise<EntryRecord[]> {
  return tx.query<EntryRecord>(
    `select ${ENTRY_COLUMNS} from ${ENTRIES} where e.event_id = any($1::text[]) and ${IS_SEEN}`,
    [eventIds],
  )
}
