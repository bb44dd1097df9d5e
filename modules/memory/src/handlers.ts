import { principalErased, tenantDeleting } from '@soma/identity/contract'
import { type EventHandler, on } from '@soma/kernel'
import { planEvents } from '@soma/plans/contract'
import { memoryWritten } from '../contract/index.ts'
import { erasePrincipal } from './forgetting/erase.ts'
import { deleteTenant } from './forgetting/store.ts'
import { uuidOfItem } from './items/item-ids.ts'
import { countItem } from './lexicon/count.ts'
import { closeFailedPlan, closePlan, reopenPlan } from './scopes/plan-ends.ts'
import { encoded } from './scopes/scope-keys.ts'

/** Facts of other modules that end something here, and the module's own, from which it counts words. */
export const handlersOf = (settings: { readonly workingKeepFailedMs: number }): EventHandler[] => [
  on(memoryWritten, ({ tx, data }) =>
    data.outcome === 'touched' ? Promise.resolve() : countItem(tx, uuidOfItem(data.itemId)),
  ),
  on(planEvents.completed, ({ tx, data }) => closePlan(tx, data.planId, 'completed')),
  on(planEvents.cancelled, ({ tx, data }) => closePlan(tx, data.planId, 'cancelled')),
  on(planEvents.failed, async ({ tx, data }) => {
    await closeFailedPlan(tx, data.planId, settings.workingKeepFailedMs)
  }),
  on(planEvents.resumed, async ({ tx, data }) => {
    await reopenPlan(tx, data.planId)
  }),
  on(principalErased, ({ tx, data }) => erasePrincipal(tx, encoded(data.principalId))),
  on(tenantDeleting, async ({ tx, data, event }) => {
    if (data.tenantId === event.tenantid) await deleteTenant(tx)
  }),
]
