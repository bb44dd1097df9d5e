import {
  type Clock,
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  type SettingValues,
  type SqlSession,
  toId,
  toPage,
  toUuid,
  uuidOf,
  withoutUndefined,
} from '@soma/kernel'
import type * as z from 'zod'
import type { DelegationGroup, PlanProgress, trackerContract } from '../../contract/index.ts'
import {
  PLAN_COLUMNS,
  type PlanRecord,
  planModelOf,
  TASK_COLUMNS,
  type TaskModelRecord,
  taskModelOf,
} from '../projection/store.ts'
import type { TrackerPorts } from '../ports.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'
import { hasEnded } from '../projection/rank.ts'
import { readBlocked } from './blockers.ts'
import { readEta } from './eta.ts'
import { createFreshness } from './freshness.ts'
import { type Direction, readHierarchy } from './hierarchy.ts'
import { around, edgesOf } from './lineage.ts'
import { readAgentMetrics } from './metrics.ts'
import type { Reckoning } from './plan-share.ts'
import { listCauses, listEntries, listEntriesBy, readPlan, readTaskModels, VISIBLE_TASKS } from './store.ts'
import { summarise } from './summaries.ts'
import { costOf, NO_TASKS, viewEntry, viewPlan, viewTask } from './views.ts'

type Operations = (typeof trackerContract)['operations']
type QueryOf<O extends { query: z.ZodType }> = z.output<O['query']>

/** A page of plans; absent members ask for all. */
type PlansQuery = Pick<QueryOf<Operations['plans']['list']>, 'limit'> & Partial<QueryOf<Operations['plans']['list']>>

const LINEAGE_ENTRIES = 2000
const TRACE_ENTRIES = 1000

interface Dependencies {
  readonly database: ModuleDatabase
  readonly settings: SettingValues<typeof trackerContract>
  readonly clock: Clock
  readonly oldestWaiting: TrackerPorts['oldestWaiting']
}

/** Reads run as the caller: row-level security decides what is there. Every answer says how fresh it is. */
export function createTrackerReads({ database, settings, clock, oldestWaiting }: Dependencies) {
  const freshnessOf = createFreshness({ oldestWaiting, clock, staleMs: settings.staleMs })
  const reckoning = (): Reckoning => ({ ...settings, now: clock.now() })
  const answer = async <T extends object>(context: Context, work: (tx: SqlSession) => Promise<T>) => {
    const freshness = await freshnessOf(context.tenantId)
    return database.transaction(context, async (tx) => ({ ...(await freshness(tx)), ...(await work(tx)) }))
  }

  return {
    plan: (context: Context, planId: string) =>
      answer(context, async (tx) => ({ plan: await progressOf(tx, await requirePlan(tx, planId), reckoning()) })),

    plans: (context: Context, query: PlansQuery) => answer(context, (tx) => pageOfPlans(tx, query, reckoning())),

    subPlans: (context: Context, planId: string, query: PlansQuery) =>
      answer(context, async (tx) => {
        await requirePlan(tx, planId)
        return pageOfPlans(tx, { ...query, parentPlanId: planId, loneTasks: true }, reckoning())
      }),

    planTasks: (context: Context, planId: string, query: QueryOf<Operations['planTasks']['list']>) =>
      answer(context, async (tx) => {
        await requirePlan(tx, planId)
        const rows = await listTasks(tx, { ...query, planId, newest: false })
        return toPage(rows, query.limit, {
          item: (row) => viewTask(taskModelOf(row)),
          key: (row) => [row.sort_at.toISOString(), row.id],
        })
      }),

    tasks: (context: Context, query: QueryOf<Operations['tasks']['list']>) =>
      answer(context, async (tx) => {
        const rows = await listTasks(tx, { ...query, newest: true })
        return toPage(rows, query.limit, {
          item: (row) => viewTask(taskModelOf(row)),
          key: (row) => [row.sort_at.toISOString(), row.id],
        })
      }),

    task: (context: Context, taskId: string) =>
      answer(context, async (tx) => {
        const [row] = await tx.query<TaskModelRecord>(`select ${TASK_COLUMNS} from ${VISIBLE_TASKS} where t.id = $1`, [
          uuidOf('task', taskId),
        ])
        if (row === undefined) throw commonProblems.notFound.create(`no task ${taskId}`)
        return { task: viewTask(taskModelOf(row)) }
      }),

    timeline: (context: Context, planId: string, query: QueryOf<Operations['planTimeline']['list']>) =>
      answer(context, async (tx) => {
        const plan = await requirePlan(tx, planId)
        const rows = await listEntries(tx, {
          planId: plan.id,
          kinds: query.kinds?.split(','),
          newest: query.order === 'newest',
          after: decodeCursor(query.cursor, ['time', 'text', 'text']),
          limit: query.limit + 1,
        })
        return toPage(rows, query.limit, {
          item: viewEntry,
          key: (row) => [row.at.toISOString(), row.sequence, row.event_id],
        })
      }),

    lineage: (context: Context, planId: string, query: QueryOf<Operations['planLineage']['get']>) =>
      answer(context, async (tx) => {
        const plan = await requirePlan(tx, planId)
        const own = await listEntries(tx, {
          planId: plan.id,
          kinds: undefined,
          newest: false,
          after: undefined,
          limit: LINEAGE_ENTRIES,
        })
        const known = new Set(own.map((entry) => entry.event_id))
        const missing = own.flatMap((entry) =>
          entry.causation_id === null || known.has(entry.causation_id) ? [] : [entry.causation_id],
        )
        const entries = [...(missing.length === 0 ? [] : await listCauses(tx, [...new Set(missing)])), ...own]
        const edges = edgesOf(entries)
        if (query.eventId === undefined) return { entries: entries.map(viewEntry), edges }
        if (!entries.some((entry) => entry.event_id === query.eventId))
          throw commonProblems.notFound.create(`no event ${query.eventId} in plan ${planId}`)
        const reached = around(query.eventId, edges, query.depth)
        return {
          entries: entries.filter((entry) => reached.has(entry.event_id)).map(viewEntry),
          edges: edges.filter((edge) => reached.has(edge.from) && reached.has(edge.to)),
        }
      }),

    hierarchy: (context: Context, planId: string, direction: Direction) =>
      answer(context, async (tx) => {
        const plan = await requirePlan(tx, planId)
        return readHierarchy(tx, { planId: plan.id, direction }, reckoning())
      }),

    eta: (context: Context, planId: string) =>
      answer(context, async (tx) => readEta(tx, await requirePlan(tx, planId), reckoning())),

    blockers: (context: Context, query: QueryOf<Operations['blockers']['list']> & { readonly planId?: string }) =>
      answer(context, async (tx) => {
        const plan = query.planId === undefined ? {} : { planId: (await requirePlan(tx, query.planId)).id }
        const rows = await readBlocked(tx, {
          ...query,
          ...plan,
          after: decodeCursor(query.cursor, ['time', 'uuid']),
          limit: query.limit + 1,
        })
        return toPage(rows, query.limit, { item: (row) => row.blocker, key: (row) => row.key })
      }),

    group: (context: Context, groupId: string) =>
      answer(context, async (tx) => {
        const rows = await tx.query<TaskModelRecord>(
          `select ${TASK_COLUMNS} from ${VISIBLE_TASKS} where t.group_id = $1 order by t.sort_at, t.id`,
          [uuidOf('grp', groupId)],
        )
        if (rows.length === 0) throw commonProblems.notFound.create(`no delegation group ${groupId}`)
        return { group: viewGroup(groupId, rows.map(taskModelOf)) }
      }),

    agentMetrics: (context: Context, agent: string, query: QueryOf<Operations['agents']['metrics']>) =>
      answer(context, async (tx) => {
        const metrics = await readAgentMetrics(tx, { ...query, agent })
        if (metrics === undefined) throw commonProblems.notFound.create(`no agent ${agent}`)
        return { metrics }
      }),

    trace: (context: Context, by: { column: 'trace_id' | 'correlation_id'; value: string }) =>
      answer(context, async (tx) => {
        const entries = await listEntriesBy(tx, { ...by, limit: TRACE_ENTRIES })
        const planIds = [...new Set(entries.flatMap((entry) => entry.plan_id ?? []))]
        const plans = await tx.query<PlanRecord>(
          `select ${PLAN_COLUMNS} from tracker.plans p where p.id = any($1::uuid[])`,
          [planIds],
        )
        return {
          entries: entries.map(viewEntry),
          planIds: planIds.map((id) => toId('plan', id)),
          cost: totalOf(plans.map(planModelOf)),
        }
      }),

    /** What a stream begins with, and compares with later. */
    snapshot: (context: Context, planId: string) =>
      answer(context, async (tx) => {
        const plan = await requirePlan(tx, planId)
        const entries = await listEntries(tx, {
          planId: plan.id,
          kinds: undefined,
          newest: true,
          after: undefined,
          limit: 200,
        })
        return {
          plan: await progressOf(tx, plan, reckoning()),
          tasks: (await readTaskModels(tx, plan.id)).map(viewTask),
          entries: entries.map(viewEntry).reverse(),
        }
      }),
  }
}

export type TrackerReads = ReturnType<typeof createTrackerReads>

async function requirePlan(tx: SqlSession, planId: string): Promise<PlanModel> {
  const plan = await readPlan(tx, uuidOf('plan', planId))
  if (plan === undefined) throw commonProblems.notFound.create(`no plan ${planId}`)
  return plan
}

async function pageOfPlans(tx: SqlSession, query: PlansQuery, reckoning: Reckoning) {
  const rows = await listPlans(tx, query, decodeCursor(query.cursor, ['time', 'uuid']))
  const summaries = await summarise(
    tx,
    rows.map((row) => row.id),
    reckoning,
  )
  return toPage(rows, query.limit, {
    item: (row) => viewPlan(planModelOf(row), summaries.get(row.id) ?? NO_TASKS),
    key: (row) => [row.sort_at.toISOString(), row.id],
  })
}

async function progressOf(tx: SqlSession, plan: PlanModel, reckoning: Reckoning): Promise<PlanProgress> {
  return viewPlan(plan, (await summarise(tx, [plan.id], reckoning)).get(plan.id) ?? NO_TASKS)
}

function listPlans(
  tx: SqlSession,
  query: PlansQuery,
  before: readonly (string | number)[] | undefined,
): Promise<PlanRecord[]> {
  return tx.query<PlanRecord>(
    `select ${PLAN_COLUMNS} from tracker.plans p
     where ($1::text is null or p.status = $1) and ($2::text is null or p.session_id = $2) and ($3::uuid is null or p.parent_id = $3)
       and ($4::timestamptz is null or p.sort_at >= $4) and ($5::timestamptz is null or p.sort_at < $5)
       and ($6::text is null or position(lower($6) in lower(coalesce(p.doc ->> 'name', ''))) > 0) and ($7 or p.origin is distinct from 'task')
       and ($8::timestamptz is null or (p.sort_at, p.id) < ($8::timestamptz, $9::uuid))
     order by p.sort_at desc, p.id desc limit $10`,
    [
      query.status ?? null,
      query.sessionId ?? null,
      query.parentPlanId === undefined ? null : uuidOf('plan', query.parentPlanId),
      query.from ?? null,
      query.to ?? null,
      query.query ?? null,
      query.loneTasks ?? false,
      before?.[0] ?? null,
      before?.[1] ?? null,
      query.limit + 1,
    ],
  )
}

interface TaskQuery {
  readonly limit: number
  readonly newest: boolean
  readonly cursor?: string | undefined
  readonly planId?: string | undefined
  readonly state?: string | undefined
  readonly agent?: string | undefined
  readonly type?: string | undefined
  readonly waitingFor?: string | undefined
}

function listTasks(tx: SqlSession, query: TaskQuery): Promise<TaskModelRecord[]> {
  const after = decodeCursor(query.cursor, ['time', 'uuid'])
  const [direction, beyond] = query.newest ? ['desc', '<'] : ['asc', '>']
  return tx.query<TaskModelRecord>(
    `select ${TASK_COLUMNS} from ${VISIBLE_TASKS}
     where ($1::uuid is null or t.plan_id = $1) and ($2::text is null or t.status = $2) and ($3::text is null or t.doc -> 'agent' ->> 'name' = $3) and ($4::text is null or t.doc ->> 'type' = $4)
       and ($5::text is null or coalesce(t.doc -> 'waiting' ->> 'reason', t.doc ->> 'pendingFor') = $5)
       and ($6::timestamptz is null or (t.sort_at, t.id) ${beyond} ($6::timestamptz, $7::uuid))
     order by t.sort_at ${direction}, t.id ${direction} limit $8`,
    [
      query.planId === undefined ? null : (toUuid('plan', query.planId) ?? null),
      query.state ?? null,
      query.agent ?? null,
      query.type ?? null,
      query.waitingFor ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      query.limit + 1,
    ],
  )
}

/** A member that failed or was cancelled has ended too: the group never hangs unseen (TRK-R18). */
function viewGroup(groupId: string, members: readonly TaskModel[]): DelegationGroup {
  const ended = members.filter((task) => hasEnded(task.status))
  const completed = members.filter((task) => task.status === 'completed').length
  const [first] = members
  return withoutUndefined({
    groupId,
    planId: first === undefined ? undefined : toId('plan', first.planId),
    parentTaskId: first?.parentId === undefined ? undefined : toId('task', first.parentId),
    total: members.length,
    completed,
    failed: ended.length - completed,
    pending: members.length - ended.length,
    createdAt: members.map((task) => task.sortAt).sort()[0],
    completedAt:
      ended.length === members.length
        ? ended
            .flatMap((task) => task.endedAt ?? [])
            .sort()
            .at(-1)
        : undefined,
    members: members.map((task) =>
      withoutUndefined({
        taskId: toId('task', task.id),
        name: task.doc.name ?? 'unknown task',
        type: task.doc.type,
        agent: task.doc.agent?.name,
        state: task.status,
        problem: task.doc.problem,
      }),
    ),
  }) as DelegationGroup
}

function totalOf(plans: readonly PlanModel[]): PlanProgress['cost'] {
  const costs = plans.map(costOf)
  return {
    tokens: costs.reduce((sum, cost) => sum + cost.tokens, 0),
    costMicros: costs.reduce((sum, cost) => sum + cost.costMicros, 0),
    currency: costs[0]?.currency ?? 'USD',
    calls: costs.reduce((sum, cost) => sum + cost.calls, 0),
  }
}
