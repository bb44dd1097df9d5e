import { parseVersionRange, toId, withoutUndefined } from '@soma/kernel'
import type * as z from 'zod'
import type { pushSchema, Subscription, subscriptionInputSchema } from '../../contract/subscriptions.ts'
import { type EventFilter, readingsOf, type TopicReadings } from '../log/event-filter.ts'

export type Push = z.output<typeof pushSchema>
export type SubscriptionInputConfig = Omit<z.output<typeof subscriptionInputSchema>, 'name'>
export type SubscriptionConfig = Omit<SubscriptionInputConfig, 'push'> & { readonly push?: Push | undefined }

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

const UUID_LENGTH = 36

/**
 * What one dispatcher dispatches: a subscription by its uuid, or one member's place in a broadcast subscription: `<subscription>/<member>`. Each has cursors, deliveries and a lease of
 * its own.
 */
export const dispatchIdOf = (subscriptionId: string, memberId: string): string =>
  `${subscriptionId}/${memberId.toLowerCase()}`

/** The subscription of a dispatcher. */
export const subscriptionOf = (dispatchId: string): string => dispatchId.slice(0, UUID_LENGTH)

/** The group of a dispatcher in cursors, deliveries and dead letters. */
export const groupOf = (dispatchId: string): string => `sub:${dispatchId}`

/** The dispatcher of such a group. */
export const dispatchOf = (group: string): string => group.slice('sub:'.length)

/** The name of a group on the wire: the subscription's id, or the module's group as it is. */
export const wireGroup = (group: string): string =>
  group.startsWith('sub:') ? toId('sub', subscriptionOf(dispatchOf(group))) : group

/** The member behind it where the group is one member's place in a broadcast. */
export const wirePlace = (group: string): string =>
  group.startsWith('sub:') ? `${wireGroup(group)}${dispatchOf(group).slice(UUID_LENGTH)}` : group

/** SQL: `column`, of collation "C", is the group of a subscription (`name`) or of one of its members. */
export const ofSubscription = (column: string, name: string): string =>
  `(${column} = ${name} or (${column} > ${name} || '/' and ${column} < ${name} || '0'))`

export const toSubscription = (row: SubscriptionRow): Subscription => ({
  ...row.config,
  versions: row.config.versions ?? {},
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
  const filter = withoutUndefined(row.config.filter)
  return {
    readings: 'readings' in found ? found.readings : new Map(),
    filter: {
      ...filter,
      types: row.config.types,
      versions: new Map(
        Object.entries(row.config.versions ?? {}).map(([type, range]) => [type, parseVersionRange(range)]),
      ),
      ...(row.space_id === '' ? {} : { spaceId: row.space_id }),
    },
  }
}
