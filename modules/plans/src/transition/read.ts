import type { Json, SqlSession } from '@soma/kernel'
import { emptyCounts, type GroupRow, type PlanRow, type TaskRow } from './rows.ts'

type Sql = Pick<SqlSession, 'query'>

export const PLAN_COLUMNS = `p.id, p.root_id, p.parent_id, p.depth, p.driver, p.origin, p.status, p.phase, p.stop_reason, p.space_id, p.user_id, p.owner_id, p.session_id,
  p.visibility, p.revision, p.counts, p.seq, p.head, p.version, p.doc, p.created_at, p.started_at, p.ended_at`

export interface PlanRecord {
  id: string
  root_id: string
  parent_id: string | null
  depth: number
  driver: PlanRow['driver']
  origin: PlanRow['origin']
  status: PlanRow['status']
  phase: PlanRow['phase']
  stop_reason: string | null
  space_id: string
  user_id: string | null
  owner_id: string
  session_id: string | null
  visibility: PlanRow['visibility']
  revision: number
  counts: PlanRow['counts']
  seq: number
  head: Uint8Array | null
  version: number
  doc: PlanRow['doc']
  state?: Json | null
  results?: Record<string, Json> | null
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
}

export function planOf(row: PlanRecord): PlanRow {
  return {
    id: row.id,
    rootId: row.root_id,
    parentId: row.parent_id ?? undefined,
    depth: row.depth,
    driver: row.driver,
    origin: row.origin,
    status: row.status,
    phase: row.phase,
    stopReason: row.stop_reason ?? undefined,
    spaceId: row.space_id,
    userId: row.user_id ?? undefined,
    ownerId: row.owner_id,
    sessionId: row.session_id ?? undefined,
    visibility: row.visibility,
    revision: row.revision,
    counts: { ...emptyCounts(), ...row.counts },
    seq: row.seq,
    head: row.head ?? undefined,
    version: row.version,
    doc: row.doc,
    state: row.state ?? undefined,
    results: row.results ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  }
}

export const TASK_COLUMNS = `t.id, t.plan_id, t.key, t.ord, t.kind, t.status, t.outcome, t.parent_id, t.group_id, t.generation, t.try, t.delivery, t.fence, t.result_seq,
  t.doc, t.version, t.created_at, t.started_at, t.ended_at`

/** Outputs live in the journal alone: a task's row names the line. */
export const TASK_OUTPUT = `(select j.data -> 'output' from plans.journal j where j.plan_id = t.plan_id and j.seq = t.result_seq) as output`

export interface TaskRecord {
  id: string
  plan_id: string
  key: string
  ord: number
  kind: TaskRow['kind']
  status: TaskRow['status']
  outcome: TaskRow['outcome'] | null
  parent_id: string | null
  group_id: string | null
  generation: number
  try: number
  delivery: number
  fence: number
  result_seq: number | null
  output?: Json
  doc: TaskRow['doc']
  state?: Json | null
  version: number
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
}

export function taskOf(row: TaskRecord): TaskRow {
  return {
    id: row.id,
    planId: row.plan_id,
    key: row.key,
    ord: row.ord,
    kind: row.kind,
    status: row.status,
    outcome: row.outcome ?? undefined,
    parentId: row.parent_id ?? undefined,
    groupId: row.group_id ?? undefined,
    generation: row.generation,
    try: row.try,
    delivery: row.delivery,
    fence: row.fence,
    resultSeq: row.result_seq ?? undefined,
    output: row.result_seq === null ? undefined : (row.output ?? null),
    doc: row.doc,
    state: row.state ?? undefined,
    version: row.version,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  }
}

/** A plan by its own id, or by that of one of its tasks, which stays in its plan for ever. */
export type PlanPlace = { readonly planId: string } | { readonly taskId: string }

/** Locks the plan's row, then (a second statement, so as of after the wait) reads it with the database's time. */
export const lockPlan = (tx: Sql, planId: string): Promise<{ plan: PlanRow; at: Date } | undefined> =>
  lockPlanWith(tx, { planId }, nothing)

export const nothing = async (): Promise<undefined> => undefined

/** `beside` reads what else is wanted under the lock: all of it is sent at once, and answered in that order. */
export async function lockPlanWith<T>(
  tx: Sql,
  place: PlanPlace,
  beside: (tx: Sql) => Promise<T>,
): Promise<{ plan: PlanRow; at: Date; read: T } | undefined> {
  const [id, given] =
    'planId' in place ? ['$1', place.planId] : ['(select t.plan_id from plans.tasks t where t.id = $1)', place.taskId]
  const [, [row], read] = await Promise.all([
    tx.query(`select 1 from plans.plans where id = ${id} for no key update`, [given]),
    tx.query<PlanRecord & { at: Date }>(
      `select ${PLAN_COLUMNS}, p.state, p.results, date_trunc('milliseconds', statement_timestamp()) as at from plans.plans p where p.id = ${id}`,
      [given],
    ),
    beside(tx),
  ])
  return row === undefined ? undefined : { plan: planOf(row), at: row.at, read }
}

export async function readTasks(tx: Sql, taskIds: readonly string[]): Promise<TaskRow[]> {
  if (taskIds.length === 0) return []
  const rows = await tx.query<TaskRecord>(
    `select ${TASK_COLUMNS}, t.state, ${TASK_OUTPUT} from plans.tasks t where t.id = any($1::uuid[])`,
    [taskIds],
  )
  return rows.map(taskOf)
}

export async function readOpenTasks(tx: Sql, planId: string): Promise<TaskRow[]> {
  const rows = await tx.query<TaskRecord>(
    `select ${TASK_COLUMNS}, t.state from plans.tasks t where t.plan_id = $1 and t.status in ('pending', 'running', 'delegated', 'waiting') order by t.ord`,
    [planId],
  )
  return rows.map(taskOf)
}

interface GroupRecord {
  id: string
  plan_id: string
  parent_id: string | null
  total: number
  completed: number
  failed: number
  created_at: Date
  completed_at: Date | null
  last_task_id: string | null
}

export async function readGroups(tx: Sql, groupIds: readonly string[]): Promise<GroupRow[]> {
  if (groupIds.length === 0) return []
  const rows = await tx.query<GroupRecord>(
    'select id, plan_id, parent_id, total, completed, failed, created_at, completed_at, last_task_id from plans.groups where id = any($1::uuid[])',
    [groupIds],
  )
  return rows.map((row) => ({
    id: row.id,
    planId: row.plan_id,
    parentId: row.parent_id ?? undefined,
    total: row.total,
    completed: row.completed,
    failed: row.failed,
    createdAt: row.created_at,
    completedAt: row.completed_at ?? undefined,
    lastTaskId: row.last_task_id ?? undefined,
  }))
}

export async function readOpenChildren(tx: Sql, planId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    "select id from plans.plans where parent_id = $1 and status not in ('completed', 'failed', 'cancelled') order by id",
    [planId],
  )
  return rows.map((row) => row.id)
}

export async function findPlanOfTask(tx: Sql, taskId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ plan_id: string }>('select plan_id from plans.tasks where id = $1', [taskId])
  return row?.plan_id
}
