import { type Context, commonProblems, holds, type Json, type SqlSession, uuidOf } from '@soma/kernel'
import type { Plan } from '../../contract/index.ts'
import { assertControl, mayRead } from '../access.ts'
import { hasPlanEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import { resumeLonePlan } from '../tasks/lone.ts'
import type { ChangePlan } from '../transition/change.ts'
import { emitPlanFact } from '../transition/facts.ts'
import { endPlan, movePlan, runPlan, setStateTimer, settlePlan } from '../transition/plan-changes.ts'
import { readOpenTasks } from '../transition/read.ts'
import { requestTask } from '../transition/replies.ts'
import { takeBack } from '../transition/task-changes.ts'
import type { PlanRow } from '../transition/rows.ts'
import { record, type Transition } from '../transition/transition.ts'
import { viewPlan } from '../views.ts'
import { enterState, loadForEnd } from './states.ts'

export interface Pause {
  readonly reason: string
  readonly mode: 'drain' | 'now'
  readonly resumeBy?: string[] | undefined
}

/** Commands of people and planners on a whole plan: start, pause, resume, cancel. */
export function createPlanControl({ changePlan }: { changePlan: ChangePlan }) {
  const control = (
    context: Context,
    planId: string,
    work: (transition: Transition, tx: SqlSession) => Promise<void>,
  ): Promise<Plan> =>
    changePlan(context, uuidOf('plan', planId), {
      missing: `no plan ${planId}`,
      allow: (plan) => {
        if (!mayRead(context, plan)) return false
        assertControl(context, plan)
        return true
      },
      work: async (transition, tx) => {
        await work(transition, tx)
        return viewPlan(transition.plan)
      },
    })

  return {
    start: (context: Context, planId: string, reason: string | undefined) =>
      control(context, planId, async (transition) => {
        const { plan } = transition
        if (plan.status !== 'draft') {
          if (hasPlanEnded(plan.status)) throw met(plan, 'started')
          return
        }
        movePlan(transition, 'pending')
        record(transition, 'plan-start-asked', { reason })
        if (plan.doc.currentState === undefined) return
        runPlan(transition)
        setStateTimer(transition)
      }),

    pause: (context: Context, planId: string, { reason, mode, resumeBy }: Pause) =>
      control(context, planId, async (transition, tx) => {
        const { plan } = transition
        if (plan.status === 'paused') return
        if (hasPlanEnded(plan.status) || plan.status === 'draft' || plan.status === 'stopping')
          throw met(plan, 'paused')
        plan.doc.paused = {
          ...{ reason, byId: context.principal.id, at: transition.at.toISOString(), from: plan.status },
          ...(resumeBy === undefined ? {} : { resumeBy }),
        }
        movePlan(transition, 'paused')
        transition.dirty.queue = 'paused'
        record(transition, 'plan-paused', { reason, mode, resumeBy })
        emitPlanFact(transition, 'paused', { reason })
        if (mode === 'now') await takeBackRunning(transition, tx)
      }),

    resume: (context: Context, planId: string, body: { reason?: string | undefined; input?: Json | undefined }) => {
      assertStorable(body.input, '/body/input')
      return control(context, planId, async (transition, tx) => {
        const { plan } = transition
        if (plan.status !== 'paused') {
          if (hasPlanEnded(plan.status) || plan.status === 'stopping' || plan.status === 'draft')
            throw met(plan, 'resumed')
          return
        }
        assertMayResume(context, plan)
        await resumePlan(transition, tx, body)
      })
    },

    cancel: (context: Context, planId: string, reason: string) =>
      control(context, planId, async (transition, tx) => {
        const { plan } = transition
        if (plan.status === 'cancelled' || (plan.status === 'stopping' && plan.doc.stopAs === 'cancelled')) return
        if (hasPlanEnded(plan.status) || plan.status === 'stopping') throw met(plan, 'cancelled')
        const children = await loadForEnd(transition, tx)
        record(transition, 'plan-cancel-asked', { reason })
        endPlan(transition, { as: 'cancelled', reason }, children)
      }),
  }
}

/** @throws forbidden for whoever the pause does not name */
function assertMayResume(context: Context, { doc }: PlanRow): void {
  const { resumeBy } = doc.paused ?? {}
  const { principal, userId } = context
  if (resumeBy === undefined || resumeBy.includes(principal.id) || holds(principal, 'plan:control')) return
  if (userId !== undefined && resumeBy.includes(userId)) return
  throw commonProblems.forbidden.create(
    `the plan was paused until ${resumeBy.join(' or ')} resumes it; anybody else needs "plan:control"`,
    { capability: 'plan:control' },
  )
}

async function resumePlan(
  transition: Transition,
  tx: SqlSession,
  body: { reason?: string | undefined; input?: Json | undefined },
): Promise<void> {
  const { plan } = transition
  const from = plan.doc.paused?.from ?? 'running'
  delete plan.doc.paused
  movePlan(transition, from)
  transition.dirty.queue = ''
  record(transition, 'plan-resumed', { reason: body.reason, input: body.input })
  emitPlanFact(transition, 'resumed', body.reason === undefined ? {} : { reason: body.reason })
  settlePlan(transition)
  await resumeLonePlan(transition, tx)
  if (hasPlanEnded(plan.status)) return
  await requestHeldTasks(transition, tx)
  if (body.input === undefined) return
  plan.results = { ...plan.results, userInput: body.input }
  transition.dirty.results = true
  const state = plan.doc.currentState === undefined ? undefined : plan.doc.stateMachine?.[plan.doc.currentState]
  const next = state?.transitions.find((edge) => edge.on === 'user.input')?.to ?? state?.defaultNext
  if (next !== undefined) await enterState(transition, tx, { to: next, on: 'user.input', result: undefined })
}

/** Running tasks are pending again and their holders fenced; a result that was under way as an event still counts. */
async function takeBackRunning(transition: Transition, tx: SqlSession): Promise<void> {
  for (const task of await readOpenTasks(tx, transition.plan.id)) {
    if (task.status !== 'running') continue
    transition.tasks.set(task.id, task)
    takeBack(transition, task, 'paused')
    requestTask(transition, task)
  }
}

/** What was asked for while the plan was paused begins now. */
async function requestHeldTasks(transition: Transition, tx: SqlSession): Promise<void> {
  for (const task of await readOpenTasks(tx, transition.plan.id)) {
    if (task.doc.isHeld !== true) continue
    transition.tasks.set(task.id, task)
    requestTask(transition, task)
  }
}

/** The loser of a race hears which state it met. */
const met = (plan: PlanRow, wanted: string) =>
  commonProblems.conflict.create(`the plan is ${plan.status}; it cannot be ${wanted}`, {
    status: 409,
    planStatus: plan.status,
  })
