import { type SqlSession, toId, withoutUndefined } from '@soma/kernel'
import type { Blocker } from '../../contract/index.ts'
import { capabilityKey } from '../projection/agents.ts'
import type { TaskDoc, TaskModel } from '../projection/models.ts'
import { TASK_COLUMNS, type TaskModelRecord, taskModelOf } from '../projection/store.ts'
import { listTakers, type TakerRecord } from '../projection/waits-store.ts'
import { OF_SEEN_PLAN } from './store.ts'

interface BlockedRecord extends TaskModelRecord {
  since_at: Date
  plan_status: string
  deciders: string[] | null
  gate_outcome: string | null
  gate_due_at: Date | null
  open_children: string[] | null
  is_retry_ahead: boolean | null
}

export interface BlockedQuery {
  /** Its uuid. Absent: of all plans. */
  readonly planId?: string
  readonly waitingFor?: string | undefined
  readonly role?: string | undefined
  readonly olderThanMs?: number | undefined
  readonly after?: readonly (string | number)[] | undefined
  readonly limit: number
}

/** Open tasks without running work, longest wait first, with what ends each wait. */
export async function readBlocked(
  tx: SqlSession,
  query: BlockedQuery,
): Promise<{ key: [string, string]; blocker: Blocker }[]> {
  const rows = await listBlocked(tx, query)
  const wanted = new Set(rows.flatMap((row) => takenKey(row.doc) ?? []))
  const takers = wanted.size === 0 ? [] : await listTakers(tx, [...wanted])
  return rows.map((row) => ({ key: [row.since_at.toISOString(), row.id], blocker: viewBlocker(row, takers) }))
}

/** Agents or sub-tasks that one blocker names at most. */
const MOST_NAMES = 100
const WAITING_FOR = `coalesce(t.doc -> 'waiting' ->> 'reason', t.doc ->> 'pendingFor', case t.status when 'pending' then 'agent' else 'dependency' end)`

/** A gate that a task of somebody else waits for by its id tells it nothing. */
const GATE_OF_TASK = `g.id = t.doc ->> 'gateId' and (g.plan_id = t.plan_id or (g.space_id = t.space_id and g.user_id is not distinct from t.user_id))`
const WORKS_BELOW = `exists (with recursive below (id, status) as (select c.id, c.status from tracker.tasks c where c.parent_id = t.id
  union select a.id, a.status from below b cross join lateral (select u.id, u.status from tracker.tasks u where u.parent_id = b.id offset 0) a) select 1 from below where status = 'running')`

/** The page is found in the order of an index, one task after another, before anything is joined: a tenant may have 100,000 open tasks. */
function listBlocked(tx: SqlSession, query: BlockedQuery): Promise<BlockedRecord[]> {
  return tx.query<BlockedRecord>(
    `select ${TASK_COLUMNS}, t.since_at, p.status as plan_status, g.deciders, g.outcome as gate_outcome, g.due_at as gate_due_at,
       (t.doc ->> 'retryAt')::timestamptz > statement_timestamp() as is_retry_ahead,
       (select array_agg(c.id) from (select c.id from tracker.tasks c where c.parent_id = t.id and c.status not in ('completed', 'failed', 'cancelled') order by c.sort_at, c.id limit ${MOST_NAMES}) c) as open_children
     from (select * from tracker.tasks t where t.status in ('pending', 'waiting', 'delegated') and (t.status <> 'delegated' or not ${WORKS_BELOW})
         and ${OF_SEEN_PLAN} and ($1::uuid is null or t.plan_id = $1)
         and ($2::text is null or ${WAITING_FOR} = $2) and ($3::text is null or exists (select 1 from tracker.gates g where ${GATE_OF_TASK} and 'role:' || $3 = any(g.deciders)))
         and ($4::float8 is null or t.since_at <= statement_timestamp() - $4 * interval '1 millisecond')
         and ($5::timestamptz is null or (t.since_at, t.id) > ($5::timestamptz, $6::uuid))
       order by t.since_at, t.id limit $7) t
       join tracker.plans p on p.tenant_id = t.tenant_id and p.id = t.plan_id left join tracker.gates g on g.tenant_id = t.tenant_id and ${GATE_OF_TASK}
     order by t.since_at, t.id`,
    [
      query.planId ?? null,
      query.waitingFor ?? null,
      query.role ?? null,
      query.olderThanMs ?? null,
      query.after?.[0] ?? null,
      query.after?.[1] ?? null,
      query.limit,
    ],
  )
}

/** What an agent would have to take for a pending task to run. */
const takenKey = (doc: TaskDoc): string | undefined =>
  doc.waiting !== undefined ? undefined : (doc.type ?? (doc.capability && capabilityKey(doc.capability)))

function viewBlocker(row: BlockedRecord, takers: readonly TakerRecord[]): Blocker {
  const task = taskModelOf(row)
  return withoutUndefined({
    taskId: toId('task', task.id),
    planId: toId('plan', task.planId),
    name: task.doc.name ?? 'unknown task',
    sinceAt: row.since_at.toISOString(),
    ...(task.status === 'waiting'
      ? waits(row, task)
      : task.status === 'delegated'
        ? delegates(row)
        : pends(row, task, takers)),
  }) as Blocker
}

type Told = Omit<Blocker, 'taskId' | 'planId' | 'name' | 'sinceAt'>

const OPERATOR = ['plans.tasks.complete', 'plans.tasks.cancel']

function waits(row: BlockedRecord, { doc }: TaskModel): Told {
  const { reason, dueAt, on = {} } = doc.waiting ?? { reason: 'dependency' }
  const common = {
    waitingFor: reason,
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(on.budgetId === undefined ? {} : { budgetId: on.budgetId }),
    ...(on.missing === undefined ? {} : { missing: on.missing }),
    ...(on.ruleIds === undefined ? {} : { ruleIds: [...on.ruleIds] }),
    ...(on.taskIds === undefined ? {} : { dependsOn: [...on.taskIds] }),
  }
  if (doc.gateId === undefined) return { ...common, detail: awaited(reason, doc), unblockBy: OPERATOR }
  return {
    ...common,
    gateId: doc.gateId,
    ...(row.gate_due_at === null ? {} : { dueAt: row.gate_due_at.toISOString() }),
    detail:
      row.gate_outcome === null
        ? `waits for a decision at gate ${doc.gateId}`
        : `gate ${doc.gateId} is decided: ${row.gate_outcome}`,
    unblockBy: [...(row.deciders?.length ? row.deciders : ['gate:decide']), 'governance.gates.decide'],
  }
}

function awaited(reason: string, { waiting }: TaskDoc): string {
  const { budgetId, missing, ruleIds, taskIds, type, signal } = waiting?.on ?? {}
  const told = [
    budgetId && `budget ${budgetId}`,
    missing && `${missing.costMicros} micros of ${missing.currency} that are missing`,
    ruleIds && `rule ${ruleIds.join(', ')}`,
    taskIds && `task ${taskIds.join(', ')}`,
    type && `event ${type}`,
    signal && `signal ${signal}`,
    waiting?.dueAt && `its time at ${waiting.dueAt}`,
  ].filter((part) => part !== undefined)
  return `waits for ${told.length === 0 ? reason : told.join(', ')}`
}

function delegates(row: BlockedRecord): Told {
  const dependsOn = (row.open_children ?? []).map((id) => toId('task', id))
  return {
    waitingFor: 'dependency',
    dependsOn,
    detail:
      dependsOn.length === 0
        ? 'all its sub-tasks have ended; its agent has not gone on yet'
        : `waits for ${dependsOn.length === MOST_NAMES ? `${MOST_NAMES} or more` : dependsOn.length} sub-tasks, of which none runs`,
    unblockBy: [...dependsOn, 'plans.tasks.cancel'],
  }
}

function pends(row: BlockedRecord, task: TaskModel, takers: readonly TakerRecord[]): Told {
  const { doc } = task
  const waitingFor = doc.pendingFor ?? 'agent'
  const nextRetryAt = row.is_retry_ahead === true ? doc.retryAt : undefined
  if (row.plan_status === 'paused')
    return { waitingFor, detail: 'its plan is paused', unblockBy: ['plans.plans.resume'] }
  const key = takenKey(doc)
  const near = takers.filter(({ space_id }) => space_id === '' || space_id === task.spaceId)
  const live = near
    .filter(({ takes }) => takes.some((taken) => taken === key))
    .map(({ name }) => name)
    .slice(0, MOST_NAMES)
  const what = doc.type ?? doc.capability ?? doc.name ?? 'this task'
  if (key !== undefined && live.length === 0)
    return { ...missing(doc, { waitingFor, what, near, key }), ...(nextRetryAt && { nextRetryAt }) }
  return {
    waitingFor,
    ...(nextRetryAt && { nextRetryAt }),
    detail:
      nextRetryAt === undefined ? `none of ${live.join(', ')} has taken ${what} yet` : `tried again at ${nextRetryAt}`,
    unblockBy: [...live, 'plans.tasks.retry', 'plans.tasks.cancel'],
  }
}

function missing(
  doc: TaskDoc,
  { waitingFor, what, near, key }: { waitingFor: string; what: string; near: readonly TakerRecord[]; key: string },
): Told {
  const lastAliveAt = near
    .flatMap(({ last_taken }) => last_taken[key] ?? [])
    .sort()
    .at(-1)
  return {
    waitingFor,
    detail: `no live agent consumes ${what}; ${lastAliveAt === undefined ? 'none ever did' : `one last did at ${lastAliveAt}`}`,
    missingConsumer: {
      topic: 'action-requests',
      type: doc.type ?? 'task.requested',
      ...(doc.capability === undefined ? {} : { capability: doc.capability }),
      ...(lastAliveAt === undefined ? {} : { lastAliveAt }),
    },
    unblockBy: [`an agent that consumes ${what}`, 'plans.tasks.cancel'],
  }
}
