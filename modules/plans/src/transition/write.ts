import { commonProblems, toId, type Transaction } from '@soma/kernel'
import { hex } from '../journal/chain.ts'
import type { PlanRow, TaskRow } from './rows.ts'
import type { Transition } from './transition.ts'

type Sql = Pick<Transaction, 'execute' | 'query'>

const RACE_LOST = new Error('another process made this plan at the same moment')

/** Runs work that makes a plan; when another process has just made the same one, once more, so that it finds it. */
export async function orFindAgain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error !== RACE_LOST) throw error
    return work()
  }
}

/** Stores a transition: rows, journal, timers, mail, then its events. Everything commits together or not at all (PLN-R3). */
export async function writeTransition(tx: Transaction, transition: Transition): Promise<void> {
  const changed = [...transition.changedTasks].filter((id) => !transition.newTasks.has(id))
  if (transition.isNewPlan) await insertPlan(tx, transition.plan)
  await together([
    transition.isNewPlan ? insertCorrelations(tx, transition.plan) : updatePlan(tx, transition),
    insertGroups(tx, transition),
    insertTasks(tx, rowsOf(transition, transition.newTasks)),
    updateTasks(tx, rowsOf(transition, changed)),
    updateGroups(tx, transition),
    insertJournal(tx, transition),
    writeTimers(tx, transition),
    insertMail(tx, transition),
  ])
  for (const outgoing of transition.outgoing) {
    if ('envelope' in outgoing) tx.emitEnvelope(outgoing.envelope)
    else tx.emit(outgoing.definition, outgoing.data as never, outgoing.attributes)
  }
}

/** Statements that travel together. After the first that fails the others fail too, so it is the one that is told. */
async function together(sent: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(sent)) if (ended.status === 'rejected') throw ended.reason
}

const rowsOf = (transition: Transition, ids: Iterable<string>): TaskRow[] =>
  [...ids].flatMap((id) => {
    const task = transition.tasks.get(id)
    return task === undefined ? [] : [task]
  })

const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))

async function insertPlan(tx: Sql, plan: PlanRow): Promise<void> {
  const inserted = await tx.execute(
    `insert into plans.plans (tenant_id, id, root_id, parent_id, depth, driver, origin, status, phase, stop_reason, space_id, user_id, owner_id, session_id, visibility, revision,
       counts, seq, head, version, doc, state, results, created_at, started_at, ended_at)
     values (plans.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::jsonb, $17, $18, $19, $20::jsonb, $21::jsonb, $22::jsonb, $23, $24, $25)
     on conflict (tenant_id, id) do nothing`,
    [
      plan.id,
      plan.rootId,
      plan.parentId ?? null,
      plan.depth,
      plan.driver,
      plan.origin,
      plan.status,
      plan.phase,
      plan.stopReason ?? null,
      plan.spaceId,
      plan.userId ?? null,
      plan.ownerId,
      plan.sessionId ?? null,
      plan.visibility,
      plan.revision,
      json(plan.counts),
      plan.seq,
      plan.head ?? null,
      plan.version,
      json(plan.doc),
      json(plan.state),
      json(plan.results),
      plan.createdAt,
      plan.startedAt ?? null,
      plan.endedAt ?? null,
    ],
  )
  if (inserted === 0) throw RACE_LOST
}

async function insertCorrelations(tx: Sql, plan: PlanRow): Promise<void> {
  if (plan.doc.correlationIds.length === 0) return
  await tx.execute(
    'insert into plans.correlations (tenant_id, correlation_id, plan_id) select plans.tenant(), c, $1 from unnest($2::text[]) c on conflict do nothing',
    [plan.id, plan.doc.correlationIds],
  )
}

/** The plan is found by its correlation ids of now, and by no other. */
export async function replaceCorrelations(tx: Sql, plan: PlanRow): Promise<void> {
  await tx.execute('delete from plans.correlations where plan_id = $1 and correlation_id <> all($2::text[])', [
    plan.id,
    plan.doc.correlationIds,
  ])
  await insertCorrelations(tx, plan)
}

async function updatePlan(tx: Sql, transition: Transition): Promise<void> {
  const { plan, dirty } = transition
  await tx.execute(
    `update plans.plans set status = $2, stop_reason = $3, counts = $4::jsonb, seq = $5, head = $6, version = $7, doc = coalesce($8::jsonb, doc),
       state = case when $9 then $10::jsonb else state end, results = case when $11 then $12::jsonb else results end, started_at = $13, ended_at = $14
     where id = $1`,
    [
      plan.id,
      plan.status,
      plan.stopReason ?? null,
      json(plan.counts),
      plan.seq,
      plan.head ?? null,
      plan.version,
      dirty.doc ? json(plan.doc) : null,
      dirty.state,
      dirty.state ? json(plan.state) : null,
      dirty.results,
      dirty.results ? json(plan.results) : null,
      plan.startedAt ?? null,
      plan.endedAt ?? null,
    ],
  )
  if (dirty.queue !== undefined)
    await tx.execute("update plans.work set queue = $2 where plan_id = $1 and kind = 'timer'", [plan.id, dirty.queue])
}

/** One JSON parameter for all rows: arrays of jsonb and of nulls are encoded differently by the two databases' clients. */
async function insertTasks(tx: Sql, tasks: readonly TaskRow[]): Promise<void> {
  if (tasks.length === 0) return
  const columns =
    'plan_id, key, id, ord, kind, status, outcome, reason, parent_id, group_id, generation, try, delivery, fence, result_seq, doc, state, version, created_at, started_at, ended_at'
  await tx.execute(
    `insert into plans.tasks (tenant_id, ${columns}) select plans.tenant(), ${columns}
     from jsonb_to_recordset($1::jsonb) as t (plan_id uuid, key text, id uuid, ord int4, kind text, status text, outcome text, reason text, parent_id uuid, group_id uuid, generation int2,
       try int2, delivery int2, fence int8, result_seq int8, doc jsonb, state jsonb, version int4, created_at timestamptz, started_at timestamptz, ended_at timestamptz)`,
    [JSON.stringify(tasks.map(recordOfTask))],
  )
}

const recordOfTask = (task: TaskRow) => ({
  plan_id: task.planId,
  key: task.key,
  id: task.id,
  ord: task.ord,
  kind: task.kind,
  status: task.status,
  outcome: task.outcome,
  reason: task.doc.waiting?.reason,
  parent_id: task.parentId,
  group_id: task.groupId,
  generation: task.generation,
  try: task.try,
  delivery: task.delivery,
  fence: task.fence,
  result_seq: task.resultSeq,
  doc: task.doc,
  state: task.state,
  version: task.version,
  created_at: task.createdAt,
  started_at: task.startedAt,
  ended_at: task.endedAt,
})

/** One statement for all: a cancelled plan may end hundreds of tasks under its lock. */
async function updateTasks(tx: Sql, tasks: readonly TaskRow[]): Promise<void> {
  if (tasks.length === 0) return
  await tx.execute(
    `update plans.tasks as t set status = c.status, outcome = c.outcome, reason = c.reason, generation = c.generation, try = c.try, delivery = c.delivery, fence = c.fence,
       result_seq = c.result_seq, doc = c.doc, state = c.state, version = c.version, started_at = c.started_at, ended_at = c.ended_at
     from jsonb_to_recordset($1::jsonb) as c (plan_id uuid, key text, status text, outcome text, reason text, generation int2, try int2, delivery int2, fence int8, result_seq int8,
       doc jsonb, state jsonb, version int4, started_at timestamptz, ended_at timestamptz)
     where t.plan_id = c.plan_id and t.key = c.key`,
    [JSON.stringify(tasks.map(recordOfTask))],
  )
}

async function insertGroups(tx: Sql, transition: Transition): Promise<void> {
  for (const id of transition.newGroups) {
    const group = transition.groups.get(id)
    if (group === undefined) continue
    const inserted = await tx.execute(
      'insert into plans.groups (tenant_id, id, plan_id, parent_id, total, created_at) values (plans.tenant(), $1, $2, $3, $4, $5) on conflict do nothing',
      [group.id, group.planId, group.parentId ?? null, group.total, group.createdAt],
    )
    if (inserted === 0) throw commonProblems.conflict.create(`the group ${toId('grp', group.id)} exists`)
  }
}

async function updateGroups(tx: Sql, transition: Transition): Promise<void> {
  for (const id of transition.changedGroups) {
    const group = transition.groups.get(id)
    if (group === undefined) continue
    await tx.execute(
      'update plans.groups set total = $2, completed = $3, failed = $4, completed_at = $5, last_task_id = $6 where id = $1',
      [group.id, group.total, group.completed, group.failed, group.completedAt ?? null, group.lastTaskId ?? null],
    )
  }
}

async function insertJournal(tx: Sql, transition: Transition): Promise<void> {
  const { lines, plan } = transition
  if (lines.length === 0) return
  await tx.execute(
    `insert into plans.journal (tenant_id, plan_id, seq, dedupe_key, kind, data, hash, at)
     select plans.tenant(), $1, l.seq, l.dedupe_key, l.kind, l.data, decode(l.hash, 'hex'), l.at
     from jsonb_to_recordset($2::jsonb) as l (seq int8, dedupe_key text, kind text, data jsonb, hash text, at timestamptz)`,
    [
      plan.id,
      JSON.stringify(
        lines.map((line) => ({
          seq: line.seq,
          dedupe_key: line.dedupeKey,
          kind: line.kind,
          data: line.data,
          hash: hex(line.hash),
          at: line.at,
        })),
      ),
    ],
  )
}

async function writeTimers(tx: Sql, transition: Transition): Promise<void> {
  const cleared = [...transition.timers].filter(([, at]) => at === undefined).map(([key]) => key)
  const set = [...transition.timers].flatMap(([key, at]) => (at === undefined ? [] : [{ key, run_at: at }]))
  if (cleared.length > 0 && !transition.isNewPlan)
    await tx.execute("delete from plans.work where plan_id = $1 and kind = 'timer' and key = any($2::text[])", [
      transition.plan.id,
      cleared,
    ])
  if (set.length === 0) return
  await tx.execute(
    `insert into plans.work (tenant_id, plan_id, kind, key, queue, run_at)
     select plans.tenant(), $1, 'timer', w.key, $3, w.run_at from jsonb_to_recordset($2::jsonb) as w (key text, run_at timestamptz)
     on conflict (tenant_id, plan_id, kind, key) do update set run_at = excluded.run_at`,
    [transition.plan.id, JSON.stringify(set), transition.plan.status === 'paused' ? 'paused' : ''],
  )
}

async function insertMail(tx: Sql, transition: Transition): Promise<void> {
  for (const mail of transition.mail) {
    await tx.execute(
      `insert into plans.inbox (tenant_id, plan_id, dedupe_key, kind, data, at) values (plans.tenant(), $1, $2, $3, $4::jsonb, $5) on conflict (tenant_id, plan_id, dedupe_key) do nothing`,
      [mail.planId, mail.dedupeKey, mail.kind, json(mail.data), transition.at],
    )
  }
}
