import type { SqlSession } from '@soma/kernel'
import { IS_BUILDING } from '../rebuild/store.ts'
import type { EntryRow } from './entries.ts'
import type { PlanModel, TaskModel } from './models.ts'
import type { Ends } from './rank.ts'

export interface PlanRecord {
  id: string
  space_id: string
  user_id: string | null
  owner_id: string | null
  visibility: string
  version: number
  generation: number
  ends: Ends
  status: string
  parent_id: string | null
  root_id: string | null
  session_id: string | null
  origin: string | null
  doc: PlanModel['doc']
  created_at: Date | null
  started_at: Date | null
  ended_at: Date | null
  sort_at: Date
  as_of: Date
  kept: boolean
}

export const PLAN_COLUMNS =
  'p.id, p.space_id, p.user_id, p.owner_id, p.visibility, p.version, p.generation, p.ends, p.status, p.parent_id, p.root_id, p.session_id, p.origin, p.doc, p.created_at, p.started_at, p.ended_at, p.sort_at, p.as_of, p.kept'

export const planModelOf = (row: PlanRecord): PlanModel => ({
  id: row.id,
  spaceId: row.space_id,
  userId: row.user_id ?? undefined,
  ownerId: row.owner_id ?? undefined,
  visibility: row.visibility,
  version: row.version,
  generation: row.generation,
  ends: row.ends,
  status: row.status,
  parentId: row.parent_id ?? undefined,
  rootId: row.root_id ?? undefined,
  sessionId: row.session_id ?? undefined,
  origin: row.origin ?? undefined,
  doc: row.doc,
  createdAt: row.created_at?.toISOString(),
  startedAt: row.started_at?.toISOString(),
  endedAt: row.ended_at?.toISOString(),
  sortAt: row.sort_at.toISOString(),
  asOf: row.as_of.toISOString(),
  kept: row.kept,
})

export async function lockPlanModel(tx: SqlSession, id: string): Promise<PlanModel | undefined> {
  const [row] = await tx.query<PlanRecord>(`select ${PLAN_COLUMNS} from tracker.plans p where p.id = $1 for update`, [
    id,
  ])
  return row === undefined ? undefined : planModelOf(row)
}

/** Makes the row when it is not there; two topics may bring the first fact of a plan at once. */
export async function insertStub(tx: SqlSession, stub: PlanModel): Promise<void> {
  await tx.execute(
    `insert into tracker.plans (tenant_id, id, space_id, user_id, status, session_id, sort_at, as_of)
     values (current_setting('soma.tenant_id'), $1, $2, $3, 'pending', $4, $5, $6) on conflict (tenant_id, id) do nothing`,
    [stub.id, stub.spaceId, stub.userId ?? null, stub.sessionId ?? null, stub.sortAt, stub.asOf],
  )
}

/** A stub's earliest time moves with the facts of its tasks; a plan's other columns do not. */
export async function noteEarlier(tx: SqlSession, id: string, at: string): Promise<void> {
  await tx.execute('update tracker.plans set sort_at = $2 where id = $1 and sort_at > $2', [id, at])
}

export async function updatePlanModel(tx: SqlSession, plan: PlanModel): Promise<void> {
  await tx.execute(
    `update tracker.plans set space_id = $2, user_id = $3, owner_id = $4, visibility = $5, version = $6, status = $7, parent_id = $8, root_id = $9, session_id = $10, origin = $11, doc = $12::jsonb,
       created_at = $13, started_at = $14, ended_at = $15, sort_at = $16, as_of = $17, generation = $18, ends = $19::jsonb
     where id = $1`,
    [
      plan.id,
      plan.spaceId,
      plan.userId ?? null,
      plan.ownerId ?? null,
      plan.visibility,
      plan.version,
      plan.status,
      plan.parentId ?? null,
      plan.rootId ?? null,
      plan.sessionId ?? null,
      plan.origin ?? null,
      JSON.stringify(plan.doc),
      plan.createdAt ?? null,
      plan.startedAt ?? null,
      plan.endedAt ?? null,
      plan.sortAt,
      plan.asOf,
      plan.generation,
      JSON.stringify(plan.ends),
    ],
  )
}

export interface TaskModelRecord {
  id: string
  plan_id: string
  space_id: string
  user_id: string | null
  version: number
  generation: number
  ends: Ends
  status: string
  parent_id: string | null
  group_id: string | null
  attempts: number
  progress: number | null
  doc: TaskModel['doc']
  created_at: Date | null
  started_at: Date | null
  ended_at: Date | null
  sort_at: Date
  as_of: Date
  kept: boolean
}

export const TASK_COLUMNS =
  't.id, t.plan_id, t.space_id, t.user_id, t.version, t.generation, t.ends, t.status, t.parent_id, t.group_id, t.attempts, t.progress, t.doc, t.created_at, t.started_at, t.ended_at, t.sort_at, t.as_of, t.kept'

export const taskModelOf = (row: TaskModelRecord): TaskModel => ({
  id: row.id,
  planId: row.plan_id,
  spaceId: row.space_id,
  userId: row.user_id ?? undefined,
  version: row.version,
  generation: row.generation,
  ends: row.ends,
  status: row.status,
  parentId: row.parent_id ?? undefined,
  groupId: row.group_id ?? undefined,
  attempts: row.attempts,
  progress: row.progress ?? undefined,
  doc: row.doc,
  createdAt: row.created_at?.toISOString(),
  startedAt: row.started_at?.toISOString(),
  endedAt: row.ended_at?.toISOString(),
  sortAt: row.sort_at.toISOString(),
  asOf: row.as_of.toISOString(),
  kept: row.kept,
})

export async function lockTaskModel(tx: SqlSession, id: string): Promise<TaskModel | undefined> {
  const [row] = await tx.query<TaskModelRecord>(
    `select ${TASK_COLUMNS} from tracker.tasks t where t.id = $1 for update`,
    [id],
  )
  return row === undefined ? undefined : taskModelOf(row)
}

/** Facts of one task come in order of their key, so one writer at a time holds the row. */
export async function saveTaskModel(tx: SqlSession, task: TaskModel): Promise<void> {
  await tx.execute(
    `insert into tracker.tasks (tenant_id, id, plan_id, space_id, user_id, version, generation, status, parent_id, group_id, attempts, progress, doc, created_at, started_at, ended_at, sort_at, as_of, ends, since_at)
     values (current_setting('soma.tenant_id'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16, $17, $18::jsonb, $19)
     on conflict (tenant_id, id) do update set version = excluded.version, generation = excluded.generation, status = excluded.status, parent_id = excluded.parent_id, group_id = excluded.group_id,
       attempts = excluded.attempts, progress = excluded.progress, doc = excluded.doc, created_at = excluded.created_at, started_at = excluded.started_at, ended_at = excluded.ended_at,
       sort_at = excluded.sort_at, as_of = excluded.as_of, ends = excluded.ends, since_at = excluded.since_at`,
    [
      task.id,
      task.planId,
      task.spaceId,
      task.userId ?? null,
      task.version,
      task.generation,
      task.status,
      task.parentId ?? null,
      task.groupId ?? null,
      task.attempts,
      task.progress ?? null,
      JSON.stringify(task.doc),
      task.createdAt ?? null,
      task.startedAt ?? null,
      task.endedAt ?? null,
      task.sortAt,
      task.asOf,
      JSON.stringify(task.ends),
      new Date(task.doc.waiting?.sinceAt ?? task.asOf),
    ],
  )
}

/** Ids by which events that name neither plan nor task are joined to the plan. */
export async function saveCorrelations(
  tx: SqlSession,
  plan: { id: string; spaceId: string; userId: string | undefined },
  correlations: { ids: readonly string[]; isTask: boolean },
): Promise<void> {
  if (correlations.ids.length === 0) return
  await tx.execute(
    `insert into tracker.correlations as c (tenant_id, correlation_id, plan_id, user_id, is_task, space_id)
     select current_setting('soma.tenant_id'), id, $2, $3, $4, $5 from unnest($1::text[]) as id
     on conflict (tenant_id, correlation_id, plan_id) do update set is_task = true where excluded.is_task and not c.is_task`,
    [[...new Set(correlations.ids)], plan.id, plan.userId ?? null, correlations.isTask, plan.spaceId],
  )
}

/** Once per event id: a redelivery adds nothing. True while the models are built anew: then the event is applied to both. */
export async function insertEntry(tx: SqlSession, entry: EntryRow): Promise<boolean> {
  const columns = Object.keys(entry)
  const [row] = await tx.query<{ building: boolean }>(
    `with entry as (insert into tracker.timeline (tenant_id, ${columns.join(', ')}) values (current_setting('soma.tenant_id'), ${columns.map((_column, index) => `$${index + 1}`).join(', ')})
       on conflict (tenant_id, event_id) do nothing)
     select ${IS_BUILDING} as building`,
    Object.values(entry).map((value) => value ?? null),
  )
  return row?.building === true
}
