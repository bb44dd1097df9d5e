import type { Database } from '@soma/kernel'

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
    const [row] = await session.query<Installation>('select bus, partitions from events.installation')
    return row as Installation
  })
  if (first.bus !== bus)
    throw new Error(
      `events.bus is ${bus}, but this installation was started with ${first.bus}, where its events are: set it back`,
    )
  if (first.partitions !== partitions)
    throw new Error(
      `events.partitions is ${partitions}, but this installation was started with ${first.partitions}: set it back`,
    )
}
