import type { Json, SqlSession } from '@soma/kernel'
import type { ProblemValue } from '../../contract/index.ts'
import { emitPlanFact } from '../transition/facts.ts'
import { endPlan, runPlan, setStateTimer, touchPlan } from '../transition/plan-changes.ts'
import { readGroups, readOpenChildren, readOpenTasks } from '../transition/read.ts'
import { record, type Transition } from '../transition/transition.ts'
import { endingOf } from './machine.ts'

export interface Entering {
  readonly to: string
  readonly on: string | undefined
  readonly eventId?: string | undefined
  /** For a terminal state. */
  readonly result: Json | undefined
  readonly problem?: ProblemValue | undefined
}

/** Takes an edge of the plan's state machine: journal, fact, the new state's timer; a terminal state ends the plan. The caller has checked the edge. */
export async function enterState(transition: Transition, tx: SqlSession, entering: Entering): Promise<void> {
  const { plan } = transition
  const from = plan.doc.currentState ?? ''
  runPlan(transition)
  plan.doc.currentState = entering.to
  plan.doc.actionCount += 1
  plan.doc.lastTransition = {
    from,
    to: entering.to,
    ...(entering.eventId === undefined ? {} : { eventId: entering.eventId }),
  }
  touchPlan(transition)
  record(transition, 'plan-state-changed', { from, to: entering.to, on: entering.on, eventId: entering.eventId })
  emitPlanFact(transition, 'stateChanged', {
    fromState: from,
    toState: entering.to,
    ...(entering.on === undefined ? {} : { on: entering.on }),
  })
  const state = plan.doc.stateMachine?.[entering.to]
  setStateTimer(transition)
  const ending = state === undefined ? undefined : endingOf(state)
  if (ending === undefined) return
  const children = await loadForEnd(transition, tx)
  if (ending === 'completed')
    endPlan(
      transition,
      { as: 'completed', ...(entering.result === undefined ? {} : { outputs: entering.result }) },
      children,
    )
  else
    endPlan(
      transition,
      {
        as: 'failed',
        problem: entering.problem ?? {
          code: 'plan-failed',
          detail: `the plan entered the failed state "${entering.to}"`,
        },
      },
      children,
    )
}

/** Loads what the end of a plan touches: open tasks, their groups, open child plans (answered). */
export async function loadForEnd(transition: Transition, tx: SqlSession): Promise<string[]> {
  const open = (await readOpenTasks(tx, transition.plan.id)).filter((task) => !transition.tasks.has(task.id))
  for (const task of open) transition.tasks.set(task.id, task)
  const groupIds = [...new Set([...transition.tasks.values()].flatMap((task) => task.groupId ?? []))].filter(
    (id) => !transition.groups.has(id),
  )
  for (const group of await readGroups(tx, groupIds)) transition.groups.set(group.id, group)
  return readOpenChildren(tx, transition.plan.id)
}
