import {
  type Context,
  commonProblems,
  type ModuleDatabase,
  type Transaction,
  toId,
  uuidOf,
  withoutUndefined,
} from '@soma/kernel'
import type * as z from 'zod'
import type { createPlanBody, Plan } from '../../contract/index.ts'
import { mayRead } from '../access.ts'
import { assertStorable, digestOf } from '../storable.ts'
import { emitPlanFact } from '../transition/facts.ts'
import { DEADLINE_TIMER, runPlan, setStateTimer } from '../transition/plan-changes.ts'
import { findPlanOfTask, lockPlan } from '../transition/read.ts'
import { derivedUuid } from '../transition/replies.ts'
import { emptyCounts, type PlanDoc, type PlanRow } from '../transition/rows.ts'
import { beginTransition, record } from '../transition/transition.ts'
import { orFindAgain, writeTransition } from '../transition/write.ts'
import { viewPlan } from '../views.ts'
import { correlationsOf } from './correlations.ts'
import { checkMachine } from './machine.ts'

export type CreatePlan = z.output<typeof createPlanBody>
const MAX_DEPTH = 8

export interface CreateDependencies {
  readonly database: ModuleDatabase
  readonly maxOpenPlans: number
}

/** Makes a planner's plan: rows, first journal lines and facts in one commit, once per plan id or goal event (PLN-R7, R56). */
export function createPlanCreator({ database, maxOpenPlans }: CreateDependencies) {
  return async (context: Context, body: CreatePlan, newId: (prefix: string) => string): Promise<Plan> => {
    checkBody(body)
    const id = planIdOf(context, body, newId)
    const digest = digestOf({ ...body, planId: undefined })
    return orFindAgain(() =>
      database.asWorker(context, async (tx) => {
        const known = await lockPlan(tx, id)
        if (known !== undefined) return sameOrConflict(context, known.plan, digest)
        await assertRoom(tx, maxOpenPlans)
        const plan = await newPlan(tx, context, { id, body, digest })
        const transition = beginTransition(plan, { at: plan.createdAt, byId: context.principal.id, isNewPlan: true })
        record(transition, 'plan-created', {
          goal: body.goal,
          currentState: plan.doc.currentState,
          start: body.start,
          digest,
        })
        emitPlanFact(transition, 'created')
        if (body.start && plan.doc.currentState !== undefined) runPlan(transition)
        if (body.deadlineAt !== undefined) transition.timers.set(DEADLINE_TIMER, new Date(body.deadlineAt))
        if (body.start) setStateTimer(transition)
        await writeTransition(tx, transition)
        return viewPlan(plan)
      }),
    )
  }
}

function checkBody(body: CreatePlan): void {
  if (body.stateMachine !== undefined)
    checkMachine(body.stateMachine, body.currentState ?? Object.keys(body.stateMachine)[0] ?? '')
  assertStorable(body.state, '/body/state')
  assertStorable(body.inputs, '/body/inputs')
  assertStorable(body.goal?.data, '/body/goal/data')
}

/** The client's id, else one derived from the goal event, so that a handler that runs twice makes one plan. */
function planIdOf(context: Context, body: CreatePlan, newId: (prefix: string) => string): string {
  if (body.planId !== undefined) return uuidOf('plan', body.planId)
  const goalEvent = body.goal?.eventId
  if (goalEvent !== undefined) return derivedUuid('plan', context.tenantId, context.principal.id, goalEvent)
  return uuidOf('plan', newId('plan'))
}

function sameOrConflict(context: Context, plan: PlanRow, digest: string): Plan {
  if (!mayRead(context, plan) || plan.doc.digest !== digest)
    throw commonProblems.conflict.create(`${toId('plan', plan.id)} exists with another body`)
  return viewPlan(plan)
}

async function assertRoom(tx: Transaction, maxOpenPlans: number): Promise<void> {
  const [row] = await tx.query<{ open: number }>(
    "select count(*) as open from (select 1 from plans.plans where status in ('draft', 'pending', 'running', 'waiting', 'paused', 'stopping') limit $1) o",
    [maxOpenPlans],
  )
  if ((row?.open ?? 0) >= maxOpenPlans)
    throw commonProblems.rateLimited.create(`${maxOpenPlans} plans are open in this tenant; no more are taken`, {
      retryAfterMs: 5000,
    })
}

async function newPlan(
  tx: Transaction,
  context: Context,
  of: { id: string; body: CreatePlan; digest: string },
): Promise<PlanRow> {
  const { body, id } = of
  const parent = await parentOf(tx, context, body)
  const [time] = await tx.query<{ at: Date }>("select date_trunc('milliseconds', statement_timestamp()) as at")
  if (time === undefined) throw new TypeError('the database told no time')
  const currentState =
    body.stateMachine === undefined ? body.currentState : (body.currentState ?? Object.keys(body.stateMachine)[0])
  return {
    id,
    rootId: parent?.rootId ?? id,
    parentId: parent?.id,
    depth: (parent?.depth ?? -1) + 1,
    driver: 'planner',
    origin: body.stateMachine === undefined ? 'intent' : 'state-machine',
    status: body.start ? 'pending' : 'draft',
    phase: 'main',
    stopReason: undefined,
    spaceId: context.spaceId,
    userId: context.userId,
    ownerId: context.principal.id,
    sessionId: body.sessionId ?? context.cause?.sessionId,
    visibility: body.visibility,
    revision: 1,
    counts: emptyCounts(),
    seq: 0,
    head: undefined,
    version: 1,
    doc: docOf(context, body, { digest: of.digest, currentState }),
    state: body.state,
    results: undefined,
    createdAt: time.at,
    startedAt: undefined,
    endedAt: undefined,
  }
}

/** The plan that is named, else that of the task that is named; a task is looked for only in a plan that the caller may read. */
async function parentOf(
  tx: Transaction,
  context: Context,
  { parentPlanId, parentTaskId }: CreatePlan,
): Promise<PlanRow | undefined> {
  if (parentPlanId === undefined && parentTaskId === undefined) return undefined
  const planOfTask = parentTaskId === undefined ? undefined : await findPlanOfTask(tx, uuidOf('task', parentTaskId))
  const planId = parentPlanId === undefined ? planOfTask : uuidOf('plan', parentPlanId)
  const locked = planId === undefined ? undefined : await lockPlan(tx, planId)
  if (locked === undefined || !mayRead(context, locked.plan))
    throw commonProblems.notFound.create(
      parentPlanId === undefined ? `no task ${parentTaskId}` : `no plan ${parentPlanId}`,
    )
  if (parentTaskId !== undefined && planOfTask !== planId)
    throw commonProblems.notFound.create(`no task ${parentTaskId}`)
  assertTakesChild(locked.plan)
  return locked.plan
}

function assertTakesChild(parent: PlanRow): void {
  const planId = toId('plan', parent.id)
  if (parent.endedAt !== undefined || parent.status === 'stopping' || parent.status === 'draft')
    throw commonProblems.conflict.create(`${planId} is ${parent.status}; it takes no child plan`)
  if (parent.depth + 1 > MAX_DEPTH)
    throw commonProblems.conflict.create(`${planId} is ${parent.depth} plans deep; at most ${MAX_DEPTH} are nested`)
}

function docOf(
  context: Context,
  body: CreatePlan,
  more: { digest: string; currentState: string | undefined },
): PlanDoc {
  return withoutUndefined({
    title: body.title ?? body.goal?.type ?? 'Plan',
    description: body.description,
    goal: body.goal,
    stateMachine: body.stateMachine,
    currentState: more.currentState,
    labels: body.labels,
    correlationIds: correlationsOf(body.goal, body.correlationIds),
    traceparent: context.traceparent,
    priority: body.priority,
    deadlineAt: body.deadlineAt,
    inputs: body.inputs,
    parentTaskId: body.parentTaskId,
    actionCount: 0,
    constitutionHash: context.constitutionHash,
    digest: more.digest,
  }) as PlanDoc
}
