import type { SqlSession } from '@soma/kernel'

/** What was set for a topic; null = as configured. */
export interface TopicSettingsRow {
  readonly topic: string
  readonly retention_ms: number | null
  readonly max_event_bytes: number | null
}

export function listTopicSettings(session: SqlSession): Promise<TopicSettingsRow[]> {
  return session.query<TopicSettingsRow>('select topic, retention_ms, max_event_bytes from events.topic_settings')
}

/** Of all tenants. */
export async function measureTopic(
  session: SqlSession,
  topic: string,
): Promise<{ readonly oldest: Date | null; readonly bytes: number }> {
  const [row] = await session.query<{ oldest: Date | null; bytes: number }>(
    `select (select min(l.recorded_at) from events.partition p cross join lateral (
         select l.recorded_at from events.log l where l.topic = p.topic and l.part = p.part order by l.segment, l.pos limit 1) l
        where p.topic = $1) as oldest,
       (select coalesce(sum(pg_total_relation_size(relid)), 0)::int8
          from pg_partition_tree(to_regclass('events.log_' || replace($1, '-', '_'))) where isleaf) as bytes`,
    [topic],
  )
  return row ?? { oldest: null, bytes: 0 }
}

/** Undefined leaves a value as it is. */
export async function saveTopicSettings(
  session: SqlSession,
  topic: string,
  changes: { retentionMs?: number | null | undefined; maxEventBytes?: number | null | undefined },
): Promise<TopicSettingsRow> {
  const [row] = await session.query<TopicSettingsRow>(
    `insert into events.topic_settings as s (topic, retention_ms, max_event_bytes) values ($1, $2::int8, $3::int4)
     on conflict (topic) do update set changed_at = clock_timestamp(),
       retention_ms = case when $4::boolean then excluded.retention_ms else s.retention_ms end,
       max_event_bytes = case when $5::boolean then excluded.max_event_bytes else s.max_event_bytes end
     returning topic, retention_ms, max_event_bytes`,
    [
      topic,
      changes.retentionMs ?? null,
      changes.maxEventBytes ?? null,
      changes.retentionMs !== undefined,
      changes.maxEventBytes !== undefined,
    ],
  )
  return row as TopicSettingsRow
}
