import type { AppendRecord, SqlSession } from '@soma/kernel'

export interface OutboxRecord extends AppendRecord {
  /** ISO time before which the event does not enter the log; null = at once. */
  readonly dueAt: string | null
}

/** Adds events in order; they ship in this order per partition. */
export async function addToOutbox(session: SqlSession, records: readonly OutboxRecord[]): Promise<void> {
  if (records.length === 0) return
  await session.query(
    `select events.outbox_add($1::text[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::timestamptz[], $9::text[])`,
    [
      records.map((record) => record.topic),
      records.map((record) => record.part),
      records.map((record) => record.tenantId),
      records.map((record) => record.eventId),
      records.map((record) => record.type),
      records.map((record) => record.key),
      records.map((record) => record.userId),
      records.map((record) => record.dueAt),
      records.map((record) => record.envelope),
    ],
  )
}
