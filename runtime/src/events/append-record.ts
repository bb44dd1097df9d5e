import {
  type AppendedPosition,
  type AppendRecord,
  type EventEnvelope,
  keyOf,
  type LogRecord,
  partitionOf,
} from '@soma/kernel'

/** What the log keeps of an event: its index columns and its whole JSON as text. */
export function toAppendRecord(envelope: EventEnvelope, partitions: number): AppendRecord {
  const key = keyOf(envelope)
  return {
    topic: envelope.topic,
    part: partitionOf(envelope.tenantid, key, partitions),
    tenantId: envelope.tenantid,
    eventId: envelope.id,
    type: envelope.type,
    key,
    userId: envelope.userid ?? null,
    envelope: JSON.stringify(envelope),
  }
}

/** What a log inside the database has just appended, as its readers see it. */
export const recordsAt = (records: readonly AppendRecord[], positions: readonly AppendedPosition[]): LogRecord[] =>
  records.map((record, index) => ({ ...record, ...(positions[index] as Required<AppendedPosition>) }))
