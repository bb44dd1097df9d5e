import type { Context, Transaction } from '@soma/kernel'
import { memoryProblems } from '../../contract/index.ts'
import { personKey, personOf } from '../scopes/scope-keys.ts'

export interface ItemLimits {
  readonly maxItemsPerTenant: number
  readonly maxItemsPerUser: number
}

const COUNTS = `select memory.tenant_items() as tenant,
  (select coalesce(sum(items), 0)::int8 from memory.scope_counts where tenant_id = memory.tenant() and scope_key = $1) as own`

/** Counts run behind writes by what the worker has not counted yet. How many items others have is not told. @throws quota-exceeded */
export async function assertItemRoom(
  tx: Transaction,
  context: Context,
  more: number,
  limits: ItemLimits,
): Promise<void> {
  if (more === 0) return
  const [counts] = await tx.query<{ tenant: number; own: number }>(COUNTS, [
    personKey(context.spaceId, personOf(context)),
  ])
  const { tenant, own } = counts as { tenant: number; own: number }
  if (tenant + more > limits.maxItemsPerTenant)
    throw memoryProblems.quotaExceeded.create(`the tenant's limit of ${limits.maxItemsPerTenant} items is reached`)
  if (own + more > limits.maxItemsPerUser)
    throw memoryProblems.quotaExceeded.create(`the user's limit of ${limits.maxItemsPerUser} items is reached`)
}
