import type { Database, Logger } from '@soma/kernel'

const SYNCING = ['fsync', 'synchronous_commit']

/**
 * Says at boot that a power cut may take what was acknowledged, where the operator chose so. The embedded database proves itself that it syncs, NATS and Kafka are asked by
 * their adapters.
 * @throws Error when `events.durability` is power and Postgres is told not to sync what it commits
 */
export async function checkPowerSafety(
  database: Database,
  durability: 'power' | 'process',
  log: Logger,
): Promise<void> {
  if (durability === 'process') {
    log.warn(
      'events.durability is process, which is not power-safe: a power cut may take events that were acknowledged',
    )
    return
  }
  if (database.engine !== 'postgres') return
  const off = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ name: string }>(
      `select name from pg_settings where name = any ($1::text[]) and setting = 'off' order by name`,
      [SYNCING],
    ),
  )
  if (off.length > 0)
    throw new Error(
      `events.durability is power, but Postgres has ${off.map(({ name }) => `${name} = off`).join(' and ')}, so a power cut takes what it committed: turn it on, or set events.durability to process`,
    )
}
