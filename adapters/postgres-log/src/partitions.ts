import type { Database } from '@soma/kernel'

/** Makes the partitions of each topic at the first start, and refuses another count later: keys would move to other partitions and lose their order. */
export async function seedPartitions(database: Database, partitions: number): Promise<void> {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 256)
    throw new RangeError(`events.partitions is ${partitions}: it must be a whole number from 1 to 256`)
  await database.asOwner(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [SEED_LOCK])
    const [existing] = await session.query<{ count: number }>(
      `select coalesce(max(part) + 1, 0)::int4 as count from events.partition`,
    )
    const count = existing?.count ?? 0
    if (count === partitions) return
    if (count > 0)
      throw new Error(
        `events.partitions is ${partitions}, but this installation was started with ${count}: set it back`,
      )
    await session.execute(
      `insert into events.partition (topic, part, segment)
         select s.topic, p, min(s.segment) from events.segment s, generate_series(0, $1::int4 - 1) p group by s.topic, p`,
      [partitions],
    )
  })
}

/** Any constant of our own: serialises two processes that start an empty database at once. */
const SEED_LOCK = 736_510_001
