import {
  type AppendedPosition,
  type AppendRecord,
  type Database,
  type EventBus,
  type Logger,
  type LogRecord,
  type PartitionState,
  type Position,
  type SqlSession,
  silentLogger,
} from '@soma/kernel'
import { type LogGap, moveBehindCursors } from './gaps.ts'
import { seedPartitions } from './partitions.ts'
import { openNextSegments, trimSegments } from './segments.ts'

/** Folder of the log's SQL files; they run after the runtime's. */
export const postgresLogMigrations = new URL('../migrations/', import.meta.url)

export interface PostgresLogOptions {
  readonly database: Database
  /** Partitions of every topic, 1–256. Fixed at the first start of an installation. Default 16. */
  readonly partitions?: number
  readonly log?: Logger
}

/** The event log inside the database: an append joins the writer's transaction. One implementation for PGlite and Postgres ≥ 15. */
export interface PostgresLog extends EventBus {
  /** After the migrations, before the first append. @throws Error when the installation was started with another partition count. */
  prepare(): Promise<void>
  /**
   * Creates the segments ahead of each topic and opens the next one when the current has been open for retention ÷ 8 (at least 1 hour, at most 7 days).
   * Run it hourly. Answers how many were opened.
   */
  openNextSegments(retentionMsOf: (topic: string) => number): Promise<number>
  /** Moves groups that are still inside segments closed before the time to their end, in the caller's transaction as `soma_bus`; answers what each lost. `trim` can drop them then. */
  moveBehindCursors(session: SqlSession, topic: string, before: Date): Promise<LogGap[]>
}

export function createPostgresLog({ database, partitions = 16, log = silentLogger }: PostgresLogOptions): PostgresLog {
  const asBus = <Row>(sql: string, parameters: readonly unknown[]) =>
    database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql, parameters))
  return {
    flags: { transactionalWithDatabase: true, nativeDedupe: false, writableFromOutside: false },
    prepare: () => seedPartitions(database, partitions),
    append: (records, session) => append(records, session),
    read: async ({ topic, part, after, limit }) => {
      const rows = await asBus<LogRow>(
        `select segment, pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope from events.log
          where topic = $1 and part = $2 and segment >= $3 and pos > $4 order by segment, pos limit $5`,
        [topic, part, after.segment, after.position, limit],
      )
      return rows.map((row) => toRecord(topic, part, row))
    },
    partitions: async (topic) => {
      const rows = await asBus<PartitionRow>(
        'select topic, part, segment, head, tail from events.partition where topic = $1 or $1 is null order by topic, part',
        [topic ?? null],
      )
      return rows.map(toState)
    },
    positionAt: (topic, part, at) => positionAt(asBus, { topic, part, at }),
    openNextSegments: (retentionMsOf) => openNextSegments(database, retentionMsOf),
    moveBehindCursors,
    trim: async (topic, before) => {
      const dropped = await trimSegments(database, topic, before)
      if (dropped > 0) log.info('log segments dropped', { topic, dropped })
      return dropped
    },
    close: async () => undefined,
  }
}

async function append(records: readonly AppendRecord[], session: SqlSession | undefined): Promise<AppendedPosition[]> {
  if (session === undefined) throw new TypeError('the Postgres log appends inside a transaction: pass its session')
  if (records.length === 0) return []
  const rows = await session.query<{ segment: number; pos: number; recorded_at: Date }>(
    `select segment, pos, recorded_at
       from events.append($1::text[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])`,
    [
      records.map((record) => record.topic),
      records.map((record) => record.part),
      records.map((record) => record.tenantId),
      records.map((record) => record.eventId),
      records.map((record) => record.type),
      records.map((record) => record.key),
      records.map((record) => record.userId),
      records.map((record) => record.envelope),
    ],
  )
  return rows.map((row) => ({ segment: row.segment, position: row.pos, recordedAt: row.recorded_at }))
}

/**
 * Segments are narrowed by their opening time; inside one `recorded_at` never falls, so the first row at or after the time decides, else the head.
 * One statement, hence one snapshot: with two, an event that came between them would be before the head and never be read.
 */
async function positionAt(
  asBus: <Row>(sql: string, parameters: readonly unknown[]) => Promise<Row[]>,
  { topic, part, at }: { topic: string; part: number; at: Date },
): Promise<Position> {
  const [found] = await asBus<{ segment: number; pos: number }>(
    `with first as (
       select segment, pos - 1 as pos from events.log
        where topic = $1 and part = $2 and segment >= coalesce(
          (select max(segment) from events.segment where topic = $1 and opened_at <= $3::timestamptz), 0)
          and recorded_at >= $3::timestamptz
        order by segment, pos limit 1)
     select segment, pos from first
     union all
     select segment, head as pos from events.partition where topic = $1 and part = $2 and not exists (select from first)`,
    [topic, part, at.toISOString()],
  )
  return { segment: found?.segment ?? 0, position: found?.pos ?? 0 }
}

interface LogRow {
  readonly segment: number
  readonly pos: number
  readonly recorded_at: Date
  readonly tenant_id: string
  readonly event_id: string
  readonly type: string
  readonly key: string
  readonly user_id: string | null
  readonly envelope: string
}

interface PartitionRow {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly head: number
  readonly tail: number
}

const toState = (row: PartitionRow): PartitionState => ({
  topic: row.topic,
  part: row.part,
  segment: row.segment,
  position: row.head,
  oldestPosition: row.tail,
})

const toRecord = (topic: string, part: number, row: LogRow): LogRecord => ({
  topic,
  part,
  segment: row.segment,
  position: row.pos,
  recordedAt: row.recorded_at,
  tenantId: row.tenant_id,
  eventId: row.event_id,
  type: row.type,
  key: row.key,
  userId: row.user_id,
  envelope: row.envelope,
})
