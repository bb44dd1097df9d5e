import type { Database } from '@soma/kernel'

/**
 * When the oldest event of a tenant was recorded that a module's group has not finished: behind its cursors, or retrying. Undefined: it is up to date. What is dead counts as finished.
 * Cursors are written every 100 ms, so what ended just now may still be told.
 */
export async function oldestWaiting(database: Database, group: string, tenantId: string): Promise<Date | undefined> {
  const [row] = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ at: Date | null }>(
      `select min(w.recorded_at) as at from (
         select ahead.recorded_at from events.cursor c cross join lateral (
           select l.recorded_at from events.log l where l.tenant_id = $2 and l.topic = c.topic and l.part = c.part and l.segment >= c.segment and l.pos > c.pos order by l.pos limit 1) ahead
          where c.grp = $1
         union all
         select l.recorded_at from events.delivery d join events.log l on l.topic = d.topic and l.part = d.part and l.segment = d.segment and l.pos = d.pos
          where d.grp = $1 and d.tenant_id = $2 and d.replay_id is null and not (d.member is null and d.attempt > 0 and d.due_at = 'infinity')) w`,
      [group, tenantId],
    ),
  )
  return row?.at ?? undefined
}
