import { type Context, commonProblems, type Metrics, type ModuleDatabase, type Transaction } from '@soma/kernel'
import { actingFor, isSameScope } from '../access.ts'
import { lockPlan, lockPlanWith, nothing, type PlanPlace } from './read.ts'
import type { PlanRow } from './rows.ts'
import { beginTransition, type Transition } from './transition.ts'
import { writeTransition } from './write.ts'

export interface Change<T, Read = undefined> {
  /** Throws or answers false (not found) when the caller may not do this to that plan. */
  readonly allow: (plan: PlanRow) => boolean
  /** The detail of not found: the id as sent. */
  readonly missing: string
  readonly work: (transition: Transition, tx: Transaction, read: Read) => Promise<T>
}

/** What a change reads beside its plan, under the same lock and sent with it. */
export interface ReadsBeside<Read> {
  readonly beside: (tx: Pick<Transaction, 'query'>) => Promise<Read>
}

/** Runs one change of one plan under its lock and writes it, in the caller's own transaction. Undefined = there is no such plan for this caller. */
export async function changePlanWithin<T>(
  tx: Transaction,
  context: Context,
  options: { planId: string } & Omit<Change<T>, 'missing'>,
): Promise<{ answer: T; plan: PlanRow } | undefined> {
  const locked = await lockPlan(tx, options.planId)
  if (locked === undefined || !options.allow(locked.plan)) return undefined
  const transition = beginTransition(locked.plan, { at: locked.at, byId: context.principal.id })
  const answer = await options.work(transition, tx, undefined)
  if (hasChanged(transition)) await writeTransition(tx, transition)
  return { answer, plan: locked.plan }
}

/**
 * Runs one change of one plan in a transaction of its own. Its facts must carry the plan's user and space, so a caller of another scope (an operator, a job)
 * is noticed under the lock and the change begins again in the plan's scope.
 */
export function createPlanChanger({ database, metrics }: { database: ModuleDatabase; metrics: Metrics }) {
  const within = async <T, Read>(
    context: Context,
    place: PlanPlace,
    change: Change<T, Read> & ReadsBeside<Read>,
  ): Promise<T> => {
    let scope = context
    const startedAtMs = performance.now()
    for (;;) {
      const current = scope
      const outcome = await database.asWorker(
        current,
        async (tx): Promise<{ answer: T; transition: Transition } | { rescope: PlanRow } | undefined> => {
          const locked = await lockPlanWith(tx, place, change.beside)
          if (locked === undefined || !change.allow(locked.plan)) return undefined
          if (!isSameScope(current, locked.plan)) return { rescope: locked.plan }
          const transition = beginTransition(locked.plan, { at: locked.at, byId: context.principal.id })
          const answer = await change.work(transition, tx, locked.read)
          if (hasChanged(transition)) await writeTransition(tx, transition)
          return { answer, transition }
        },
      )
      if (outcome === undefined) throw commonProblems.notFound.create(change.missing)
      if ('answer' in outcome) {
        countTransition(metrics, outcome.transition, performance.now() - startedAtMs)
        return outcome.answer
      }
      scope = actingFor(context, outcome.rescope)
    }
  }
  return {
    changePlan: <T>(context: Context, planId: string, change: Change<T>): Promise<T> =>
      within(context, { planId }, { ...change, beside: nothing }),
    /** The plan of a task, with what is read of the task. */
    changePlanOf: <T, Read>(
      context: Context,
      taskId: string,
      change: Change<T, Read> & ReadsBeside<Read>,
    ): Promise<T> => within(context, { taskId }, change),
  }
}
export type ChangePlan = ReturnType<typeof createPlanChanger>['changePlan']
export type ChangePlanOf = ReturnType<typeof createPlanChanger>['changePlanOf']

/** After the commit: what was done, by kind of journal line, and how long it took with the wait for the plan's lock. */
export function countTransition(metrics: Metrics, transition: Transition, tookMs: number): void {
  if (transition.lines.length === 0) return
  metrics.observe('soma_plans_transition_seconds', tookMs / 1000)
  for (const line of transition.lines) metrics.count('soma_plans_transitions_total', { kind: line.kind })
}

const hasChanged = (transition: Transition): boolean =>
  transition.lines.length > 0 || transition.changedTasks.size > 0 || transition.timers.size > 0 || transition.dirty.doc
