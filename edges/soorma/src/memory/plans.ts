import { type Plan, type PlanStatus, type plansContract } from '@soma/plans/contract'
import {
  type Client,
  commonProblems,
  type Context,
  isProblem,
  type ModuleDatabase,
  newId,
  type Problem,
} from '@soma/kernel'
import { type EventTypes, toForeignType } from '../events/types.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import {
  amendRecord,
  deleteRecord,
  insertRecord,
  MAXIMUM_RECORDS,
  type RecordRow,
  selectRecord,
  selectRecords,
  touchRecord,
} from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import type { PlanCreate, PlanQuery, SoormaPlanStatus } from './dtos.ts'
import { documentOr, naiveTime, sameId, standInId } from './foreign-ids.ts'

/** What the dialect says of a plan and ours has no word for. */
export interface PlanDetail {
  readonly sessionId: string | null
  readonly parentPlanId: string | null
  readonly responseEvent: string | null
  /** Whether it was made as a plan, as a context, or as both. */
  readonly isPlan: boolean
  readonly isContext: boolean
}

/** A plan under its name in the dialect. Plans of Soma have no record. */
export interface KnownPlan {
  readonly planId: string
  readonly plan: Plan
  readonly record: RecordRow<PlanDetail> | undefined
}

export interface PlanOptions {
  readonly plans: Client<typeof plansContract>['plans']
  readonly database: ModuleDatabase
  readonly types: EventTypes
}

type NewPlan = Pick<PlanCreate, 'planId' | 'goalEvent' | 'goalData' | 'parentPlanId'> & {
  readonly correlationIds?: string[]
}

const MAXIMUM_TYPE = 200
/** Statuses are read that many plans at a time. */
const AT_ONCE = 25
/** Of a name that nobody said to be a plan or a context yet. */
export const UNSAID: PlanDetail = {
  sessionId: null,
  parentPlanId: null,
  responseEvent: null,
  isPlan: false,
  isContext: false,
}

/** Names of plans: each user's own. */
export const planNames = ({ serviceUser }: Caller) => ({ kind: 'plan', userId: serviceUser }) as const

/** Plans of the dialect are plans of ours, driven by their planner. */
export function createPlans({ plans, database, types }: PlanOptions) {
  const recordOf = (caller: Caller, planId: string) =>
    database.transaction(caller.context, (tx) => selectRecord<PlanDetail>(tx, planNames(caller), planId))

  const readAnywhere = (context: Context, ownId: string): Promise<Plan | undefined> =>
    plans.get(context, { params: { planId: ownId } }).catch(ignoreNotFound)

  const readOwn = async (context: Context, ownId: string): Promise<Plan | undefined> => {
    const plan = await readAnywhere(context, ownId)
    return plan?.spaceId === context.spaceId ? plan : undefined
  }

  const find = async (caller: Caller, planId: string): Promise<KnownPlan | undefined> => {
    const record = await recordOf(caller, planId)
    const ownId = record?.own_id ?? sameId('plan', planId)
    const plan = ownId === undefined ? undefined : await readOwn(caller.context, ownId)
    return plan && { planId, plan, record }
  }

  /** Says of a plan what the dialect says of it, whoever else does so at once. */
  const amend = (caller: Caller, { planId, plan }: KnownPlan, change: (said: PlanDetail) => PlanDetail) =>
    database.transaction(caller.context, (tx) =>
      amendRecord<PlanDetail>(tx, planNames(caller), {
        foreignId: planId,
        ownId: plan.planId,
        change: (said) => change(said ?? UNSAID),
      }),
    )

  const touch = (caller: Caller, planId: string) =>
    database.transaction(caller.context, (tx) => touchRecord(tx, planNames(caller), planId))

  /** The requester is answered by the planner itself, so ours is told of no response type: it would answer a second time. */
  const createOwn = async (caller: Caller, ownId: string, wanted: NewPlan): Promise<Plan> => {
    const { goalEvent, goalData, parentPlanId, correlationIds = [] } = wanted
    const parent = parentPlanId ? await find(caller, parentPlanId) : undefined
    const goal = { type: ownType(types, goalEvent), data: goalData }
    return plans.create(caller.context, {
      body: {
        planId: ownId,
        goal,
        correlationIds,
        ...(parent === undefined ? {} : { parentPlanId: parent.plan.planId }),
      },
    })
  }

  /** A plan of this name, made now unless it is there. A UUID that somebody else's plan has gets a stand-in, and the name of one that was deleted another plan. */
  const make = async (caller: Caller, wanted: NewPlan): Promise<KnownPlan> => {
    const { planId } = wanted
    const standIn = standInId('plan', caller, planId)
    let refused: Problem | undefined
    for (const ownId of new Set([sameId('plan', planId) ?? standIn, standIn, newId('plan')])) {
      const plan = await createOwn(caller, ownId, wanted).catch((error: unknown) => {
        if (!isProblem(error) || error.code !== 'conflict') throw error
        refused = error
        return readOwn(caller.context, ownId)
      })
      if (plan?.spaceId !== caller.context.spaceId || plan.endedAt !== undefined) continue
      await database.transaction(caller.context, (tx) =>
        insertRecord(tx, planNames(caller), { foreignId: planId, ownId: plan.planId, detail: UNSAID }),
      )
      const made = await find(caller, planId)
      if (made !== undefined) return made
    }
    throw refused ?? commonProblems.conflict.create(`plan ${planId} cannot be made`)
  }

  const required = async (caller: Caller, planId: string): Promise<KnownPlan> => {
    const known = await find(caller, planId)
    if (known === undefined || known.record?.detail.isPlan === false) throw refusal(404, `Plan not found: ${planId}`)
    return known
  }

  /** Moves a plan to what the dialect calls its status. @throws 409 for one that ended otherwise */
  const move = async (context: Context, plan: Plan, status: SoormaPlanStatus): Promise<Plan> => {
    const params = { planId: plan.planId }
    if (status === 'paused') {
      if (plan.status === 'paused') return plan
      return plans.pause(context, { params, body: { reason: 'paused by its planner' } })
    }
    if (status === 'running' && plan.endedAt !== undefined)
      throw commonProblems.conflict.create(`the plan is ${plan.status}; it runs no more`)
    const resumed = plan.status === 'paused' ? await plans.resume(context, { params, body: {} }) : plan
    return status === 'running' ? resumed : plans.finish(context, { params, body: { outcome: status } })
  }

  return {
    find,
    readAnywhere,
    make,
    amend,
    touch,
    move,

    /** @throws 409 for a plan that is there, and to all but one of those that make it at once */
    create: async (caller: Caller, body: PlanCreate) => {
      const { planId, sessionId = null, parentPlanId = null } = body
      const alreadyThere = () => refusal(409, `Plan already exists: ${planId}`)
      const known = (await find(caller, planId)) ?? (await make(caller, body))
      if (known.record === undefined) throw alreadyThere()
      await amend(caller, known, (said) => {
        if (said.isPlan) throw alreadyThere()
        return { ...said, sessionId: said.sessionId ?? sessionId, parentPlanId, isPlan: true }
      })
      return summaryOf(caller, await required(caller, planId))
    },

    get: async (caller: Caller, planId: string) => summaryOf(caller, await required(caller, planId)),

    /** Those that were made here, the last changed first; of a user's plans the 1,000 that changed last are looked through. */
    list: async (caller: Caller, { status, session_id: sessionId, limit }: PlanQuery) => {
      const said = { isPlan: true, ...(sessionId ? { sessionId } : {}) }
      const found: ReturnType<typeof summaryOf>[] = []
      for (let offset = 0; offset < MAXIMUM_RECORDS && found.length < limit; offset += AT_ONCE) {
        const rows = await database.transaction(caller.context, (tx) =>
          selectRecords<PlanDetail>(tx, planNames(caller), { said, limit: AT_ONCE, offset }),
        )
        const known = await Promise.all(rows.map((record) => summaryOfRecord(caller, record)))
        found.push(...known.flatMap((plan) => (plan === undefined || (status && plan.status !== status) ? [] : [plan])))
        if (rows.length < AT_ONCE) break
      }
      return found.slice(0, limit)
    },

    setStatus: async (caller: Caller, planId: string, status: SoormaPlanStatus) => {
      const { plan } = await required(caller, planId)
      await move(caller.context, plan, status)
      await touch(caller, planId)
      return summaryOf(caller, await required(caller, planId))
    },

    /** A context of the plan goes with it. */
    remove: async (caller: Caller, planId: string) => forget(caller, await required(caller, planId)),

    forget,
  }

  async function summaryOfRecord(caller: Caller, record: RecordRow<PlanDetail>) {
    const plan = await readOwn(caller.context, record.own_id)
    return plan && summaryOf(caller, { planId: record.foreign_id, plan, record })
  }

  /** Cancels what is open, and frees the name. */
  async function forget(caller: Caller, { planId, plan }: KnownPlan): Promise<undefined> {
    if (plan.endedAt === undefined) {
      const body = { reason: 'deleted by its planner' }
      await plans.cancel(caller.context, { params: { planId: plan.planId }, body })
    }
    await database.transaction(caller.context, (tx) => deleteRecord(tx, planNames(caller), planId))
  }
}

/** @throws 422 for a type that is too long for a plan or task of ours */
export function ownType(types: EventTypes, eventType: string): string {
  const type = types.toOwn(eventType)
  if (type.length <= MAXIMUM_TYPE) return type
  throw refusal(422, `an event type has at most ${MAXIMUM_TYPE} characters as it is kept; this one has ${type.length}`)
}

export function summaryOf(caller: Caller, { planId, plan, record }: KnownPlan) {
  return {
    tenantId: caller.platformTenant,
    userId: caller.serviceUser,
    planId,
    sessionId: record?.detail.sessionId ?? null,
    ...goalOf(plan),
    status: STATUS_OF[plan.status],
    parentPlanId: record?.detail.parentPlanId ?? plan.parentPlanId ?? null,
    ...timesOf(plan, record),
  }
}

export const goalOf = ({ goal, title }: Plan) => ({
  goalEvent: goal === undefined ? title : toForeignType(goal.type),
  goalData: documentOr(goal?.data, {}),
})

export const timesOf = (plan: Plan, record: RecordRow | undefined) => ({
  createdAt: naiveTime(record?.created_at ?? new Date(plan.createdAt)),
  updatedAt: naiveTime(record?.updated_at ?? new Date(plan.endedAt ?? plan.startedAt ?? plan.createdAt)),
})

const STATUS_OF: Readonly<Record<PlanStatus, SoormaPlanStatus>> = {
  draft: 'running',
  pending: 'running',
  running: 'running',
  waiting: 'running',
  stopping: 'running',
  paused: 'paused',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
}
