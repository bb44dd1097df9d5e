import { type Context, commonProblems, holds, type ModuleDatabase, type Transaction, uuidOf } from '@soma/kernel'
import { memoryProblems, type Scope } from '../../contract/index.ts'
import type { ReadPlanAccess } from './plan-access.ts'
import { planKey } from './scope-keys.ts'

/** Transactions as the caller, in which the database itself lets through only the scopes that it may read or write. */
export interface MemoryDatabase {
  /** Entered with the caller's own scopes, and with those of plans that the caller may see. @throws not-found for another plan */
  inScopes<T>(
    context: Context,
    planIds: readonly (string | undefined)[],
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T>
  /** For a write into one scope. @throws forbidden, not-found, memory-scope-closed */
  toWrite<T>(context: Context, scope: Scope, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Asks before a transaction what one in it would refuse. @throws forbidden, not-found, invalid-request */
  assertWritable(context: Context, scope: Scope): Promise<void>
}

const ENTER = 'select memory.enter($1, $2, $3, $4)'
const CLOSED = `select scope_key, reason from memory.closed_scopes where tenant_id = memory.tenant() and scope_key = any ($1)`

export function createMemoryDatabase(options: {
  database: ModuleDatabase
  planAccess: ReadPlanAccess
}): MemoryDatabase {
  const { database, planAccess } = options

  const inScopes: MemoryDatabase['inScopes'] = async (context, planIds, work) => {
    const named = [...new Set(planIds.filter((planId) => planId !== undefined))]
    const plans = await Promise.all(named.map((planId) => planAccess(context, planId)))
    const uuids = (some: typeof plans) => some.map(({ planId }) => uuidOf('plan', planId))
    return database.transaction(context, async (tx) => {
      await tx.query(ENTER, [
        uuids(plans),
        uuids(plans.filter(({ mayWrite }) => mayWrite)),
        holds(context.principal, 'memory:publish'),
        holds(context.principal, 'memory:manage'),
      ])
      return work(tx)
    })
  }

  async function assertWritable(context: Context, scope: Scope): Promise<void> {
    if (scope.type !== 'plan') return assertPublisher(context, scope)
    const { mayWrite } = await planAccess(context, scope.id)
    if (!mayWrite)
      throw commonProblems.forbidden.create(
        `${scope.id} is somebody else's plan: its memory is written by those who work in it`,
      )
  }

  return {
    inScopes,
    assertWritable,
    toWrite: async (context, scope, work) => {
      await assertWritable(context, scope)
      const planIds = scope.type === 'plan' ? [scope.id] : []
      return inScopes(context, planIds, async (tx) => {
        await assertOpen(tx, planIds)
        return work(tx)
      })
    },
  }
}

/** What the whole space or tenant reads is written by those who may publish (MEM-R13). */
function assertPublisher(context: Context, scope: Scope): void {
  if (scope.type === 'space' && context.spaceId === '')
    throw commonProblems.invalidRequest.create('the caller is in no space', {
      errors: [{ pointer: '/body/scope', code: 'no-space', detail: 'use the scope tenant' }],
    })
  if (scope.type === 'user' || holds(context.principal, 'memory:publish')) return
  throw commonProblems.forbidden.create(`writing to the scope ${scope.type} needs the capability "memory:publish"`, {
    capability: 'memory:publish',
  })
}

/** @throws memory-scope-closed when one of the plans has ended */
export async function assertOpen(tx: Transaction, planIds: readonly string[]): Promise<void> {
  if (planIds.length === 0) return
  const [closed] = await tx.query<{ reason: string }>(CLOSED, [planIds.map(planKey)])
  if (closed !== undefined)
    throw memoryProblems.scopeClosed.create(`the plan has ended (${closed.reason}); its memory takes no more writes`)
}
