import { isProblem } from '@soma/kernel'
import { selectRecordsOf } from '../records/store.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import type { Document, PlanContextCreate, PlanContextUpdate } from './dtos.ts'
import { documentOr } from './foreign-ids.ts'
import {
  type createPlans,
  goalOf,
  type KnownPlan,
  type PlanDetail,
  planNames,
  type PlanOptions,
  timesOf,
} from './plans.ts'

/** A save that lost a race is done again on what the winner left. */
const ATTEMPTS = 10
const STATUSES = ['completed', 'failed', 'paused', 'running'] as const

/** Contexts of plans: the plan's own state, current state and correlation ids, as its planner saves them. */
export function createPlanContexts({ plans, database }: PlanOptions, known: ReturnType<typeof createPlans>) {
  const required = async (caller: Caller, planId: string): Promise<KnownPlan> => {
    const found = await known.find(caller, planId)
    if (found === undefined || found.record?.detail.isContext === false)
      throw refusal(404, `Plan context not found: ${planId}`)
    return found
  }

  /** The last save counts. A status in the state moves the plan: planners of the dialect say nowhere else that they are done. */
  const save = async (caller: Caller, planId: string, changes: PlanContextUpdate) => {
    const { context } = caller
    for (let attempt = 1; ; attempt++) {
      const { plan } = await required(caller, planId)
      const state = changes.state ?? documentOr<Document>(plan.state, {})
      const status = STATUSES.find((name) => name === state.status)
      try {
        const saved = await plans.putState(context, {
          params: { planId: plan.planId },
          ifMatch: plan.version,
          body: {
            state,
            ...(changes.currentState ? { currentState: changes.currentState } : {}),
            ...(changes.correlationIds ? { correlationIds: changes.correlationIds } : {}),
          },
        })
        if (status !== undefined) await known.move(context, saved, status)
        await known.touch(caller, planId)
        return viewOf(caller, await required(caller, planId))
      } catch (error) {
        if (!isProblem(error) || error.code !== 'version-conflict' || attempt === ATTEMPTS) throw error
      }
    }
  }

  return {
    /** Makes a context, or changes what a second save may. */
    put: async (caller: Caller, body: PlanContextCreate) => {
      const { planId, sessionId = null, responseEvent = null, correlationIds, state, currentState } = body
      const found = (await known.find(caller, planId)) ?? (await known.make(caller, body))
      if (found.record !== undefined)
        await known.amend(caller, found, (said) =>
          said.isContext ? said : { ...said, sessionId: said.sessionId ?? sessionId, responseEvent, isContext: true },
        )
      return save(caller, planId, { state, currentState, correlationIds })
    },

    get: async (caller: Caller, planId: string) => viewOf(caller, await required(caller, planId)),

    update: save,

    byCorrelation: async (caller: Caller, correlationId: string) => {
      const { context } = caller
      const found = await plans.byCorrelation(context, { params: { correlationId } }).catch(ignoreNotFound)
      const plan = found?.plan
      const [record] = plan === undefined ? [] : await recordsOf(caller, plan.planId)
      if (plan === undefined || plan.spaceId !== context.spaceId || record?.detail.isContext === false)
        throw refusal(404, `Plan not found for correlation ID: ${correlationId}`)
      return viewOf(caller, { planId: record?.foreign_id ?? plan.planId, plan, record })
    },

    /** A plan that is nothing but its context is cancelled where it is open. */
    remove: async (caller: Caller, planId: string): Promise<undefined> => {
      const found = await required(caller, planId)
      if (found.record?.detail.isPlan !== true) return known.forget(caller, found)
      await known.amend(caller, found, (said) => ({ ...said, isContext: false }))
    },
  }

  function recordsOf(caller: Caller, ownId: string) {
    return database.transaction(caller.context, (tx) => selectRecordsOf<PlanDetail>(tx, planNames(caller), [ownId]))
  }
}

function viewOf(caller: Caller, { planId, plan, record }: KnownPlan) {
  return {
    tenantId: caller.platformTenant,
    planId,
    sessionId: record?.detail.sessionId ?? null,
    ...goalOf(plan),
    responseEvent: record?.detail.responseEvent ?? null,
    state: documentOr(plan.state, {}),
    currentState: plan.currentState ?? null,
    correlationIds: plan.correlationIds,
    ...timesOf(plan, record),
  }
}
