import type { Database, Position, SqlSession } from '@soma/kernel'

/** A partition that a group holds, and the place up to which it is finished. */
export interface HeldPartition extends Position {
  readonly topic: string
  readonly part: number
  readonly epoch: number
}

interface HeldRow {
  /** Null in the last row, which every answer has. */
  readonly topic: string | null
  readonly part: number
  readonly epoch: number
  readonly segment: number
  readonly pos: number
  readonly fresh: boolean
  readonly share: number
  readonly lapse_ms: number | null
}

export interface Holding {
  readonly group: string
  readonly topics: readonly string[]
  readonly partitions: number
  readonly owner: string
  readonly leaseMs: number
  readonly held: readonly HeldPartition[]
}

export interface Held {
  readonly renewed: readonly HeldPartition[]
  readonly claimed: readonly HeldPartition[]
  /** The most partitions this owner should keep among the live members of the group. */
  readonly share: number
  /** Until the first lease of another member ends. */
  readonly nextLapseMs: number
}

/** Renews what is held and claims what is free. What was held and is in neither answer is lost. */
export async function holdPartitions(session: SqlSession, holding: Holding): Promise<Held> {
  const rows = await session.query<HeldRow>(
    `select topic, part, epoch, segment, pos, fresh, share, lapse_ms
       from events.hold_partitions($1, $2::text[], $3::int4, $4::uuid, $5::float8, $6::text[], $7::int2[], $8::int8[])`,
    [
      holding.group,
      holding.topics,
      holding.partitions,
      holding.owner,
      holding.leaseMs / 1000,
      holding.held.map((each) => each.topic),
      holding.held.map((each) => each.part),
      holding.held.map((each) => each.epoch),
    ],
  )
  const summary = rows.at(-1)
  const mine = rows.filter((row): row is HeldRow & { topic: string } => row.topic !== null)
  return {
    renewed: mine.filter((row) => !row.fresh).map(toHeld),
    claimed: mine.filter((row) => row.fresh).map(toHeld),
    share: summary?.share ?? Number.POSITIVE_INFINITY,
    nextLapseMs: summary?.lapse_ms ?? Number.POSITIVE_INFINITY,
  }
}

const toHeld = (row: HeldRow & { readonly topic: string }): HeldPartition => ({
  topic: row.topic,
  part: row.part,
  epoch: row.epoch,
  segment: row.segment,
  position: row.pos,
})

/** Moves cursors; answers `topic:part` of those that moved. The others are lost. */
export async function commitCursors(
  session: SqlSession,
  group: string,
  cursors: readonly HeldPartition[],
): Promise<Set<string>> {
  const ordered = cursors.toSorted((a, b) => (a.topic === b.topic ? a.part - b.part : a.topic < b.topic ? -1 : 1))
  const rows = await session.query<{ topic: string; part: number }>(
    'select topic, part from events.commit_cursors($1, $2::text[], $3::int2[], $4::int8[], $5::int4[], $6::int8[])',
    [
      group,
      ordered.map((cursor) => cursor.topic),
      ordered.map((cursor) => cursor.part),
      ordered.map((cursor) => cursor.epoch),
      ordered.map((cursor) => cursor.segment),
      ordered.map((cursor) => cursor.position),
    ],
  )
  return new Set(rows.map((row) => `${row.topic}:${row.part}`))
}

export async function releasePartitions(
  session: SqlSession,
  { group, owner }: { group: string; owner: string },
  places: readonly { topic: string; part: number }[],
): Promise<void> {
  await session.query('select events.release_partitions($1, $2::uuid, $3::text[], $4::int2[])', [
    group,
    owner,
    places.map((place) => place.topic),
    places.map((place) => place.part),
  ])
}

export async function leaveGroup(session: SqlSession, group: string, owner: string): Promise<void> {
  await session.query('select events.leave_group($1, $2::uuid)', [group, owner])
}

/**
 * Frees every lease of partitions, relay and jobs, so that a restart need not wait for their end. Only for the embedded engine, under its directory lock, before
 * anything runs: there nobody else can hold one. Leases of remote members stay: they may come back.
 */
export async function resetLeases(database: Database): Promise<void> {
  await database.transaction({ role: 'soma_bus' }, async (session) => {
    await session.execute(
      'update events.cursor set owner = null, lease_until = null where owner is not null and tenant_id is null',
    )
    await session.execute(`delete from runtime.job_leases where name like 'group/%'`)
    await session.execute('update runtime.job_leases set owner = null, lease_until = null where owner is not null')
  })
}
