import type { ModuleDatabase, Transaction } from '@soma/kernel'
import { planKey } from './scope-keys.ts'

/** A write that had begun before the end may land after the first clearing, so what is there is cleared once more. */
const SECOND_LOOK_MS = 3000

const CLOSE = `insert into memory.closed_scopes (tenant_id, scope_key, reason, purge_at)
  values (memory.tenant(), $1, $2, statement_timestamp() + $3::float8 * interval '1 millisecond')
  on conflict (tenant_id, scope_key) do update set reason = excluded.reason, purge_at = excluded.purge_at`
const CLEAR = 'delete from memory.working_items where tenant_id = memory.tenant() and scope_key = $1'

/** The plan has ended for good: its working items go, and it takes no more writes. */
export async function closePlan(tx: Transaction, planId: string, reason: string): Promise<void> {
  await tx.execute(CLOSE, [planKey(planId), reason, SECOND_LOOK_MS])
  await tx.execute(CLEAR, [planKey(planId)])
}

/** The plan has failed: its working items stay readable for a while. */
export const closeFailedPlan = (tx: Transaction, planId: string, keepMs: number): Promise<number> =>
  tx.execute(CLOSE, [planKey(planId), 'failed', Math.max(keepMs, SECOND_LOOK_MS)])

export const reopenPlan = (tx: Transaction, planId: string): Promise<number> =>
  tx.execute('delete from memory.closed_scopes where tenant_id = memory.tenant() and scope_key = $1', [planKey(planId)])

const DUE = `select distinct tenant_id from (
  (select tenant_id from memory.working_items where expires_at <= statement_timestamp() limit 10000)
  union all (select tenant_id from memory.applied_changes where at < statement_timestamp() - interval '1 day' limit 10000)
  union all (select tenant_id from memory.closed_scopes where purge_at <= statement_timestamp() limit 10000)) due limit 1000`

const EXPIRED = `delete from memory.working_items where (tenant_id, scope_key, key) in (
  select tenant_id, scope_key, key from memory.working_items where tenant_id = memory.tenant() and expires_at <= statement_timestamp() limit 1000 for update skip locked)`
/** As long as answers to an Idempotency-Key are kept. */
const FORGOTTEN = `delete from memory.applied_changes where (tenant_id, scope_key, key, request) in (
  select tenant_id, scope_key, key, request from memory.applied_changes where tenant_id = memory.tenant() and at < statement_timestamp() - interval '1 day' limit 1000)`
const PURGED = `update memory.closed_scopes set purge_at = null where (tenant_id, scope_key) in (
  select tenant_id, scope_key from memory.closed_scopes where tenant_id = memory.tenant() and purge_at <= statement_timestamp() limit 100 for update skip locked) returning scope_key`

/** Removes what has expired and what ended plans left. Reads do not wait for it: nothing that expired is answered. */
export function createSweep({ database }: { database: ModuleDatabase }) {
  return async (signal: AbortSignal): Promise<void> => {
    const due = await database.asScheduler((session) => session.query<{ tenant_id: string }>(DUE))
    for (const { tenant_id } of due) {
      if (signal.aborted) return
      await database.asWorker(database.moduleContext(tenant_id), async (tx) => {
        await tx.execute(EXPIRED)
        await tx.execute(FORGOTTEN)
        const purged = await tx.query<{ scope_key: string }>(PURGED)
        for (const { scope_key } of purged) await tx.execute(CLEAR, [scope_key])
      })
    }
  }
}
