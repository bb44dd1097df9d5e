import type { EventEnvelope, SqlSession } from '@soma/kernel'
import type { ErasedSubject } from '../ports.ts'

/**
 * Remembers what is to be erased, as the module in the tenant of the fact that asks: row-level security refuses any other tenant. Asked for again before it is done,
 * nothing changes.
 */
export async function requestErasure(
  session: SqlSession,
  { tenantId, userId }: ErasedSubject,
  { fact, delayMs }: { fact: EventEnvelope; delayMs: number },
): Promise<void> {
  await session.execute(
    `insert into events.erasures as e (tenant_id, user_id, topic, heard_at, due_at)
       values ($1, $2, $3, $4, clock_timestamp() + $5::int8 * interval '1 millisecond')
     on conflict (tenant_id, user_id) do update set topic = excluded.topic, heard_at = excluded.heard_at, due_at = excluded.due_at,
       requested_at = clock_timestamp(), ended_at = null, report = null
       where e.ended_at is not null`,
    [tenantId, userId, fact.topic, fact.sequence, delayMs],
  )
}

/**
 * What can be erased now: the facts that modules have not read yet are among what an erasure takes, so it waits until every module has handled the one that asks for it.
 * After 23 hours it waits for none, because it ends within a day.
 */
export const dueErasures = (session: SqlSession): Promise<ErasedSubject[]> =>
  session.query(
    `select e.tenant_id as "tenantId", e.user_id as "userId" from events.erasures e,
       lateral (select split_part(e.heard_at, '-', 1)::int2 as part, split_part(e.heard_at, '-', 2)::int8 as pos) as fact
      where e.ended_at is null and e.due_at <= clock_timestamp() and (e.requested_at < clock_timestamp() - interval '23 hours' or not (
        exists (select from events.cursor c where starts_with(c.grp, 'module:') and c.topic = e.topic and c.part = fact.part and c.pos < fact.pos)
        or exists (select from events.delivery d where starts_with(d.grp, 'module:') and d.topic = e.topic and d.part = fact.part and d.pos = fact.pos)))
      order by e.due_at limit 100`,
  )

export async function endErasure(
  session: SqlSession,
  { tenantId, userId }: ErasedSubject,
  report: object,
): Promise<void> {
  await session.execute(
    'update events.erasures set ended_at = clock_timestamp(), report = $3::jsonb where tenant_id = $1 and user_id = $2',
    [tenantId, userId, JSON.stringify(report)],
  )
}
