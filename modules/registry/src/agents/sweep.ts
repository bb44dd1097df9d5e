import type { Clock, Logger, Metrics, ModuleDatabase, Transaction } from '@soma/kernel'
import { announceEnd } from './announce-end.ts'
import { countLeases, deleteExpiredInstances, lockExpiredAgents } from './store.ts'

/** Below this many instances a share says nothing about the network. */
const GUARDED_INSTANCES = 20
/** How long a sweep waits when too many leases ended at once. */
const GUARD_PAUSE_MS = 60_000

export interface SweepDependencies {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly settings: { readonly heartbeatMs: number; readonly massExpiryGuard: number }
}

/**
 * Ends instances whose lease is over: the scheduler's role finds the tenants, then each is swept under its own fence.
 * After a start it waits for one round of heartbeats, so that nobody is ended for the time in which this process could not listen.
 */
export function createSweep(deps: SweepDependencies): () => Promise<void> {
  const { clock, database, metrics } = deps
  const quietUntil = clock.now().getTime() + deps.settings.heartbeatMs * 1.1
  const guard = createMassExpiryGuard(deps)
  return async () => {
    if (clock.now().getTime() < quietUntil) return
    const leases = await database.asScheduler(countLeases)
    const due = leases.filter((tenant) => tenant.expired > 0)
    if (due.length === 0 || guard.stops(leases)) return
    for (const { tenant_id } of due) {
      const ended = await database.asWorker(database.moduleContext(tenant_id), sweepTenant)
      metrics.count('soma_registry_expired_total', {}, ended)
    }
  }
}

async function sweepTenant(tx: Transaction): Promise<number> {
  // Locked first, in a statement of its own: the later statements then see what a registration that went before has written.
  const agents = await lockExpiredAgents(tx)
  const ids = agents.map((agent) => agent.id)
  const instances = await deleteExpiredInstances(tx, ids)
  await announceEnd(tx, { agents, instances, as: 'expired' })
  return instances.length
}

/** When a large share of all leases ends at once the network is suspected: one pause of a minute, then the sweep goes on. */
function createMassExpiryGuard(deps: SweepDependencies) {
  let pausedUntil: number | undefined
  return {
    stops(leases: readonly { total: number; expired: number }[]): boolean {
      const total = leases.reduce((sum, tenant) => sum + tenant.total, 0)
      const expired = leases.reduce((sum, tenant) => sum + tenant.expired, 0)
      const now = deps.clock.now().getTime()
      if (total < GUARDED_INSTANCES || (expired / total) * 100 <= deps.settings.massExpiryGuard) {
        pausedUntil = undefined
        return false
      }
      if (pausedUntil === undefined) {
        pausedUntil = now + GUARD_PAUSE_MS
        deps.log.error('too many leases ended at once, the sweep waits', { total, expired, waitMs: GUARD_PAUSE_MS })
      }
      return now < pausedUntil
    },
  }
}
