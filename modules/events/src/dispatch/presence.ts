import { newUuid } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'

/** A dispatcher that died is replaced after this time at most (EVT-R64). */
const LEASE_SECONDS = 10
/** Three renewals fit into a lease, so that two may be late. */
export const RENEW_MS = 3000

/** Which subscriptions this process dispatches: a lease each, so that no two processes hand out the same events. */
export interface Presence {
  /** False when another process dispatches it. */
  claim(subscriptionId: string): Promise<boolean>
  /** Renews; answers those that are this process's no longer. */
  renew(subscriptionIds: readonly string[]): Promise<string[]>
  release(subscriptionIds: readonly string[]): Promise<void>
}

export function createPresence({ busTransaction }: Pick<EventsPorts, 'busTransaction'>): Presence {
  const node = newUuid()
  const claimAll = async (subscriptionIds: readonly string[]): Promise<Set<string>> => {
    const rows = await busTransaction((session) =>
      session.query<{ id: string }>(
        `select w.id from unnest($1::uuid[]) as w (id), lateral runtime.claim_lease('dispatch/' || w.id, $2::uuid, $3::float8) as epoch`,
        [subscriptionIds, node, LEASE_SECONDS],
      ),
    )
    return new Set(rows.map(({ id }) => id))
  }
  return {
    claim: async (subscriptionId) => (await claimAll([subscriptionId])).has(subscriptionId),
    renew: async (subscriptionIds) => {
      const held = await claimAll(subscriptionIds)
      return subscriptionIds.filter((id) => !held.has(id))
    },
    release: async (subscriptionIds) => {
      await busTransaction((session) =>
        session.query(`select runtime.release_lease('dispatch/' || w.id, $2::uuid) from unnest($1::uuid[]) as w (id)`, [
          subscriptionIds,
          node,
        ]),
      )
    },
  }
}
