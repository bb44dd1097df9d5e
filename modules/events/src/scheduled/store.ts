import type { SqlSession } from '@soma/kernel'

export interface ScheduledRow {
  readonly id: number
  readonly due_at: Date
  readonly envelope: string
}

/** Whose events of the session's tenant; null = everybody's, in every space. */
export interface ScheduledScope {
  readonly authorId: string | null
  readonly spaceId: string | null
}

const IN_SCOPE = `($1::text is null or envelope::jsonb ->> 'authid' = $1) and ($2::text is null or envelope::jsonb ->> 'spaceid' = $2)`

/** In due order. */
export function listScheduled(
  session: SqlSession,
  { authorId, spaceId }: ScheduledScope,
  page: { after: readonly [string, number] | null; limit: number },
): Promise<ScheduledRow[]> {
  return session.query<ScheduledRow>(
    `select id, due_at, envelope from events.outbox
     where tenant_id = runtime.tenant() and due_at > clock_timestamp() and ${IN_SCOPE}
       and ($3::timestamptz is null or (date_trunc('milliseconds', due_at), id) > ($3::timestamptz, $4::int8))
     order by date_trunc('milliseconds', due_at), id limit $5::int4`,
    [authorId, spaceId, page.after?.[0] ?? null, page.after?.[1] ?? null, page.limit],
  )
}

/** Delayed events with this id that have not left the outbox. Locks them: a relay that has chosen them is waited for. */
export function lockScheduled(
  session: SqlSession,
  { authorId, spaceId }: ScheduledScope,
  wanted: { eventId: string; source: string | null },
): Promise<ScheduledRow[]> {
  return session.query<ScheduledRow>(
    `select id, due_at, envelope from events.outbox
     where tenant_id = runtime.tenant() and event_id = $3 and due_at is not null and ${IN_SCOPE}
       and ($4::text is null or envelope::jsonb ->> 'source' = $4)
     order by id for update`,
    [authorId, spaceId, wanted.eventId, wanted.source],
  )
}

/** False when it is due meanwhile: a relay may have handed it to a bus outside the database already. */
export async function deleteNotDue(session: SqlSession, id: number): Promise<boolean> {
  return (await session.execute('delete from events.outbox where id = $1 and due_at > clock_timestamp()', [id])) > 0
}
