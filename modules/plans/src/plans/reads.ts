import {
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  type SqlSession,
  toPage,
  uuidOf,
} from '@soma/kernel'
import { PLAN_STATUSES, type Plan, type PlanStatus } from '../../contract/index.ts'
import { hex } from '../journal/chain.ts'
import { hasPlanEnded } from '../statuses.ts'
import { PLAN_COLUMNS, type PlanRecord, planOf } from '../transition/read.ts'
import { viewPlan } from '../views.ts'

export interface PlanFilter {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly status?: string | undefined
  readonly driver?: string | undefined
  readonly origin?: string | undefined
  readonly ownerId?: string | undefined
  readonly sessionId?: string | undefined
  readonly parentPlanId?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly q?: string | undefined
}

/** Reads run as the caller: the policy `visible` decides what is there. */
export function createPlanReads({ database }: { database: ModuleDatabase }) {
  return {
    get: (context: Context, planId: string): Promise<Plan> =>
      database.transaction(context, (tx) => readPlan(tx, planId)),

    list: (context: Context, filter: PlanFilter) =>
      database.transaction(context, async (tx) => {
        const before = decodeCursor(filter.cursor, ['time', 'uuid'])
        const rows = await listPlans(tx, filter, before)
        return toPage(rows, filter.limit, {
          item: (row) => viewPlan(planOf(row), { brief: true }),
          key: (row) => [row.created_at.toISOString(), row.id],
        })
      }),

    counts: (context: Context) =>
      database.transaction(context, async (tx) => {
        const rows = await tx.query<{ status: PlanStatus; count: number }>(
          "select status, count(*) as count from plans.plans where origin <> 'task' group by status",
        )
        const byStatus = Object.fromEntries(
          PLAN_STATUSES.map((status) => [status, rows.find((row) => row.status === status)?.count ?? 0]),
        ) as Record<PlanStatus, number>
        return { total: rows.reduce((sum, row) => sum + row.count, 0), byStatus }
      }),

    byCorrelation: (context: Context, correlationId: string) =>
      database.transaction(context, async (tx) => {
        const rows = await tx.query<PlanRecord>(
          `select ${PLAN_COLUMNS}, p.state, p.results from plans.correlations c join plans.plans p on p.tenant_id = c.tenant_id and p.id = c.plan_id
           where c.correlation_id = $1 order by p.space_id = $2 desc, p.created_at desc, p.id desc limit 50`,
          [correlationId, context.spaceId],
        )
        const inOwnSpace = rows.filter((row) => row.space_id === context.spaceId)
        const candidates = inOwnSpace.length > 0 ? inOwnSpace : rows
        const open = candidates.find((row) => !hasPlanEnded(row.status)) ?? candidates[0]
        if (open === undefined) throw commonProblems.notFound.create(`no plan has the correlation id ${correlationId}`)
        return { plan: viewPlan(planOf(open)), ambiguous: rows.length > 1 }
      }),

    journal: (
      context: Context,
      planId: string,
      page: { limit: number; cursor?: string | undefined; kinds?: string | undefined },
    ) =>
      database.transaction(context, async (tx) => {
        await readPlan(tx, planId)
        const after = decodeCursor(page.cursor, ['integer'])
        const rows = await tx.query<{ seq: number; kind: string; data: never; at: Date; hash: Uint8Array }>(
          `select seq, kind, data, at, hash from plans.journal where plan_id = $1 and seq > $2 and ($3::text[] is null or kind = any($3::text[])) order by seq limit $4`,
          [uuidOf('plan', planId), after?.[0] ?? 0, page.kinds?.split(',') ?? null, page.limit + 1],
        )
        return toPage(rows, page.limit, {
          item: (row) => ({
            seq: row.seq,
            kind: row.kind,
            data: row.data,
            at: row.at.toISOString(),
            hash: hex(row.hash),
          }),
          key: (row) => [row.seq],
        })
      }),
  }
}

async function readPlan(tx: SqlSession, planId: string): Promise<Plan> {
  const [row] = await tx.query<PlanRecord>(
    `select ${PLAN_COLUMNS}, p.state, p.results from plans.plans p where p.id = $1`,
    [uuidOf('plan', planId)],
  )
  if (row === undefined) throw commonProblems.notFound.create(`no plan ${planId}`)
  return viewPlan(planOf(row))
}

function listPlans(
  tx: SqlSession,
  filter: PlanFilter,
  before: readonly (string | number)[] | undefined,
): Promise<PlanRecord[]> {
  return tx.query<PlanRecord>(
    `select ${PLAN_COLUMNS} from plans.plans p
     where ($1::text is null or p.status = $1) and ($2::text is null or p.driver = $2) and (case when $3::text is null then p.origin <> 'task' else p.origin = $3 end)
       and ($4::text is null or p.owner_id = $4) and ($5::text is null or p.session_id = $5) and ($6::uuid is null or p.parent_id = $6)
       and ($7::timestamptz is null or p.created_at >= $7) and ($8::timestamptz is null or p.created_at < $8)
       and ($9::text is null or position(lower($9) in lower(p.doc ->> 'title')) > 0)
       and ($10::timestamptz is null or (p.created_at, p.id) < ($10::timestamptz, $11::uuid))
     order by p.created_at desc, p.id desc limit $12`,
    [
      filter.status ?? null,
      filter.driver ?? null,
      filter.origin ?? null,
      filter.ownerId ?? null,
      filter.sessionId ?? null,
      filter.parentPlanId === undefined ? null : uuidOf('plan', filter.parentPlanId),
      filter.from ?? null,
      filter.to ?? null,
      filter.q ?? null,
      before?.[0] ?? null,
      before?.[1] ?? null,
      filter.limit + 1,
    ],
  )
}
