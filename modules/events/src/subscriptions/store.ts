import type { SqlSession } from '@soma/kernel'
import { ofSubscription, type SubscriptionRow, subscriptionOf } from './config.ts'

const COLUMNS = 'id, tenant_id, name, space_id, owner_id, config, state, version, created_at'

/** Answers nothing when the name is taken. */
export async function insertSubscription(
  session: SqlSession,
  row: SubscriptionRow,
): Promise<SubscriptionRow | undefined> {
  const rows = await session.query<SubscriptionRow>(
    `insert into events.subscriptions (tenant_id, id, name, space_id, owner_id, config) values ($1, $2, $3, $4, $5, $6::jsonb)
     on conflict do nothing returning ${COLUMNS}`,
    [row.tenant_id, row.id, row.name, row.space_id, row.owner_id, JSON.stringify(row.config)],
  )
  return rows[0]
}

export async function findSubscription(session: SqlSession, id: string): Promise<SubscriptionRow | undefined> {
  return (await session.query<SubscriptionRow>(`select ${COLUMNS} from events.subscriptions where id = $1`, [id]))[0]
}

export async function findByName(session: SqlSession, name: string): Promise<SubscriptionRow | undefined> {
  return (
    await session.query<SubscriptionRow>(`select ${COLUMNS} from events.subscriptions where name = $1`, [name])
  )[0]
}

/** Of the whole tenant, whatever space the caller is bound to. Nobody makes another one before this transaction ends. */
export async function countSubscriptions(session: SqlSession): Promise<number> {
  const [scope] = await session.query<{ space: string }>(
    `select coalesce(current_setting('soma.space_id', true), '') as space, set_config('soma.space_id', '', true),
       pg_advisory_xact_lock(hashtextextended(current_setting('soma.tenant_id') || '/events/subscriptions', 0))`,
  )
  const [row] = await session.query<{ total: number }>('select count(*)::int4 as total from events.subscriptions')
  await session.query(`select set_config('soma.space_id', $1, true)`, [scope?.space ?? ''])
  return row?.total ?? 0
}

/** Newest first. `ownerId` null = everybody's. */
export function listSubscriptions(
  session: SqlSession,
  wanted: { ownerId: string | null; name: string | null; before: string | null; limit: number },
): Promise<SubscriptionRow[]> {
  return session.query<SubscriptionRow>(
    `select ${COLUMNS} from events.subscriptions
     where ($1::text is null or owner_id = $1) and ($2::text is null or name = $2) and ($3::uuid is null or id < $3::uuid)
     order by id desc limit $4::int4`,
    [wanted.ownerId, wanted.name, wanted.before, wanted.limit],
  )
}

/** Answers nothing when the version is another. */
export async function updateSubscription(
  session: SqlSession,
  id: string,
  change: { config: SubscriptionRow['config']; state: SubscriptionRow['state']; version: number },
): Promise<SubscriptionRow | undefined> {
  const rows = await session.query<SubscriptionRow>(
    `update events.subscriptions set config = $2::jsonb, state = $3, version = version + 1 where id = $1 and version = $4 returning ${COLUMNS}`,
    [id, JSON.stringify(change.config), change.state, change.version],
  )
  return rows[0]
}

/** Answers nothing when it is in another state. */
export async function changeState(
  session: SqlSession,
  id: string,
  { from, to }: Readonly<Record<'from' | 'to', SubscriptionRow['state']>>,
): Promise<SubscriptionRow | undefined> {
  const rows = await session.query<SubscriptionRow>(
    `update events.subscriptions set state = $3, version = version + 1 where id = $1 and state = $2 returning ${COLUMNS}`,
    [id, from, to],
  )
  return rows[0]
}

export async function deleteSubscription(session: SqlSession, id: string, version: number): Promise<boolean> {
  return (await session.execute('delete from events.subscriptions where id = $1 and version = $2', [id, version])) > 0
}

/** Everything that a group and the members of a broadcast have but their dead letters. */
export async function deleteGroup(session: SqlSession, group: string): Promise<void> {
  for (const table of ['cursor', 'delivery', 'settled', 'gap'])
    await session.execute(`delete from events.${table} where ${ofSubscription('grp', '$1')}`, [group])
}

export async function deleteMembers(session: SqlSession, subscriptionId: string): Promise<void> {
  await session.execute('delete from events.members where subscription_id = $1', [subscriptionId])
}

/** The group of a subscription, or those of the members of a broadcast. */
export async function listGroups(session: SqlSession, group: string): Promise<string[]> {
  const rows = await session.query<{ grp: string }>(
    `select distinct grp from events.cursor where ${ofSubscription('grp', '$1')} order by grp`,
    [group],
  )
  return rows.map(({ grp }) => grp)
}

/** Members of broadcasts that have a place. */
export async function countPlaces(session: SqlSession): Promise<number> {
  const [row] = await session.query<{ total: number }>(
    `select count(distinct grp)::int4 as total from events.cursor where grp like 'sub:%/%'`,
  )
  return row?.total ?? 0
}

/** Places of broadcast members, of all tenants, whose member was not seen for a day and that nobody dispatches. */
export async function listForgotten(session: SqlSession): Promise<string[]> {
  const rows = await session.query<{ grp: string }>(
    `select distinct c.grp from events.cursor c where c.grp like 'sub:%/%'
       and not exists (select from events.members m
         where m.subscription_id || '/' || m.member_id = substr(c.grp, 5) and m.seen_at > clock_timestamp() - interval '1 day')
       and not exists (select from runtime.job_leases l where l.name = 'dispatch/' || substr(c.grp, 5) and l.lease_until > clock_timestamp())`,
  )
  return rows.map(({ grp }) => grp)
}

/** Takes out the subscriptions of all tenants that nobody dispatches and whose idle time is over. */
export function deleteIdleSubscriptions(session: SqlSession): Promise<SubscriptionRow[]> {
  return session.query<SubscriptionRow>(
    `delete from events.subscriptions s where (s.config ->> 'idleTtlMs')::int8 > 0
       and s.last_member_at < clock_timestamp() - (s.config ->> 'idleTtlMs')::int8 * interval '1 millisecond'
       and not exists (select from runtime.job_leases l
         where ${ofSubscription('l.name', `'dispatch/' || s.id`)} and l.lease_until > clock_timestamp())
     returning ${COLUMNS}`,
  )
}

/** Members of what this process dispatches are or were there until now. */
export async function touchDispatched(session: SqlSession, dispatchIds: readonly string[]): Promise<void> {
  await session.execute(
    'update events.subscriptions set last_member_at = clock_timestamp() where id = any($1::uuid[])',
    [dispatchIds.map(subscriptionOf)],
  )
  await session.execute(
    `update events.members m set seen_at = clock_timestamp() from unnest($1::text[]) as w (id)
      where w.id = m.subscription_id || '/' || m.member_id`,
    [dispatchIds],
  )
}

export interface StartPlace {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly position: number
}

/** Sets where a group begins; a cursor that is there stays. */
export async function insertCursors(
  session: SqlSession,
  group: { name: string; tenantId: string },
  places: readonly StartPlace[],
): Promise<void> {
  await session.execute(
    `insert into events.cursor (grp, topic, part, tenant_id, segment, pos)
     select $1, w.topic, w.part, $2, w.segment, w.pos from unnest($3::text[], $4::int2[], $5::int4[], $6::int8[]) as w (topic, part, segment, pos)
     on conflict (grp, topic, part) do nothing`,
    [
      group.name,
      group.tenantId,
      places.map(({ topic }) => topic),
      places.map(({ part }) => part),
      places.map(({ segment }) => segment),
      places.map(({ position }) => position),
    ],
  )
}

/** Moves a group, whatever is in hand. The epochs rise: a dispatcher that read the old places writes none any more. */
export async function seekCursors(session: SqlSession, group: string, places: readonly StartPlace[]): Promise<void> {
  await session.execute(
    `update events.cursor c set segment = w.segment, pos = w.pos, epoch = c.epoch + 1
     from unnest($2::text[], $3::int2[], $4::int4[], $5::int8[]) as w (topic, part, segment, pos)
     where c.grp = $1 and c.topic = w.topic and c.part = w.part`,
    [
      group,
      places.map(({ topic }) => topic),
      places.map(({ part }) => part),
      places.map(({ segment }) => segment),
      places.map(({ position }) => position),
    ],
  )
  await session.execute('delete from events.delivery where grp = $1 and replay_id is null', [group])
  await session.execute(
    `delete from events.settled s using events.cursor c
     where s.grp = $1 and c.grp = s.grp and c.topic = s.topic and c.part = s.part and s.pos > c.pos`,
    [group],
  )
}

export async function deleteCursorsExcept(
  session: SqlSession,
  group: string,
  topics: readonly string[],
): Promise<void> {
  await session.execute('delete from events.cursor where grp = $1 and topic <> all($2::text[])', [group, topics])
}
