import { type SqlSession, toId, withoutUndefined } from '@soma/kernel'
import type { Blocker } from '../../contract/index.ts'
import { capabilityKey } from '../projection/agents.ts'
import type { TaskDoc, TaskModel } from '../projection/models.ts'
import { TASK_COLUMNS, type TaskModelRecord, taskModelOf } from '../projection/store.ts'
import { listTakers, type TakerRecord } from '../projection/waits-store.ts'
import { IS_BLOCKED, VISIBLE_TASKS, workingOf } from './store.ts'

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
  readonly limit?: number
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

const SINCE = `date_trunc('milliseconds', coalesce((t.doc -> 'waiting' ->> 'sinceAt')::timestamptz, t.as_of))`
const WAITING_FOR = `coalesce(t.doc -> 'waiting' ->> 'reason', t.doc ->> 'pendingFor', case t.status when 'pending' then 'agent' else 'dependency' end)`

function listBlocked(tx: SqlSession, query: BlockedQuery): Promise<BlockedRecord[]> {
  return tx.query<BlockedRecord>(
    `with recursive ${workingOf('($1::uuid is null or t.plan_id = $1)')}
     select ${TASK_COLUMNS}, ${SINCE} as since_at, p.status as plan_status, g.deciders, g.outcome as gate_outcome, g.due_at as gate_due_at,
       (t.doc ->> 'retryAt')::timestamptz > statement_timestamp() as is_retry_ahead,
       (select array_agg(c.id order by c.sort_at, c.id) from tracker.tasks c where c.parent_id = t.id and c.status not in ('completed', 'failed', 'cancelled')) as open_children
     from ${VISIBLE_TASKS} left join tracker.gates g on g.tenant_id = t.tenant_id and g.id = t.doc ->> 'gateId'
     where t.status in ('pending', 'waiting', 'delegated') and ${IS_BLOCKED} and ($1::uuid is null or t.plan_id = $1)
       and ($2::text is null or ${WAITING_FOR} = $2) and ($3::text is null or 'role:' || $3 = any(g.deciders))
       and ($4::float8 is null or ${SINCE} <= statement_timestamp() - $4 * interval '1 millisecond')
       and ($5::timestamptz is null or (${SINCE}, t.id) > ($5::timestamptz, $6::uuid))
     order by since_at, t.id limit $7`,
    [
      query.planId ?? null,
      query.waitingFor ?? null,
      query.role ?? null,
      query.olderThanMs ?? null,
      query.after?.[0] ?? null,
      query.after?.[1] ?? null,
      query.limit ?? null,
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
        : `waits for ${dependsOn.length} sub-tasks, of which none runs`,
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
  const live = near.filter(({ takes }) => takes.some((taken) => taken === key)).map(({ name }) => name)
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
