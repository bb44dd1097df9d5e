import { type Context, commonProblems, type Json, uuidOf } from '@soma/kernel'
import { type Plan, type ProblemValue, planProblems } from '../../contract/index.ts'
import { isOwn } from '../access.ts'
import { hasPlanEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import type { ChangePlan } from '../transition/change.ts'
import { endPlan, touchPlan } from '../transition/plan-changes.ts'
import type { PlanRow } from '../transition/rows.ts'
import { record, type Transition } from '../transition/transition.ts'
import { replaceCorrelations } from '../transition/write.ts'
import { viewPlan } from '../views.ts'
import { correlationsOf } from './correlations.ts'
import { hasEdge } from './machine.ts'
import { enterState, loadForEnd } from './states.ts'

export interface TransitionBody {
  readonly fromState: string
  readonly toState: string
  readonly on?: string | undefined
  readonly data?: Json | undefined
  readonly eventId?: string | undefined
  readonly state?: Json | undefined
  readonly result?: Json | undefined
  readonly problem?: ProblemValue | undefined
  readonly version?: number | undefined
}

export interface StateBody {
  readonly state: Json
  readonly results?: Record<string, Json> | undefined
  readonly currentState?: string | undefined
  readonly correlationIds?: readonly string[] | undefined
}

export interface FinishBody {
  readonly outcome: 'completed' | 'failed'
  readonly result?: Json | undefined
  readonly problem?: ProblemValue | undefined
  readonly replyType?: string | undefined
  readonly state?: Json | undefined
  readonly version?: number | undefined
}

/** What the planner that owns a plan does with it: transition, finish, put-state. */
export function createPlannerService({ changePlan }: { changePlan: ChangePlan }) {
  return {
    transition: (context: Context, planId: string, body: TransitionBody): Promise<Plan> => {
      for (const [name, value] of Object.entries({ data: body.data, state: body.state, result: body.result }))
        assertStorable(value, `/body/${name}`)
      return changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          if (isRepeated(transition.plan, body)) return viewPlan(transition.plan)
          assertEdge(transition.plan, body)
          storeResults(transition, body)
          await enterState(transition, tx, {
            to: body.toState,
            on: body.on,
            eventId: body.eventId,
            result: body.result,
            problem: body.problem,
          })
          return viewPlan(transition.plan)
        },
      })
    },

    finish: (context: Context, planId: string, body: FinishBody): Promise<Plan> => {
      assertStorable(body.result, '/body/result')
      assertStorable(body.state, '/body/state')
      return changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          const { plan } = transition
          if (plan.status === body.outcome) return viewPlan(plan)
          if (
            hasPlanEnded(plan.status) ||
            plan.status === 'stopping' ||
            plan.status === 'draft' ||
            plan.status === 'paused'
          ) {
            throw commonProblems.conflict.create(
              `the plan is ${plan.status}; it cannot be finished as ${body.outcome}`,
              { planStatus: plan.status },
            )
          }
          storeStateBeside(transition, body)
          const children = await loadForEnd(transition, tx)
          endPlan(transition, endingOf(body), children)
          return viewPlan(plan)
        },
      })
    },

    putState: (context: Context, planId: string, body: StateBody, version: number): Promise<Plan> => {
      assertStorable(body.state, '/body/state')
      assertStorable(body.results, '/body/results')
      return changePlan(context, uuidOf('plan', planId), {
        missing: `no plan ${planId}`,
        allow: (plan) => isOwn(context, plan),
        work: async (transition, tx) => {
          const { plan } = transition
          assertVersion(plan, version)
          assertOpen(plan)
          keepJson(transition, body.state)
          if (body.results !== undefined) {
            plan.results = body.results
            transition.dirty.results = true
          }
          if (body.currentState !== undefined) keepState(plan, body.currentState)
          if (body.correlationIds !== undefined) {
            plan.doc.correlationIds = correlationsOf(plan.doc.goal, body.correlationIds)
            await replaceCorrelations(tx, plan)
          }
          touchPlan(transition)
          const { state, results, currentState, correlationIds } = body
          record(transition, 'plan-state-put', { state, results, currentState, correlationIds })
          return viewPlan(plan)
        },
      })
    },
  }
}

function assertOpen({ status }: PlanRow): void {
  if (!hasPlanEnded(status)) return
  throw commonProblems.conflict.create(`the plan is ${status}; its state is final`, { planStatus: status })
}

function keepState(plan: PlanRow, currentState: string): void {
  if (plan.doc.stateMachine !== undefined)
    throw commonProblems.conflict.create('the plan has a state machine: its state changes by transition alone')
  plan.doc.currentState = currentState
}

function endingOf(body: FinishBody) {
  if (body.outcome === 'completed')
    return { as: 'completed' as const, ...(body.result === undefined ? {} : { outputs: body.result }), ...reply(body) }
  return {
    as: 'failed' as const,
    problem: body.problem ?? { code: 'plan-failed', detail: 'the planner gave up and named no problem' },
    ...reply(body),
  }
}

const reply = (body: FinishBody) => (body.replyType === undefined ? {} : { replyType: body.replyType })

/** The same command again, after it was applied: told from the loser of a race by the event that caused it. */
const isRepeated = (plan: PlanRow, body: TransitionBody): boolean => {
  const last = plan.doc.lastTransition
  return (
    body.eventId !== undefined &&
    last?.eventId === body.eventId &&
    last.from === body.fromState &&
    last.to === body.toState
  )
}

function assertEdge(plan: PlanRow, body: TransitionBody): void {
  if (body.version !== undefined) assertVersion(plan, body.version)
  if (hasPlanEnded(plan.status) || plan.status === 'stopping') throw illegal(plan, `the plan is ${plan.status}`)
  if (plan.status === 'draft' || plan.status === 'paused')
    throw illegal(plan, `the plan is ${plan.status}; ${plan.status === 'draft' ? 'start' : 'resume'} it first`)
  const { stateMachine, currentState } = plan.doc
  if (stateMachine === undefined) throw illegal(plan, 'the plan has no state machine')
  if (currentState !== body.fromState)
    throw illegal(plan, `the plan is in "${currentState}", not in "${body.fromState}"`)
  const state = stateMachine[body.fromState]
  if (state === undefined || !hasEdge(state, body.on, body.toState)) {
    throw illegal(
      plan,
      `"${body.fromState}" has no edge ${body.on === undefined ? 'by default' : `on "${body.on}"`} to "${body.toState}"`,
    )
  }
}

/** The state that a planner sends with what else its handler did. @throws version-conflict */
export function storeStateBeside(
  transition: Transition,
  { state, version }: { state?: Json | undefined; version?: number | undefined },
): void {
  if (version !== undefined) assertVersion(transition.plan, version)
  if (state === undefined) return
  assertOpen(transition.plan)
  keepJson(transition, state)
  touchPlan(transition)
  record(transition, 'plan-state-put', { state })
}

function keepJson(transition: Transition, state: Json): void {
  transition.plan.state = state
  transition.dirty.state = true
}

const illegal = (plan: PlanRow, detail: string) =>
  planProblems.illegalTransition.create(detail, { currentState: plan.doc.currentState, version: plan.version })

function assertVersion(plan: PlanRow, version: number): void {
  if (plan.version !== version)
    throw commonProblems.versionConflict.create(`the plan stands at version ${plan.version}, not ${version}`, {
      version: plan.version,
    })
}

function storeResults(transition: Transition, body: TransitionBody): void {
  const { plan } = transition
  if (body.data !== undefined) {
    plan.results = { ...plan.results, [body.on ?? body.toState]: body.data }
    transition.dirty.results = true
  }
  if (body.state !== undefined) keepJson(transition, body.state)
}
