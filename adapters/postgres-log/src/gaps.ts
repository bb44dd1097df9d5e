import type { SqlSession } from '@soma/kernel'

/** Events that a group lost to retention: positions `fromPosition`–`toPosition` of a partition. */
export interface LogGap {
  readonly group: string
  /** The tenant of a subscription; null for a module's group. */
  readonly tenantId: string | null
  readonly topic: string
  readonly part: number
  readonly fromPosition: number
  readonly toPosition: number
}

/**
 * Moves the cursors of groups that are still inside segments closed before the time to their end. A running owner notices by its epoch, which rises, and begins
 * again behind the gap.
 */
export async function moveBehindCursors(session: SqlSession, topic: string, before: Date): Promise<LogGap[]> {
  const rows = await session.query<GapRow>(
    `with ends as (
       select l.part, max(l.segment) as segment, max(l.pos) as pos from events.log l
        where l.topic = $1 and l.segment in (select segment from events.segment where topic = $1 and closed_at < $2::timestamptz)
        group by l.part),
     behind as (
       select c.grp, c.part, c.pos as was, e.segment, e.pos from events.cursor c join ends e on e.part = c.part
        where c.topic = $1 and c.pos < e.pos order by c.grp, c.part for no key update of c)
     update events.cursor c set segment = b.segment, pos = b.pos, epoch = c.epoch + 1, owner = null, lease_until = null
       from behind b where c.grp = b.grp and c.topic = $1 and c.part = b.part
       returning c.grp, c.tenant_id, c.part, b.was + 1 as first, b.pos as last`,
    [topic, before.toISOString()],
  )
  return rows.map((row) => ({
    group: row.grp,
    tenantId: row.tenant_id,
    topic,
    part: row.part,
    fromPosition: row.first,
    toPosition: row.last,
  }))
}

interface GapRow {
  readonly grp: string
  readonly tenant_id: string | null
  readonly part: number
  readonly first: number
  readonly last: number
}
