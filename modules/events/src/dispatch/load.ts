import { createReadSize, isTopic, type SqlSession, type Topic, toId } from '@soma/kernel'
import { groupOf, readsOf, type SubscriptionRow, subscriptionOf, wireGroup } from '../subscriptions/config.ts'
import { findSubscription } from '../subscriptions/store.ts'
import { type Group, type GroupConfig, type GroupDependencies, nowMs, type Partition } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'
import { createKeyQueues } from './key-queues.ts'
import { memberOf } from './members.ts'
import { promote } from './promoting.ts'
import { createSuspension } from './suspension.ts'

/** How long members of before a restart may take to come back: an embedded restart delivers again within 5 s (EVENTS.md, section 10). */
const RESTART_GRACE_MS = 3000

export interface DeliveryRow {
  readonly topic: string
  readonly part: number
  readonly pos: number
  readonly segment: number
  readonly delivery_id: string
  readonly key: string
  readonly attempt: number
  readonly due_ms: number | null
  readonly member: string | null
  readonly principal_id: string | null
  readonly lease_ms: number | null
  readonly replay_id: string | null
  readonly envelope: string | null
}

interface CursorRow {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly pos: number
  readonly epoch: number
}

/** What a dispatcher begins with. */
export interface Loaded {
  readonly id: string
  readonly subscription: SubscriptionRow
  readonly cursors: readonly CursorRow[]
  readonly deliveries: readonly DeliveryRow[]
  /** Settled positions above the cursors. */
  readonly settled: readonly { topic: string; part: number; pos: number }[]
}

/** Undefined when there is no such subscription, or its member has no place. */
export async function loadGroup(session: SqlSession, id: string): Promise<Loaded | undefined> {
  const subscription = await findSubscription(session, subscriptionOf(id))
  if (subscription === undefined) return undefined
  const group = groupOf(id)
  const cursors = await session.query<CursorRow>(
    'select topic, part, segment, pos, epoch from events.cursor where grp = $1',
    [group],
  )
  if (cursors.length === 0) return undefined
  const deliveries = await deliveryRows(session, id)
  const settled = await session.query<{ topic: string; part: number; pos: number }>(
    `select s.topic, s.part, s.pos from events.settled s join events.cursor c on c.grp = s.grp and c.topic = s.topic and c.part = s.part
     where s.grp = $1 and s.pos > c.pos`,
    [group],
  )
  return { id, subscription, cursors, deliveries, settled }
}

/** Unfinished deliveries of a dispatcher: all, or those among the ids. */
export const deliveryRows = (session: SqlSession, dispatchId: string, ids?: readonly string[]) =>
  session.query<DeliveryRow>(
    `select d.topic, d.part, d.pos, d.segment, d.delivery_id, d.key, d.attempt, d.member, m.principal_id, d.replay_id, d.envelope,
       case when d.due_at = 'infinity' then null else (extract(epoch from d.due_at - clock_timestamp()) * 1000)::float8 end as due_ms,
       (extract(epoch from d.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms
     from events.delivery d left join events.members m on m.subscription_id = $2::uuid and m.member_id = d.member
     where d.grp = $1 ${ids === undefined ? '' : 'and d.delivery_id = any($3::uuid[]) '}order by d.topic, d.part, d.pos`,
    [groupOf(dispatchId), subscriptionOf(dispatchId), ...(ids === undefined ? [] : [ids])],
  )

export function configOf(id: string, row: SubscriptionRow): GroupConfig {
  const { readings, filter } = readsOf(row)
  return {
    ...row.config,
    id,
    name: row.name,
    group: groupOf(id),
    wireGroup: wireGroup(groupOf(id)),
    tenantId: row.tenant_id,
    spaceId: row.space_id,
    ownerId: row.owner_id,
    state: row.state,
    readings,
    reads: filter,
  }
}

/** The dispatcher's memory from its rows. Running leases are honoured: their members may come back for them. */
export function restoreGroup(loaded: Loaded, dependencies: GroupDependencies): Group {
  const partitions = loaded.cursors.flatMap((cursor) =>
    isTopic(cursor.topic) ? [partitionOf(cursor, cursor.topic, loaded)] : [],
  )
  const group: Group = {
    config: configOf(loaded.id, loaded.subscription),
    dependencies,
    queues: createKeyQueues(),
    ready: [],
    leased: new Map(),
    delayed: new Set(),
    rows: new Map(),
    members: new Map(),
    suspension: createSuspension(),
    readSize: createReadSize(),
    pulls: [],
    partitions,
    byTopic: byTopic(partitions),
    inMemory: 0,
    isFilling: false,
    wantsFill: false,
    isDirty: false,
    isClosed: false,
    movedAtMs: 0,
    usedAtMs: 0,
    stopListening: () => {},
    fill: () => {},
    assign: () => {},
    refuse: () => {},
    dependencyFailed: () => false,
    attemptEnded: () => {},
    outdated: () => {},
    sync: () => {},
  }
  group.usedAtMs = nowMs(group)
  const held = loaded.deliveries.map((row) => restoreRow(group, row))
  for (const [index, row] of loaded.deliveries.entries()) restoreState(group, held[index] as HeldEvent, row)
  return group
}

function byTopic(partitions: readonly Partition[]): Map<string, Partition[]> {
  const topics = new Map<string, Partition[]>()
  for (const partition of partitions) {
    const parts = topics.get(partition.topic) ?? []
    parts[partition.part] = partition
    topics.set(partition.topic, parts)
  }
  return topics
}

const partitionOf = (cursor: CursorRow, topic: Topic, { settled }: Loaded): Partition => ({
  topic,
  part: cursor.part,
  segment: cursor.segment,
  position: cursor.pos,
  head: cursor.pos,
  committed: cursor.pos,
  epoch: cursor.epoch,
  finished: new Set(
    settled.filter((place) => place.topic === topic && place.part === cursor.part).map(({ pos }) => pos),
  ),
})

export const replayIdOf = (row: Pick<DeliveryRow, 'replay_id' | 'delivery_id'>): string | undefined =>
  row.replay_id === null ? undefined : toId(row.replay_id === row.delivery_id ? 'dlv' : 'rpl', row.replay_id)

export function restoreRow(group: Group, row: DeliveryRow): HeldEvent {
  const held: HeldEvent = {
    group: group.config.group,
    topic: row.topic,
    part: row.part,
    position: row.pos,
    segment: row.segment,
    tenantId: group.config.tenantId,
    key: row.key,
    orderKey: group.config.ordered ? `${row.topic}\0${row.key}` : placeKey(row.topic, row.part, row.pos),
    deliveryId: row.delivery_id,
    record: undefined,
    state: 'waiting',
    attempt: row.attempt,
    wasReturned: false,
    hasRow: true,
    isSettling: false,
    replayId: replayIdOf(row),
    envelope: row.envelope ?? undefined,
    member: undefined,
    leasedAtMs: 0,
    leaseUntilMs: 0,
    dueAtMs: row.due_ms === null ? 0 : nowMs(group) + row.due_ms,
  }
  group.queues.add(held)
  group.rows.set(placeKey(row.topic, row.part, row.pos), held)
  return held
}

function restoreState(group: Group, held: HeldEvent, row: DeliveryRow): void {
  const now = nowMs(group)
  if (row.member !== null && row.principal_id !== null && row.lease_ms !== null && row.lease_ms > 0) {
    const member = memberOf(group.members, row.member, row.principal_id)
    member.graceUntilMs = now + Math.min(group.config.memberGraceMs, RESTART_GRACE_MS)
    held.state = 'leased'
    held.member = member
    held.leaseUntilMs = now + row.lease_ms
    member.inFlight.set(held.deliveryId, held)
    group.leased.set(held.deliveryId, held)
    group.dependencies.leases.set(held.deliveryId, { group, held })
    return
  }
  if (group.queues.headOf(held.orderKey) !== held) return
  if (row.member === null && row.attempt > 0 && row.due_ms === null) held.state = 'blocked'
  else promote(group, held)
}
