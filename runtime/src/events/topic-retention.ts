import type { Database, Topic } from '@soma/kernel'

type RetentionMs = Readonly<Record<Topic, number>>

/** Retention of each topic as it is now: as configured, or as an operator set it since. */
export async function currentRetention(database: Database, configured: RetentionMs): Promise<RetentionMs> {
  const rows = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ topic: Topic; retention_ms: number }>(
      'select topic, retention_ms from events.topic_settings where retention_ms is not null',
    ),
  )
  return { ...configured, ...Object.fromEntries(rows.map((row) => [row.topic, row.retention_ms])) }
}
