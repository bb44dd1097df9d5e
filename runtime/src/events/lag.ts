import type { Database, EventBus } from '@soma/kernel'

/** How far a group is behind in one partition. */
export interface PartitionLag {
  readonly group: string
  readonly topic: string
  readonly part: number
  readonly head: number
  readonly position: number
  /** Events that the cursor has not passed. */
  readonly lag: number
  /** Age of the oldest event that is not settled: behind the cursor, retrying or parked. 0 when all are. */
  readonly oldestAgeMs: number
  readonly inHand: number
  readonly retrying: number
  readonly parked: number
}

interface CursorRow {
  readonly grp: string
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly pos: number
  readonly in_hand: number
  readonly retrying: number
  readonly parked: number
  readonly first_segment: number | null
  readonly first_pos: number | null
}

/**
 * Lag of groups without counting events: head of the log minus cursor. `groups` absent = all groups of modules. The age costs one read of the log for each
 * partition that has something unsettled.
 */
export async function readLag(options: {
  database: Database
  bus: EventBus
  groups?: readonly string[]
}): Promise<PartitionLag[]> {
  const { database, bus } = options
  const rows = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<CursorRow>(CURSORS, [options.groups ?? null]),
  )
  const heads = new Map((await bus.partitions()).map((state) => [`${state.topic}:${state.part}`, state]))
  return Promise.all(
    rows.map(async (row) => {
      const head = heads.get(`${row.topic}:${row.part}`)?.position ?? row.pos
      return {
        group: row.grp,
        topic: row.topic,
        part: row.part,
        head,
        position: row.pos,
        lag: Math.max(0, head - row.pos),
        oldestAgeMs: await oldestAgeMs(bus, row, head),
        inHand: row.in_hand,
        retrying: row.retrying,
        parked: row.parked,
      }
    }),
  )
}

async function oldestAgeMs(bus: EventBus, row: CursorRow, head: number): Promise<number> {
  const { topic, part } = row
  const unfinished = row.first_pos !== null && row.first_segment !== null
  if (!unfinished && head <= row.pos) return 0
  const after = unfinished
    ? { segment: row.first_segment as number, position: (row.first_pos as number) - 1 }
    : { segment: row.segment, position: row.pos }
  const [oldest] = await bus.read({ topic, part, after, limit: 1 })
  return oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.recordedAt.getTime())
}

const CURSORS = `
  select c.grp, c.topic, c.part, c.segment, c.pos,
         count(d.pos) filter (where d.member is not null)::int4 as in_hand,
         count(d.pos) filter (where d.member is null and d.attempt > 0)::int4 as retrying,
         count(d.pos) filter (where d.member is null and d.attempt = 0)::int4 as parked,
         min(d.segment) as first_segment, min(d.pos) as first_pos
    from events.cursor c
    left join events.delivery d on d.grp = c.grp and d.topic = c.topic and d.part = c.part
   where c.grp = any ($1::text[]) or ($1::text[] is null and c.tenant_id is null)
   group by c.grp, c.topic, c.part
   order by c.grp, c.topic, c.part`
