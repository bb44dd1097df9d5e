import type { SqlSession } from '@soma/kernel'
import { ofSubscription } from '../subscriptions/config.ts'

export interface LagRow {
  readonly subscription_id: string
  readonly name: string
  readonly member_id: string | null
  readonly topic: string
  readonly part: number
  readonly pos: number
  readonly in_flight: number
  readonly retrying: number
  readonly parked: number
  readonly dead: number
  /** When the oldest event that is not settled was recorded. */
  readonly oldest: Date | null
  /** As measured last. */
  readonly is_lagging: boolean
}

/** Per subscription and partition of the session's tenant. The next event of the tenant after the cursor tells the age: one look-up by index. */
export function readLag(
  session: SqlSession,
  wanted: { subscriptionId: string | null; topic: string | null },
): Promise<LagRow[]> {
  return session.query<LagRow>(
    `select s.id as subscription_id, s.name, nullif(substr(c.grp, 42), '') as member_id, c.topic, c.part, c.pos,
       coalesce(d.in_flight, 0)::int4 as in_flight, coalesce(d.retrying, 0)::int4 as retrying, coalesce(d.parked, 0)::int4 as parked,
       coalesce(dead.count, 0)::int4 as dead, least(d.oldest, ahead.recorded_at) as oldest,
       exists (select from events.lagging g where g.grp = c.grp and g.topic = c.topic) as is_lagging
     from events.subscriptions s
     join events.cursor c on ${ofSubscription('c.grp', `'sub:' || s.id`)}
     left join lateral (select count(*) filter (where member is not null) as in_flight,
         count(*) filter (where member is null and due_at <> 'infinity') as retrying, count(*) filter (where member is null and due_at = 'infinity') as parked,
         min(l.recorded_at) as oldest
       from events.delivery d join events.log l on l.topic = d.topic and l.part = d.part and l.segment = d.segment and l.pos = d.pos
       where d.grp = c.grp and d.topic = c.topic and d.part = c.part) d on true
     left join lateral (select count(*) as count from events.dead_letter x
       where x.grp = c.grp and x.topic = c.topic and x.part = c.part and x.state = 'open') dead on true
     left join lateral (select l.recorded_at from events.log l where l.topic = c.topic and l.part = c.part and l.segment >= c.segment and l.pos > c.pos
       order by l.segment, l.pos limit 1) ahead on true
     where ($1::uuid is null or s.id = $1::uuid) and ($2::text is null or c.topic = $2)
     order by s.name, c.grp, c.topic, c.part`,
    [wanted.subscriptionId, wanted.topic],
  )
}
