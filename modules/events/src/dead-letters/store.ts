import type { SqlSession } from '@soma/kernel'

export interface DeadLetterRow {
  readonly delivery_id: string
  readonly tenant_id: string
  readonly grp: string
  readonly topic: string
  readonly part: number
  readonly pos: number
  readonly segment: number
  readonly event_id: string
  readonly type: string
  readonly key: string
  readonly envelope: string
  readonly attempts: unknown
  readonly problem: { readonly code: string; readonly detail: string }
  readonly handler: string | null
  readonly first_failed_at: Date
  readonly dead_at: Date
  readonly state: 'open' | 'replaying' | 'replayed' | 'discarded'
  readonly resolution: { readonly byId: string; readonly at: string; readonly note: string } | null
}

export interface DeadLetterFilter {
  /** As in `DeadLetterRow.grp`. */
  readonly group: string | null
  readonly topic: string | null
  readonly type: string | null
  readonly code: string | null
  readonly state: string | null
  readonly from: string | null
  readonly to: string | null
}

const CONDITIONS = `($1::text is null or grp = $1 or starts_with(grp, $1 || '/')) and ($2::text is null or topic = $2) and ($3::text is null or type = $3)
  and ($4::text is null or problem ->> 'code' = $4) and ($5::text is null or state = $5)
  and ($6::timestamptz is null or dead_at >= $6::timestamptz) and ($7::timestamptz is null or dead_at < $7::timestamptz)`

const values = ({ group, topic, type, code, state, from, to }: DeadLetterFilter): unknown[] => [
  group,
  topic,
  type,
  code,
  state,
  from,
  to,
]

/** Newest first. */
export function listDeadLetters(
  session: SqlSession,
  filter: DeadLetterFilter,
  page: { before: readonly [string, string] | null; limit: number },
): Promise<DeadLetterRow[]> {
  return session.query<DeadLetterRow>(
    `select * from events.dead_letter where ${CONDITIONS}
       and ($8::timestamptz is null or (date_trunc('milliseconds', dead_at), delivery_id) < ($8::timestamptz, $9::uuid))
     order by date_trunc('milliseconds', dead_at) desc, delivery_id desc limit $10::int4`,
    [...values(filter), page.before?.[0] ?? null, page.before?.[1] ?? null, page.limit],
  )
}

export interface CauseRow {
  readonly code: string
  readonly type: string
  readonly grp: string
  readonly count: number
  readonly first_dead_at: Date
  readonly last_dead_at: Date
}

export function listCauses(session: SqlSession, filter: DeadLetterFilter): Promise<CauseRow[]> {
  return session.query<CauseRow>(
    `select problem ->> 'code' as code, type, grp, count(*)::int4 as count, min(dead_at) as first_dead_at, max(dead_at) as last_dead_at
     from events.dead_letter where ${CONDITIONS} group by 1, 2, 3 order by count desc, 1, 2, 3 limit 200`,
    values(filter),
  )
}

export async function findDeadLetter(session: SqlSession, deliveryId: string): Promise<DeadLetterRow | undefined> {
  const rows = await session.query<DeadLetterRow>('select * from events.dead_letter where delivery_id = $1', [
    deliveryId,
  ])
  return rows[0]
}

/** Answers nothing when it is not open any more. */
export async function resolveDeadLetter(
  session: SqlSession,
  deliveryId: string,
  to: { state: 'replaying' | 'discarded'; resolution: DeadLetterRow['resolution'] },
): Promise<DeadLetterRow | undefined> {
  const rows = await session.query<DeadLetterRow>(
    `update events.dead_letter set state = $2, resolution = $3::jsonb where delivery_id = $1 and state = 'open' returning *`,
    [deliveryId, to.state, JSON.stringify(to.resolution)],
  )
  return rows[0]
}

/** Puts a dead letter back before its group as a fresh delivery with the same id, beside the cursor, with the event that it shall get. */
export async function reviveDelivery(
  session: SqlSession,
  row: DeadLetterRow,
  { envelope, delayMs }: { envelope: string; delayMs: number },
): Promise<void> {
  await session.execute(
    `insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at, replay_id, envelope, first_failed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 0, clock_timestamp() + $11::int8 * interval '1 millisecond', $6, $9, $10::timestamptz)
     on conflict (grp, topic, part, pos) do update set attempt = 0, due_at = excluded.due_at, member = null, lease_until = null,
       replay_id = excluded.replay_id, envelope = excluded.envelope, attempts = '[]'`,
    [
      row.grp,
      row.topic,
      row.part,
      row.pos,
      row.segment,
      row.delivery_id,
      row.tenant_id,
      row.key,
      envelope,
      row.first_failed_at.toISOString(),
      delayMs,
    ],
  )
  // The place counts as settled no longer.
  await session.execute('delete from events.settled where grp = $1 and topic = $2 and part = $3 and pos = $4', [
    row.grp,
    row.topic,
    row.part,
    row.pos,
  ])
}

/** Takes out a batch; what is being replayed stays. */
export function deleteDeadLetters(
  session: SqlSession,
  filter: DeadLetterFilter,
  limit: number,
): Promise<DeadLetterRow[]> {
  return session.query<DeadLetterRow>(
    `delete from events.dead_letter where delivery_id in (
       select delivery_id from events.dead_letter where ${CONDITIONS} and state <> 'replaying' limit $8::int4 for update)
     returning *`,
    [...values(filter), limit],
  )
}

/** A discarded dead letter that blocked its key blocks no longer. */
export async function dropBlockingRow(session: SqlSession, deliveryId: string): Promise<void> {
  await session.execute('delete from events.delivery where delivery_id = $1', [deliveryId])
}
