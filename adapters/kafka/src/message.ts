import { type AppendRecord, HOLE, type LogRecord } from '@soma/kernel'
import { createEventBinding } from '@soma/kernel/event-binding'
import type { Place } from './topic-names.ts'
import type { Hole, StoredRecord, WireRecord } from './wire/record-batch.ts'

const binding = createEventBinding('ce_')
/** Tenants have no slash in their names. */
const KEY_SEPARATOR = '/'

/** The event as CloudEvents structured JSON, with its attributes as `ce_` headers beside it for whoever filters without parsing. */
export const toMessage = (record: AppendRecord): WireRecord => ({
  key: Buffer.from(`${record.tenantId}${KEY_SEPARATOR}${record.key}`),
  value: Buffer.from(record.envelope),
  headers: binding.headersOf(record).map(([name, value]) => [name, Buffer.from(value)] as const),
})

/** What a partition holds as a record. A hole is a record of no tenant and no type: it keeps positions dense and concerns nobody. */
export function toRecord(place: Place, stored: StoredRecord | Hole): LogRecord {
  const where = { ...place, segment: 1, position: stored.offset + 1, recordedAt: new Date(stored.timestampMs) }
  if (!('value' in stored)) return { ...where, ...HOLE }
  const { headers, value } = stored
  return binding.recordOf(where, {
    header: (name) => headers.findLast(([each]) => each === name)?.[1].toString(),
    names: () => headers.map(([name]) => name),
    body: value,
    keyOf: (tenantId) => keyIn(stored, tenantId),
  })
}

function keyIn({ key }: StoredRecord, tenantId: string): string {
  const text = key?.toString() ?? ''
  const prefix = `${tenantId}${KEY_SEPARATOR}`
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}
