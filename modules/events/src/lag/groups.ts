import type { PartitionState, SqlSession } from '@soma/kernel'
import type { SubscriptionConfig } from '../subscriptions/config.ts'

/** How far a group is behind on one topic. */
export interface GroupTopicRow {
  readonly grp: string
  readonly topic: string
  /** Null for a module's group. */
  readonly tenant_id: string | null
  readonly lag: number
  readonly parked: number
  /** When the oldest event that is in hand, retrying or parked was recorded. */
  readonly unfinished: Date | null
  /** When the next event behind the cursors was recorded; of a subscription the next of its tenant, which it may not want. */
  readonly ahead: Date | null
  readonly positions: readonly number[]
  /** Null for a module's group, like what follows. */
  readonly config: SubscriptionConfig | null
  readonly space_id: string | null
  readonly version: number | null
}

/**
 * All groups, without counting events: head minus cursor, and one look-up by index for each partition that has something unsettled. What a replay hands out again is no lag, and what is
 * dead and blocks its key is settled.
 */
export function listGroups(session: SqlSession, heads: readonly PartitionState[]): Promise<GroupTopicRow[]> {
  return session.query<GroupTopicRow>(
    `select c.grp, c.topic, c.tenant_id, sum(greatest(h.head - c.pos, 0))::int8 as lag, coalesce(sum(d.parked), 0)::int8 as parked,
       min(unfinished.recorded_at) as unfinished, min(ahead.recorded_at) as ahead, array_agg(c.pos order by c.part) as positions,
       s.config, s.space_id, s.version
     from events.cursor c
     join unnest($1::text[], $2::int2[], $3::int8[]) as h (topic, part, head) on h.topic = c.topic and h.part = c.part
     left join events.subscriptions s on s.id::text = substr(c.grp, 5, 36) and c.tenant_id is not null
     left join lateral (
       select count(*) filter (where d.member is null and d.attempt = 0) as parked, min(d.segment) as segment, min(d.pos) as pos from events.delivery d
        where d.grp = c.grp and d.topic = c.topic and d.part = c.part and d.replay_id is null
          and not (d.member is null and d.attempt > 0 and d.due_at = 'infinity')) d on true
     left join lateral (
       select l.recorded_at from events.log l where l.topic = c.topic and l.part = c.part and l.segment = d.segment and l.pos = d.pos) unfinished on true
     left join lateral (
       (select l.recorded_at from events.log l where c.tenant_id is null and h.head > c.pos
          and l.topic = c.topic and l.part = c.part and l.segment >= c.segment and l.pos > c.pos order by l.segment, l.pos limit 1)
       union all
       (select l.recorded_at from events.log l where h.head > c.pos
          and l.tenant_id = c.tenant_id and l.topic = c.topic and l.part = c.part and l.pos > c.pos order by l.pos limit 1)) ahead on true
     where c.tenant_id is null or s.id is not null
     group by c.grp, c.topic, c.tenant_id, s.id`,
    [heads.map(({ topic }) => topic), heads.map(({ part }) => part), heads.map(({ position }) => position)],
  )
}

/** Open dead letters of each group that has any. */
export function countOpenDeadLetters(session: SqlSession): Promise<{ grp: string; total: number }[]> {
  return session.query(`select grp, count(*)::int4 as total from events.dead_letter where state = 'open' group by grp`)
}

interface Place {
  readonly grp: string
  readonly topic: string
}

/** Remembers which groups lag; answers those that did not before, and those that did and do no longer. */
export async function saveLagging(
  session: SqlSession,
  lagging: readonly (Place & { readonly tenant_id: string | null })[],
): Promise<{ raised: Place[]; recovered: Place[] }> {
  const names = [lagging.map(({ grp }) => grp), lagging.map(({ topic }) => topic)]
  const raised = await session.query<Place>(
    `insert into events.lagging (grp, topic, tenant_id) select * from unnest($1::text[], $2::text[], $3::text[])
     on conflict do nothing returning grp, topic`,
    [...names, lagging.map(({ tenant_id }) => tenant_id)],
  )
  const recovered = await session.query<Place>(
    `delete from events.lagging l
      where not exists (select from unnest($1::text[], $2::text[]) as w (grp, topic) where w.grp = l.grp and w.topic = l.topic)
     returning grp, topic`,
    names,
  )
  return { raised, recovered }
}
