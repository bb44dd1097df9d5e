import type { Clock, Database, EventBus, PartitionState, SqlSession, Topic } from '@soma/kernel'
import { TOPICS } from '@soma/kernel'

/** Events that a group lost to retention. */
export interface LostEvents {
  readonly group: string
  readonly tenantId: string | null
  readonly topic: string
  readonly part: number
  readonly fromPosition: number
  readonly toPosition: number
}

/** What a log that is cut into segments offers beyond the port. */
export interface SegmentedBus extends EventBus {
  openNextSegments(retentionMsOf: (topic: string) => number): Promise<number>
  moveBehindCursors(session: SqlSession, topic: string, before: Date): Promise<readonly LostEvents[]>
}

export interface RetentionOptions {
  readonly database: Database
  readonly bus: EventBus | SegmentedBus
  /** Retention of each topic. */
  readonly retentionMs: Readonly<Record<Topic, number>>
  /** How long retention waits for a group that is behind. */
  readonly retentionGraceMs: number
  readonly clock: Clock
}

/** Moves groups on in a transaction as `soma_bus`; what they lost is written in the same one, so that no crash makes the loss silent. */
export type MoveOn = (move: (session: SqlSession) => Promise<readonly LostEvents[]>) => Promise<void>

/** Drops what is older than its topic's retention and that no group needs any more; groups that are behind by more than the grace time are moved on. */
export async function expireEvents(
  { database, bus, retentionMs, retentionGraceMs, clock }: RetentionOptions,
  moveOn: MoveOn,
): Promise<void> {
  const segmented = isSegmented(bus) ? bus : undefined
  await segmented?.openNextSegments((topic) => retentionMs[topic as Topic])
  for (const topic of TOPICS) {
    const before = clock.now().getTime() - retentionMs[topic]
    const tooLate = new Date(before - retentionGraceMs)
    if (segmented !== undefined) {
      await moveOn((session) => segmented.moveBehindCursors(session, topic, tooLate))
      await bus.trim(topic, new Date(before))
      continue
    }
    const states = await bus.partitions(topic)
    const ends = await positionsAt(bus, states, tooLate)
    await moveOn((session) => moveCursors(session, topic, ends))
    await bus.trim(topic, new Date(before), await passedPositions(database, topic, states))
  }
}

const isSegmented = (bus: EventBus | SegmentedBus): bus is SegmentedBus => 'openNextSegments' in bus

async function positionsAt(bus: EventBus, states: readonly PartitionState[], at: Date): Promise<Map<number, number>> {
  const positions = new Map<number, number>()
  for (const { topic, part } of states) positions.set(part, (await bus.positionAt(topic, part, at)).position)
  return positions
}

/** A running owner notices by its epoch, which rises, and begins again behind the gap. */
function moveCursors(
  session: SqlSession,
  topic: string,
  ends: ReadonlyMap<number, number>,
): Promise<readonly LostEvents[]> {
  return session.query<LostEvents>(
    `with ends as (select * from unnest($2::int2[], $3::int8[]) as e (part, pos)),
       behind as (
         select c.grp, c.part, c.pos as was, e.pos from events.cursor c join ends e on e.part = c.part
          where c.topic = $1 and c.pos < e.pos order by c.grp, c.part for no key update of c)
       update events.cursor c set segment = 1, pos = b.pos, epoch = c.epoch + 1, owner = null, lease_until = null
         from behind b where c.grp = b.grp and c.topic = $1 and c.part = b.part
         returning c.grp as "group", c.tenant_id as "tenantId", c.topic, c.part, b.was + 1 as "fromPosition", b.pos as "toPosition"`,
    [topic, [...ends.keys()], [...ends.values()]],
  )
}

/** The last position of each partition that every group has passed and no unfinished delivery refers to. */
async function passedPositions(
  database: Database,
  topic: string,
  states: readonly PartitionState[],
): Promise<Map<number, number>> {
  const needed = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ part: number; pos: number }>(
      `select part, min(pos) as pos from (
         select part, pos from events.cursor where topic = $1
         union all select part, pos - 1 from events.delivery where topic = $1) as held
       group by part`,
      [topic],
    ),
  )
  const held = new Map(needed.map(({ part, pos }) => [part, pos]))
  return new Map(states.map(({ part, position }) => [part, Math.min(position, held.get(part) ?? position)]))
}
