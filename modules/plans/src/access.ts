import { type Context, commonProblems, holds } from '@soma/kernel'
import type { PlanRow } from './transition/rows.ts'

type Owned = Pick<PlanRow, 'userId' | 'ownerId' | 'spaceId' | 'visibility'>

/** The same rule as the policy `visible` of `plans.plans`; changes run as the worker role, which that policy does not cover. */
export function mayRead(context: Context, plan: Owned): boolean {
  if (plan.visibility === 'tenant') return true
  if (plan.visibility === 'space' && plan.spaceId === context.spaceId) return true
  return isOwn(context, plan) || (reaches(context, plan) && holds(context.principal, 'plan:read-all'))
}

/**
 * The user's own, in its space: a user's name in another space is somebody else. Or the owner's, unless the owner acts for another user just now: two users of
 * one agent never share a plan.
 */
export function isOwn(context: Context, plan: Owned): boolean {
  if (plan.userId !== undefined && context.userId !== undefined) {
    return plan.userId === context.userId && plan.spaceId === context.spaceId
  }
  return plan.ownerId === context.principal.id && reaches(context, plan)
}

/** Who is bound to a space has rights in that space alone. */
const reaches = (context: Context, plan: Owned): boolean => ['', plan.spaceId].includes(context.spaceId)

/**
 * Who does a task's work acts for the plan's user, or owns the plan. A plan without a user is worked on by every holder of `task:update` in its space:
 * there is no person whose data it could be.
 */
export function mayWork(context: Context, plan: Owned): boolean {
  if (isOwn(context, plan)) return true
  return plan.userId === undefined && plan.spaceId === context.spaceId
}

/** @throws forbidden for somebody else's plan that is readable but not one's own to control. */
export function assertControl(context: Context, plan: Owned): void {
  if (isOwn(context, plan) || (reaches(context, plan) && holds(context.principal, 'plan:control'))) return
  throw commonProblems.forbidden.create(
    'this plan belongs to somebody else: controlling it needs the capability "plan:control"',
    { capability: 'plan:control' },
  )
}

/** The context in which a plan's facts are stamped: the caller as author, the plan's user and space as scope. */
export function actingFor(context: Context, plan: Pick<PlanRow, 'userId' | 'spaceId'>): Context {
  const { userId: _userId, ...rest } = context
  return { ...rest, spaceId: plan.spaceId, ...(plan.userId === undefined ? {} : { userId: plan.userId }) }
}

export const isSameScope = (context: Context, plan: Pick<PlanRow, 'userId' | 'spaceId'>): boolean =>
  plan.userId === context.userId && plan.spaceId === context.spaceId
