import type { Topic } from '@soma/kernel'
import { matchesType } from '../log/event-filter.ts'
import type { EventsPorts } from '../ports.ts'
import { ofSubscription, readsOf, type SubscriptionRow } from '../subscriptions/config.ts'

/** Who could handle an event now. */
export interface Consumers {
  /** Whether a subscription of the tenant with members, in any process, reads the type. Attribute filters are not looked at. */
  hasLive(tenantId: string, topic: Topic, type: string): Promise<boolean>
}

interface Reading {
  readonly topics: ReadonlySet<Topic>
  readonly types: readonly string[]
}

/** An answer serves this long, so that a busy requester does not ask the database for each request. */
const FRESH_MS = 500

export function createConsumers({ busTransaction }: Pick<EventsPorts, 'busTransaction'>): Consumers {
  const known = new Map<string, { at: number; readings: Promise<Reading[]> }>()

  const load = (tenantId: string): Promise<Reading[]> =>
    busTransaction(async (session) => {
      const rows = await session.query<SubscriptionRow>(
        `select s.* from events.subscriptions s where s.tenant_id = $1 and s.state = 'active' and exists (
           select from runtime.job_leases l where ${ofSubscription('l.name', `'dispatch/' || s.id`)} and l.lease_until > clock_timestamp())`,
        [tenantId],
      )
      return rows.map((row) => ({ topics: new Set(readsOf(row).readings.keys()), types: row.config.types }))
    })
  return {
    hasLive: async (tenantId, topic, type) => {
      const now = performance.now()
      let entry = known.get(tenantId)
      if (entry === undefined || now - entry.at > FRESH_MS) {
        entry = { at: now, readings: load(tenantId) }
        entry.readings.catch(() => known.delete(tenantId))
        known.set(tenantId, entry)
      }
      return (await entry.readings).some(({ topics, types }) => topics.has(topic) && matchesType(types, type))
    },
  }
}
