import type { PlanProgress } from '@soma/tracker/contract'
import type { ModuleDatabase } from '@soma/kernel'
import { toForeignType } from '../events/types.ts'
import { createPlans, type PlanDetail, planNames } from '../memory/plans.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { type RecordRow, selectRecords, selectRecordsOf } from '../records/store.ts'
import type { Caller } from '../wire/route.ts'
import type { PlanExecutionAnswer } from './dtos.ts'
import { STATUS_OF, timeOf, type TrackerOptions } from './progress.ts'

/** As many plans as an answer has at most. */
const MAXIMUM_PLANS = 200

/** Plans beside, above and below others, as the tracker knows them, under their names in the dialect. */
export function createExecutions({ tracker, plans: client, database, types }: TrackerOptions) {
  const plans = createPlans({ plans: client.plans, database, types })
  /** Those of them that the tracker has, whole. */
  const inFull = async ({ context }: Caller, planIds: readonly string[]): Promise<PlanProgress[]> => {
    const found: PlanProgress[] = []
    for (const planId of planIds) {
      const tracked = await tracker.plans.get(context, { params: { planId } }).catch(ignoreNotFound)
      if (tracked !== undefined) found.push(tracked.plan)
    }
    return found
  }

  return {
    subPlans: async (caller: Caller, planId: string): Promise<PlanExecutionAnswer[]> => {
      const known = await plans.find(caller, planId)
      if (known === undefined) return []
      const query = { parentPlanId: known.plan.planId, limit: MAXIMUM_PLANS }
      return inDialect(database, caller, (await tracker.plans.list(caller.context, { query })).items)
    },

    /** The plan itself, those above it and those below. */
    hierarchy: async (caller: Caller, planId: string): Promise<PlanExecutionAnswer[]> => {
      const known = await plans.find(caller, planId)
      if (known === undefined) return []
      const params = { planId: known.plan.planId }
      const found = await tracker.planHierarchy.get(caller.context, { params, query: {} }).catch(ignoreNotFound)
      const planIds = (found?.plans ?? []).slice(0, MAXIMUM_PLANS).map((node) => node.planId)
      return inDialect(database, caller, await inFull(caller, planIds))
    },

    /** Those of a session, the last changed first. */
    ofSession: async (caller: Caller, sessionId: string): Promise<PlanExecutionAnswer[]> => {
      const rows = await database.transaction(caller.context, (tx) =>
        selectRecords<PlanDetail>(tx, planNames(caller), { said: { sessionId }, limit: MAXIMUM_PLANS }),
      )
      const planIds = rows.map((row) => row.own_id)
      return inDialect(database, caller, await inFull(caller, planIds))
    },
  }
}

async function inDialect(
  database: ModuleDatabase,
  caller: Caller,
  plans: readonly PlanProgress[],
): Promise<PlanExecutionAnswer[]> {
  const ids = plans.flatMap(({ planId, parentPlanId }) => [
    planId,
    ...(parentPlanId === undefined ? [] : [parentPlanId]),
  ])
  const rows = await database.transaction(caller.context, (tx) =>
    selectRecordsOf<PlanDetail>(tx, planNames(caller), ids),
  )
  const records = new Map(rows.map((row) => [row.own_id, row]))
  return plans.map((plan) => viewOf(plan, records))
}

function viewOf(plan: PlanProgress, records: ReadonlyMap<string, RecordRow<PlanDetail>>): PlanExecutionAnswer {
  const record = records.get(plan.planId)
  const parent = plan.parentPlanId
  return {
    plan_id: record?.foreign_id ?? plan.planId,
    parent_plan_id: record?.detail.parentPlanId ?? (parent && (records.get(parent)?.foreign_id ?? parent)) ?? null,
    session_id: record?.detail.sessionId ?? plan.sessionId ?? null,
    goal_event: plan.goal === undefined ? null : toForeignType(plan.goal.type),
    status: STATUS_OF[plan.status],
    current_state: plan.currentState ?? null,
    trace_id: plan.traceId ?? null,
    started_at: timeOf(plan.startedAt ?? plan.createdAt),
    completed_at: timeOf(plan.completedAt),
  }
}
