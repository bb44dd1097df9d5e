import { toId } from '@soma/kernel'
import type * as z from 'zod'
import type { Subscription, subscriptionInputSchema } from '../../contract/subscriptions.ts'
import { type EventFilter, readingsOf, type TopicReadings } from '../log/event-filter.ts'

export type SubscriptionConfig = Omit<z.output<typeof subscriptionInputSchema>, 'name'>

export interface SubscriptionRow {
  readonly id: string
  readonly tenant_id: string
  readonly name: string
  readonly space_id: string
  readonly owner_id: string
  readonly config: SubscriptionConfig
  readonly state: Subscription['state']
  readonly version: number
  readonly created_at: Date
}

/** The group of a subscription in cursors, deliveries and dead letters. */
export const groupOf = (subscriptionId: string): string => `sub:${subscriptionId}`

/** The subscription of such a group. */
export const subscriptionOf = (group: string): string => group.slice('sub:'.length)

/** The name of a group on the wire: the subscription's id, or the module's group as it is. */
export const wireGroup = (group: string): string =>
  group.startsWith('sub:') ? toId('sub', subscriptionOf(group)) : group

export const toSubscription = (row: SubscriptionRow): Subscription => ({
  ...row.config,
  id: toId('sub', row.id),
  name: row.name,
  state: row.state,
  ownerId: row.owner_id,
  createdAt: row.created_at.toISOString(),
  version: row.version,
})

/** What a row reads: topics by alias, and the filter with its space. Names were checked when the row was written. */
export function readsOf(row: Pick<SubscriptionRow, 'config' | 'space_id'>): {
  readings: TopicReadings
  filter: EventFilter
} {
  const found = readingsOf(row.config.topics)
  const filter = Object.fromEntries(Object.entries(row.config.filter).filter(([, value]) => value !== undefined))
  return {
    readings: 'readings' in found ? found.readings : new Map(),
    filter: { ...filter, types: row.config.types, ...(row.space_id === '' ? {} : { spaceId: row.space_id }) },
  }
}
