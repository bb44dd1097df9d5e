import { type AppendRecord, HOLE, type LogRecord } from '@soma/kernel'
import type { Place } from './topic-names.ts'
import type { Hole, StoredRecord, WireRecord } from './wire/record-batch.ts'

const ATTRIBUTE = 'ce_'
const CONTENT_TYPE = 'content-type'
const STRUCTURED = 'application/cloudevents+json'
/** Tenants have no slash in their names. */
const KEY_SEPARATOR = '/'

/** The event as CloudEvents structured JSON, with its attributes as `ce_` headers beside it for whoever filters without parsing. */
export function toMessage(record: AppendRecord): WireRecord {
  const attributes = Object.entries(attributesOf(record)).map(
    ([name, value]) => [`${ATTRIBUTE}${name}`, Buffer.from(value)] as const,
  )
  return {
    key: Buffer.from(`${record.tenantId}${KEY_SEPARATOR}${record.key}`),
    value: Buffer.from(record.envelope),
    headers: [[CONTENT_TYPE, Buffer.from(STRUCTURED)], ...attributes],
  }
}

function attributesOf(record: AppendRecord): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(parse(record.envelope)))
    if (name !== 'data' && name !== 'data_base64' && isScalar(value)) attributes[name] = String(value)
  return {
    ...attributes,
    id: record.eventId,
    type: record.type,
    tenantid: record.tenantId,
    ...(record.userId === null ? {} : { userid: record.userId }),
  }
}

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

/**
 * What a partition holds as a record. An outside writer may have written structured or binary CloudEvents, or no event at all: that becomes a record whose envelope
 * the consumers refuse as `envelope-invalid`. A hole is a record of no tenant and no type: it keeps positions dense and concerns nobody.
 */
export function toRecord(place: Place, stored: StoredRecord | Hole): LogRecord {
  const where = { ...place, segment: 1, position: stored.offset + 1, recordedAt: new Date(stored.timestampMs) }
  if (!('value' in stored)) return { ...where, ...HOLE }
  const attributes = attributesIn(stored)
  // Only an outside writer leaves attributes out of the headers.
  const structured = attributes.has('id') || !isStructured(stored) ? {} : parse(stored.value.toString())
  const attribute = (name: string): string => {
    const value = attributes.get(name) ?? structured[name]
    return typeof value === 'string' ? value : ''
  }
  const tenantId = attribute('tenantid')
  return {
    ...where,
    tenantId,
    eventId: attribute('id'),
    type: attribute('type'),
    key: keyIn(stored, tenantId) || attribute('partitionkey') || attribute('id'),
    userId: attribute('userid') || null,
    envelope: isStructured(stored) ? stored.value.toString() : binaryEnvelope(stored, attributes),
  }
}

function keyIn({ key }: StoredRecord, tenantId: string): string {
  const text = key?.toString() ?? ''
  const prefix = `${tenantId}${KEY_SEPARATOR}`
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}

const attributesIn = ({ headers }: StoredRecord): Map<string, string> =>
  new Map(
    headers
      .filter(([name]) => name.startsWith(ATTRIBUTE))
      .map(([name, value]) => [name.slice(ATTRIBUTE.length), value.toString()]),
  )

const contentTypeOf = ({ headers }: StoredRecord): string =>
  headers.findLast(([name]) => name.toLowerCase() === CONTENT_TYPE)?.[1].toString() ?? ''

const isStructured = (stored: StoredRecord): boolean =>
  contentTypeOf(stored).startsWith(STRUCTURED) || !stored.headers.some(([name]) => name.startsWith(ATTRIBUTE))

function binaryEnvelope(stored: StoredRecord, attributes: ReadonlyMap<string, string>): string {
  const contentType = contentTypeOf(stored)
  return JSON.stringify({
    ...Object.fromEntries(attributes),
    ...(contentType === '' ? {} : { datacontenttype: contentType }),
    ...contentOf(contentType, stored.value),
  })
}

function contentOf(contentType: string, value: Buffer): { data?: unknown; data_base64?: string } {
  if (value.length === 0) return {}
  if (!/json/.test(contentType)) return { data_base64: value.toString('base64') }
  try {
    return { data: JSON.parse(value.toString()) as unknown }
  } catch {
    return { data_base64: value.toString('base64') }
  }
}
