import type { EventsPorts } from '../ports.ts'
import type { Fence } from '../writer/requests.ts'

/** A dispatcher that died is replaced after this time at most (EVT-R64). */
export const LEASE_MS = 9_000
/** Three renewals fit into a lease, so that two may be late. */
export const RENEW_MS = 2_700

export type Claim =
  | { readonly isOwn: true; readonly fence: Fence }
  /** Another process dispatches it, for `lapseMs` at least. */
  | { readonly isOwn: false; readonly owner: string; readonly lapseMs: number }

/** Which subscriptions this process dispatches: a lease each, so that no two processes hand out the same events. */
export interface Presence {
  claim(subscriptionId: string): Promise<Claim>
  /** Renews; answers those that are this process's no longer. */
  renew(subscriptionIds: readonly string[]): Promise<string[]>
  release(subscriptionIds: readonly string[]): Promise<void>
  /** The process that dispatches it now. */
  ownerOf(subscriptionId: string): Promise<string | undefined>
}

const leaseOf = (subscriptionId: string): string => `dispatch/${subscriptionId}`

export function createPresence({
  busTransaction,
  node,
}: Pick<EventsPorts, 'busTransaction'> & { node: string }): Presence {
  // In the order in which the write path locks them.
  const claimAll = async (subscriptionIds: readonly string[]): Promise<Map<string, number>> => {
    const rows = await busTransaction((session) =>
      session.query<{ id: string; epoch: number }>(
        `select w.id, l.epoch from unnest($1::text[]) as w (id), lateral runtime.claim_lease('dispatch/' || w.id, $2::uuid, $3::float8) as l (epoch)`,
        [subscriptionIds.toSorted(), node, LEASE_MS / 1000],
      ),
    )
    return new Map(rows.map(({ id, epoch }) => [id, epoch]))
  }
  const holderOf = async (subscriptionId: string) => {
    const [row] = await busTransaction((session) =>
      session.query<{ owner: string; lapse_ms: number }>(
        `select owner, (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as lapse_ms
         from runtime.job_leases where name = $1 and owner is not null`,
        [leaseOf(subscriptionId)],
      ),
    )
    return row
  }
  const claim = async (subscriptionId: string): Promise<Claim> => {
    const epoch = (await claimAll([subscriptionId])).get(subscriptionId)
    if (epoch !== undefined) return { isOwn: true, fence: { lease: leaseOf(subscriptionId), owner: node, epoch } }
    const holder = await holderOf(subscriptionId)
    // Released between the two statements.
    if (holder === undefined) return claim(subscriptionId)
    return { isOwn: false, owner: holder.owner, lapseMs: Math.max(0, holder.lapse_ms) }
  }
  return {
    claim,
    renew: async (subscriptionIds) => {
      const held = await claimAll(subscriptionIds)
      return subscriptionIds.filter((id) => !held.has(id))
    },
    release: async (subscriptionIds) => {
      await busTransaction((session) =>
        session.query(`select runtime.release_lease('dispatch/' || w.id, $2::uuid) from unnest($1::text[]) as w (id)`, [
          subscriptionIds,
          node,
        ]),
      )
    },
    ownerOf: async (subscriptionId) => (await holderOf(subscriptionId))?.owner,
  }
}
