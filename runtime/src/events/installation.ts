import type { Database, EventBus } from '@soma/kernel'

/** What all processes of an installation share, fixed at its first start. */
export interface Installation {
  /** Where the log lives: `postgres`, `nats`, `kafka`. */
  readonly bus: string
  readonly partitions: number
}

/**
 * Records the bus and its partition count at the first start of an installation; after the migrations, before the bus is opened.
 * @throws Error naming the setting when the installation was started with another: keys would change their partition, or events their log
 */
export async function claimInstallation(database: Database, { bus, partitions }: Installation): Promise<void> {
  const first = await database.asOwner(async (session) => {
    await session.execute('insert into events.installation (bus, partitions) values ($1, $2) on conflict do nothing', [
      bus,
      partitions,
    ])
    const [row] = await session.query<Installation & { moving: string | null }>(
      'select bus, partitions, (select bus from events.move) as moving from events.installation for share',
    )
    return row as Installation & { moving: string | null }
  })
  if (first.moving !== null)
    throw new Error(
      `the events of this installation are on their way from ${first.bus} to ${first.moving}: run soma events migrate --from ${first.bus} --to ${first.moving} again`,
    )
  if (first.bus !== bus)
    throw new Error(
      `events.bus is ${bus}, but this installation was started with ${first.bus}, where its events are: set it back, or move them with soma events migrate --from ${first.bus} --to ${bus}`,
    )
  if (first.partitions !== partitions)
    throw new Error(
      `events.partitions is ${partitions}, but this installation was started with ${first.partitions}: set it back`,
    )
}

/**
 * Before anybody reads a bus outside the database.
 * @throws Error when a group has read further than a partition goes: the bus lost its data or is another one, and would begin again behind every group
 */
export async function refuseLostEvents(database: Database, bus: EventBus): Promise<void> {
  const read = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ topic: string; part: number; pos: number }>(
      'select topic, part, max(pos) as pos from events.cursor group by topic, part',
    ),
  )
  const heads = new Map((await bus.partitions()).map(({ topic, part, position }) => [`${topic}:${part}`, position]))
  for (const { topic, part, pos } of read) {
    const head = heads.get(`${topic}:${part}`) ?? 0
    if (pos > head)
      throw new Error(
        `partition ${part} of ${topic} ends at ${head} on the bus, but groups have read it up to ${pos}: the bus lost events or is another one; restore it`,
      )
  }
}
