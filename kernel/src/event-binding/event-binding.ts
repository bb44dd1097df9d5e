import type { AppendRecord, LogRecord } from '../ports/event-bus.ts'
import { objectIn } from '../stored-event.ts'

const CONTENT_TYPE = 'content-type'
const STRUCTURED = 'application/cloudevents+json'
/** The key that decides order: CloudEvents has no attribute for it. Stands on every message of Soma, and on no other. */
const KEY = 'soma-key'

/** Longest text of an index column: one that is longer than a third of a page could not be indexed, and no attribute that is indexed may be longer. */
const LONGEST_COLUMN = 255
const LONGEST_TENANT = 128

const decoder = new TextDecoder()

/** A message as its broker gave it. */
export interface BoundMessage {
  /** The last value of a header, decoded. */
  header(name: string): string | undefined
  names(): readonly string[]
  readonly body: Uint8Array
  /** What the broker orders by, of a message that another program wrote. */
  keyOf?(tenantId: string): string
}

export type RecordPlace = Pick<LogRecord, 'topic' | 'part' | 'segment' | 'position' | 'recordedAt'>

export interface EventBinding {
  /** The headers beside the event's structured JSON, for whoever filters without parsing. */
  headersOf(record: AppendRecord): readonly (readonly [name: string, value: string])[]
  /** What a partition holds as a record, event or not: structured, binary or neither. */
  recordOf(place: RecordPlace, message: BoundMessage): LogRecord
}

/** CloudEvents on a broker: the event is structured JSON, its attributes stand beside it as headers that begin with `prefix`. What other programs write may be binary. */
export const createEventBinding = (prefix: 'ce-' | 'ce_'): EventBinding => ({
  headersOf: (record) => [
    [CONTENT_TYPE, STRUCTURED],
    [KEY, record.key],
    ...Object.entries(attributesOf(record)).map(([name, value]) => [`${prefix}${name}`, value] as const),
  ],
  recordOf: (place, message) => recordOf(place, message, prefix),
})

function attributesOf(record: AppendRecord): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(objectIn(record.envelope) ?? {}))
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

function recordOf(place: RecordPlace, message: BoundMessage, prefix: string): LogRecord {
  const { body } = message
  const ownKey = message.header(KEY)
  const isStructured = ownKey !== undefined || isStructuredMessage(message, prefix)
  const envelope = isStructured ? decoder.decode(body) : binaryEnvelope(message, prefix)
  // Only another program leaves attributes out of the headers.
  const inBody = ownKey !== undefined || !isStructured ? {} : (objectIn(envelope) ?? {})
  const attribute = (name: string): string => columnText(message.header(`${prefix}${name}`) ?? inBody[name])
  const tenantId = tenantOf(message.header(`${prefix}tenantid`) ?? inBody['tenantid'])
  const eventId = attribute('id')
  const key = columnText(ownKey ?? message.keyOf?.(tenantId))
  return {
    ...place,
    tenantId,
    eventId,
    type: attribute('type'),
    key: key || attribute('partitionkey') || eventId,
    userId: attribute('userid') || null,
    envelope,
    ...(ownKey === undefined ? { isForeign: true as const } : {}),
  }
}

const contentTypeOf = (message: BoundMessage): string =>
  message.header(CONTENT_TYPE) ?? message.header('Content-Type') ?? ''

const isStructuredMessage = (message: BoundMessage, prefix: string): boolean =>
  contentTypeOf(message).startsWith(STRUCTURED) || !message.names().some((name) => name.startsWith(prefix))

function binaryEnvelope(message: BoundMessage, prefix: string): string {
  const names = message.names().filter((name) => name.startsWith(prefix))
  const contentType = contentTypeOf(message)
  return JSON.stringify({
    ...Object.fromEntries(names.map((name) => [name.slice(prefix.length), message.header(name)])),
    ...(contentType === '' ? {} : { datacontenttype: contentType }),
    ...contentOf(contentType, message.body),
  })
}

function contentOf(contentType: string, body: Uint8Array): { data?: unknown; data_base64?: string } {
  if (body.length === 0) return {}
  if (!/json/.test(contentType)) return { data_base64: base64Of(body) }
  try {
    return { data: JSON.parse(decoder.decode(body)) as unknown }
  } catch {
    return { data_base64: base64Of(body) }
  }
}

function base64Of(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** Another program may write what Postgres does not store, or does not index. */
const columnText = (value: unknown): string =>
  typeof value === 'string' ? value.replaceAll('\0', '\uFFFD').slice(0, LONGEST_COLUMN) : ''

/** A name that is cut could be another tenant's. */
const tenantOf = (value: unknown): string =>
  typeof value === 'string' && value.length <= LONGEST_TENANT && !value.includes('\0') ? value : ''
