import { type Clock, type Job, type ModuleDatabase, newUuid, type SqlSession } from '@soma/kernel'
import { scheduleVerification } from '../rebuild/store.ts'
import { eraseLatecomers } from './erasure.ts'
import { removeOld, type Retention } from './retention.ts'

const HOURLY = 3_600_000

interface Dependencies {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly settings: Retention & { readonly verifyEveryDays: number }
}

/** One tenant after another, each by its own transaction. */
export function createKeepingJobs({ database, clock, settings }: Dependencies): Job[] {
  const inEachTenant = async (signal: AbortSignal, work: (tx: SqlSession) => Promise<unknown>) => {
    for (const tenantId of await database.asScheduler(listTenants)) {
      if (signal.aborted) return
      await database.asWorker(database.moduleContext(tenantId), work)
    }
  }
  return [
    {
      name: 'keep',
      everyMs: HOURLY,
      run: (signal) =>
        inEachTenant(signal, async (tx) => {
          await eraseLatecomers(tx)
          await removeOld(tx, settings, clock.now())
        }),
    },
    {
      name: 'verify',
      everyMs: HOURLY,
      run: async (signal) => {
        if (settings.verifyEveryDays === 0) return
        await inEachTenant(signal, (tx) => scheduleVerification(tx, newUuid(), settings.verifyEveryDays))
      },
    },
  ]
}

/** Whose rows there are: from one tenant to the next by the key, however many rows each has. Entries may outlive plans, and plans entries. */
async function listTenants(session: SqlSession): Promise<string[]> {
  const found = new Set<string>()
  for (const table of ['timeline', 'plans']) {
    const rows = await session.query<{ id: string }>(
      `with recursive tenants (id) as ((select e.tenant_id from tracker.${table} e order by e.tenant_id limit 1)
         union all select (select e.tenant_id from tracker.${table} e where e.tenant_id > t.id order by e.tenant_id limit 1) from tenants t where t.id is not null)
       select id from tenants where id is not null`,
    )
    for (const { id } of rows) found.add(id)
  }
  return [...found]
}
