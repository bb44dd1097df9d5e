import type { Context, Transaction } from '@soma/kernel'
import type { MemoryDatabase } from '../scopes/memory-database.ts'

export interface UsageLimits {
  readonly maxItemsPerTenant: number
  readonly maxItemsPerUser: number
  readonly workingMaxKeys: number
  readonly workingMaxBytes: number
}

interface UseRow {
  readonly type: 'user' | 'space' | 'tenant'
  readonly kind: 'fact' | 'episode' | 'procedure' | 'working'
  readonly items: number
  readonly bytes: number
}

// Facts, episodes and procedures as they were counted last; working items as they are.
const USE = `select split_part(k.scope, ':', 1) as type, u.kind, u.items, u.bytes
  from unnest(memory.reads()) k(scope) cross join lateral (
    select c.kind, c.items, c.bytes from memory.scope_counts c where c.tenant_id = memory.tenant() and c.scope_key = k.scope
    union all
    select 'working', count(*), coalesce(sum(w.bytes), 0)::int8 from memory.working_items w
      where w.tenant_id = memory.tenant() and w.scope_key = k.scope and (w.expires_at is null or w.expires_at > statement_timestamp())) u`

const NOTHING = { items: 0, bytes: 0 }

/** How much the scopes of a caller hold. */
export function createUsage({ memory, limits }: { memory: MemoryDatabase; limits: UsageLimits }) {
  return (context: Context) =>
    memory.inScopes(context, [], async (tx: Transaction) => {
      const rows = await tx.query<UseRow>(USE)
      const useOf = (type: UseRow['type'], kind: UseRow['kind']) => {
        const row = rows.find((one) => one.type === type && one.kind === kind)
        return row === undefined ? NOTHING : { items: row.items, bytes: row.bytes }
      }
      const types = [...new Set(rows.map(({ type }) => type))].toSorted()
      const { maxItemsPerTenant, maxItemsPerUser, workingMaxKeys, workingMaxBytes } = limits
      return {
        scopes: types.map((type) => ({
          type,
          facts: useOf(type, 'fact'),
          episodes: useOf(type, 'episode'),
          procedures: useOf(type, 'procedure'),
          working: useOf(type, 'working'),
        })),
        limits: { maxItemsPerTenant, maxItemsPerUser, workingMaxKeys, workingMaxBytes },
      }
    })
}
