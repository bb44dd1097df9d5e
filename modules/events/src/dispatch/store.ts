import type { SqlSession } from '@soma/kernel'
import { ofSubscription } from '../subscriptions/config.ts'

/** False when the member id is another principal's. */
export async function rememberMember(
  session: SqlSession,
  member: { tenantId: string; subscriptionId: string; memberId: string; principalId: string },
): Promise<boolean> {
  const [row] = await session.query<{ principal_id: string }>(
    `insert into events.members as m (tenant_id, subscription_id, member_id, principal_id) values ($1, $2, $3, $4)
     on conflict (subscription_id, member_id) do update set seen_at = clock_timestamp() returning m.principal_id`,
    [member.tenantId, member.subscriptionId, member.memberId, member.principalId],
  )
  await session.execute('update events.subscriptions set last_member_at = clock_timestamp() where id = $1', [
    member.subscriptionId,
  ])
  return row?.principal_id === member.principalId
}

/** Deliveries that were acknowledged by just these leases: a repeated settle is told the same again. */
export async function findSettled(
  session: SqlSession,
  leases: readonly { deliveryId: string; memberId: string; attempt: number }[],
): Promise<Set<string>> {
  const rows = await session.query<{ delivery_id: string }>(
    `select s.delivery_id from events.settled s join unnest($1::uuid[], $2::uuid[], $3::int2[]) as w (delivery_id, member, attempt)
       on w.delivery_id = s.delivery_id and w.member = s.member and w.attempt = s.attempt`,
    [
      leases.map(({ deliveryId }) => deliveryId),
      leases.map(({ memberId }) => memberId),
      leases.map(({ attempt }) => attempt),
    ],
  )
  return new Set(rows.map(({ delivery_id }) => delivery_id))
}

/** Which of the ids the session's tenant has, unfinished, settled or dead. */
export async function knownDeliveries(session: SqlSession, ids: readonly string[]): Promise<Set<string>> {
  const rows = await session.query<{ delivery_id: string }>(
    `select delivery_id from events.delivery where delivery_id = any($1::uuid[])
     union select delivery_id from events.settled where delivery_id = any($1::uuid[])
     union select delivery_id from events.dead_letter where delivery_id = any($1::uuid[])`,
    [ids],
  )
  return new Set(rows.map(({ delivery_id }) => delivery_id))
}

/** Whether all cursors of a group are where its dispatcher left them. */
export async function hasEpochs(
  session: SqlSession,
  group: string,
  cursors: readonly { readonly topic: string; readonly part: number; readonly epoch: number }[],
): Promise<boolean> {
  const [row] = await session.query<{ moved: number }>(
    `select count(*)::int4 as moved from unnest($2::text[], $3::int2[], $4::int8[]) as w (topic, part, epoch)
     join events.cursor c on c.grp = $1 and c.topic = w.topic and c.part = w.part and c.epoch <> w.epoch`,
    [group, cursors.map(({ topic }) => topic), cursors.map(({ part }) => part), cursors.map(({ epoch }) => epoch)],
  )
  return row?.moved === 0
}

export interface LeasedRow {
  readonly delivery_id: string
  readonly member: string
  readonly attempt: number
}

export const leasedTo = (session: SqlSession, group: string, memberIds: readonly string[]): Promise<LeasedRow[]> =>
  session.query<LeasedRow>(
    `select delivery_id, member, attempt from events.delivery
     where grp = $1 and member = any($2::uuid[]) and lease_until > clock_timestamp()`,
    [group, memberIds],
  )

/** Replayed deliveries that wait to be handed out for longer than their dispatcher needs to hear of them. */
export const replayedRows = (session: SqlSession, groups: readonly string[]) =>
  session.query<{ grp: string; delivery_id: string }>(
    `select grp, delivery_id from events.delivery
     where grp = any($1::text[]) and replay_id is not null and member is null and attempt = 0
       and due_at < clock_timestamp() - interval '3 seconds'`,
    [groups],
  )

export async function groupOfDelivery(session: SqlSession, deliveryId: string): Promise<string | undefined> {
  const [row] = await session.query<{ grp: string }>('select grp from events.delivery where delivery_id = $1', [
    deliveryId,
  ])
  return row?.grp
}

export interface DeliveryListRow {
  readonly delivery_id: string
  readonly topic: string
  readonly part: number
  readonly pos: number
  readonly key: string
  readonly attempt: number
  readonly member: string | null
  readonly lease_until: Date | null
  readonly due_at: string
  readonly state: 'leased' | 'retrying' | 'parked'
}

/** Unfinished deliveries of a subscription in log order. */
export function listDeliveries(
  session: SqlSession,
  wanted: {
    group: string
    state: string | null
    key: string | null
    after: readonly [string, number, number, string] | null
    limit: number
  },
): Promise<DeliveryListRow[]> {
  return session.query<DeliveryListRow>(
    `select * from (
       select delivery_id, topic, part, pos, key, attempt, member, lease_until,
         case when due_at = 'infinity' then '9999-12-31T23:59:59.999Z' else to_char(due_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end as due_at,
         case when member is not null then 'leased' when due_at = 'infinity' then 'parked' else 'retrying' end as state
       from events.delivery where ${ofSubscription('grp', '$1')}) d
     where ($2::text is null or state = $2) and ($3::text is null or key = $3)
       and ($4::text is null or (topic, part, pos, delivery_id) > ($4, $5::int2, $6::int8, $7::uuid))
     order by topic, part, pos, delivery_id limit $8::int4`,
    [
      wanted.group,
      wanted.state,
      wanted.key,
      wanted.after?.[0] ?? null,
      wanted.after?.[1] ?? null,
      wanted.after?.[2] ?? null,
      wanted.after?.[3] ?? null,
      wanted.limit,
    ],
  )
}
