import type { Database, SqlSession } from '@soma/kernel'

const HOUR_MS = 3_600_000
/** How many segments exist ahead of the open one, so that raising never waits for a CREATE TABLE. */
const SEGMENTS_AHEAD = 2

/** A segment is open for an eighth of the retention, between an hour and a week: ≤ 10 live tables a topic. */
export const segmentMs = (retentionMs: number): number => Math.min(Math.max(retentionMs / 8, HOUR_MS), 168 * HOUR_MS)

interface OpenSegment {
  readonly topic: string
  readonly segment: number
  readonly age_ms: number
  /** The highest that has a table. */
  readonly last: number
}

/**
 * See PostgresLog. A writer locks the rows of its partitions and then the log, and a new table locks the log: so a table is made in a transaction of its own, that locks
 * nothing else, and so is the rise of each topic.
 */
export async function openNextSegments(database: Database, retentionMsOf: (topic: string) => number): Promise<number> {
  const open = await database.asOwner((session) =>
    session.query<OpenSegment>(
      `select o.topic, o.segment, (extract(epoch from clock_timestamp() - o.opened_at) * 1000)::float8 as age_ms,
         (select max(a.segment) from events.segment a where a.topic = o.topic) as last
         from events.segment o where o.opened_at is not null and o.closed_at is null order by o.topic`,
    ),
  )
  let opened = 0
  for (const current of open) {
    for (let made = current.last + 1; made <= current.segment + SEGMENTS_AHEAD; made++)
      await database.asOwner((session) => session.query('select events.create_segment($1, $2)', [current.topic, made]))
    if (current.age_ms < segmentMs(retentionMsOf(current.topic))) continue
    await database.asOwner((session) => raiseSegment(session, current))
    opened += 1
  }
  return opened
}

/** Under the row locks of the partitions, so that segment and position rise together. */
async function raiseSegment(session: SqlSession, current: OpenSegment): Promise<void> {
  const next = current.segment + 1
  await session.query('select from events.partition where topic = $1 order by part for update', [current.topic])
  await session.execute('update events.partition set segment = $2 where topic = $1', [current.topic, next])
  await session.execute('update events.segment set closed_at = clock_timestamp() where topic = $1 and segment = $2', [
    current.topic,
    current.segment,
  ])
  await session.execute('update events.segment set opened_at = clock_timestamp() where topic = $1 and segment = $2', [
    current.topic,
    next,
  ])
}

/**
 * Drops the oldest segments of a topic that were closed before the time and that every group has passed, oldest first, and stops at the first that is still
 * needed. Unfinished deliveries need their event too, so they hold their segment.
 */
export async function trimSegments(database: Database, topic: string, before: Date): Promise<number> {
  const closed = await database.asOwner((session) =>
    session.query<{ segment: number }>(
      `select segment from events.segment where topic = $1 and closed_at < $2::timestamptz order by segment`,
      [topic, before.toISOString()],
    ),
  )
  let dropped = 0
  for (const { segment } of closed) {
    if (await isNeeded(database, topic, segment)) break
    await dropSegment(database, topic, segment)
    dropped += 1
  }
  return dropped
}

function isNeeded(database: Database, topic: string, segment: number): Promise<boolean> {
  return database.transaction({ role: 'soma_bus' }, async (session) => {
    const [answer] = await session.query<{ needed: boolean }>(
      `select exists (select from events.delivery where topic = $1 and segment = $2) or exists (
         select from events.cursor c
          where c.topic = $1 and c.pos < (
            select max(l.pos) from events.log l where l.topic = $1 and l.part = c.part and l.segment = $2)) as needed`,
      [topic, segment],
    )
    return answer?.needed ?? true
  })
}

async function dropSegment(database: Database, topic: string, segment: number): Promise<void> {
  const last = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ part: number; pos: number }>(
      'select part, max(pos) as pos from events.log where topic = $1 and segment = $2 group by part',
      [topic, segment],
    ),
  )
  // Apart from the drop, which locks the log: see openNextSegments.
  await database.asOwner(async (session) => {
    for (const { part, pos } of last.toSorted((left, right) => left.part - right.part))
      await session.execute('update events.partition set tail = $3 where topic = $1 and part = $2 and tail <= $3', [
        topic,
        part,
        pos + 1,
      ])
  })
  await database.asOwner(async (session) => {
    const [named] = await session.query<{ name: string }>('select events.segment_table($1, $2) as name', [
      topic,
      segment,
    ])
    await session.execute(`drop table events."${named?.name}"`)
    await session.execute('delete from events.segment where topic = $1 and segment = $2', [topic, segment])
  })
}
