import type { Client, Context } from '@soma/kernel'
import type { Plan, plansContract } from '@soma/plans/contract'

/** What a caller may do in the scope of a plan. */
export interface PlanAccess {
  readonly planId: string
  readonly mayWrite: boolean
}

/** How long an answer of plans counts (MEM-R12). */
const KEPT_MS = 30_000
const MAX_KEPT = 10_000

/**
 * Asks plans, as this caller, whether it may see a plan. Who sees it reads its scope; who is its user or owner, or for a plan without a user anybody of its space who may work,
 * writes it too. @throws not-found as plans does
 */
export function createPlanAccess(plans: Client<typeof plansContract>, now: () => Date) {
  const kept = new Map<string, { until: number; access: PlanAccess }>()

  return async (context: Context, planId: string): Promise<PlanAccess> => {
    const { tenantId, spaceId, principal, userId = '' } = context
    const key = JSON.stringify([
      tenantId,
      spaceId,
      principal.id,
      userId,
      principal.capabilities.includes('plan:read-all'),
      planId,
    ])
    const at = now().getTime()
    const known = kept.get(key)
    if (known !== undefined && known.until > at) return known.access
    const plan = await plans.plans.get(context, { params: { planId } })
    const access = { planId, mayWrite: isOwn(context, plan) }
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(key, { until: at + KEPT_MS, access })
    return access
  }
}

export type ReadPlanAccess = ReturnType<typeof createPlanAccess>

/** As plans decides who works on a plan: its user in its space, its owner unless acting for another, in the plan's space; without a user whoever works in that space. */
function isOwn(context: Context, plan: Plan): boolean {
  if (plan.userId !== undefined && context.userId !== undefined)
    return plan.userId === context.userId && plan.spaceId === context.spaceId
  const isOwner = plan.ownerId === context.principal.id && ['', plan.spaceId].includes(context.spaceId)
  return isOwner || (plan.userId === undefined && plan.spaceId === context.spaceId)
}
