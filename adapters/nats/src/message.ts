import { createHash } from 'node:crypto'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import type { AppendRecord, LogRecord } from '@soma/kernel'
import { placeOf } from './streams.ts'

/** The key that decides order: our own attribute, because CloudEvents has none. */
const KEY = 'soma-key'
const ATTRIBUTE = 'ce-'
const CONTENT_TYPE = 'content-type'
const STRUCTURED = 'application/cloudevents+json'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface Message {
  readonly payload: Uint8Array
  /** New ones for every attempt: a publish adds its conditions to them. */
  headers(): MsgHdrs
  /** The same for every attempt to append the event. */
  readonly id: string
}

/** The event as CloudEvents structured JSON, with its attributes as `ce-` headers beside it for whoever filters without parsing. */
export function toMessage(record: AppendRecord): Message {
  const attributes = attributesOf(record)
  return {
    payload: encoder.encode(record.envelope),
    headers: () => toHeaders(record.key, attributes),
    id: idOf(record, attributes['source'] ?? ''),
  }
}

function toHeaders(key: string, attributes: Readonly<Record<string, string>>): MsgHdrs {
  const head = headers()
  head.set(CONTENT_TYPE, STRUCTURED)
  head.set(KEY, encodeHeader(key))
  for (const [name, value] of Object.entries(attributes)) head.set(`${ATTRIBUTE}${name}`, encodeHeader(value))
  return head
}

/** Event ids are unique per tenant and source only, and both may hold what a header may not. */
const idOf = ({ tenantId, eventId }: AppendRecord, source: string): string =>
  createHash('sha256').update(`${tenantId}\0${source}\0${eventId}`).digest('base64url')

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

/** The percent encoding of the CloudEvents HTTP and NATS bindings: printable ASCII but `"`, `%` and the blank stays. */
export const encodeHeader = (value: string): string =>
  value.replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    [...encoder.encode(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

function decodeHeader(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export interface StoredMessage {
  readonly subject: string
  readonly seq: number
  readonly time: Date
  readonly data: Uint8Array
  readonly header: MsgHdrs
}

/**
 * What a stream holds as a record. An outside writer may have written structured or binary CloudEvents, or no event at all: that becomes a record whose envelope the
 * consumers refuse as `envelope-invalid`.
 */
export function toRecord({ subject, seq, time, data, header }: StoredMessage): LogRecord {
  const attribute = (name: string) => decodeHeader(header.last(`${ATTRIBUTE}${name}`))
  const key = decodeHeader(header.last(KEY)) || attribute('partitionkey') || attribute('id')
  return {
    ...placeOf(subject),
    segment: 1,
    position: seq,
    recordedAt: time,
    tenantId: attribute('tenantid'),
    eventId: attribute('id'),
    type: attribute('type'),
    key,
    userId: attribute('userid') || null,
    envelope: isStructured(header) ? decoder.decode(data) : binaryEnvelope(header, data),
  }
}

const isStructured = (header: MsgHdrs): boolean =>
  header.last(CONTENT_TYPE).startsWith(STRUCTURED) || !header.keys().some((name) => name.startsWith(ATTRIBUTE))

function binaryEnvelope(header: MsgHdrs, data: Uint8Array): string {
  const attributes = header
    .keys()
    .filter((name) => name.startsWith(ATTRIBUTE))
    .map((name) => [name.slice(ATTRIBUTE.length), decodeHeader(header.last(name))])
  const contentType = header.last(CONTENT_TYPE)
  return JSON.stringify({
    ...Object.fromEntries(attributes),
    ...(contentType === '' ? {} : { datacontenttype: contentType }),
    ...contentOf(contentType, data),
  })
}

function contentOf(contentType: string, data: Uint8Array): { data?: unknown; data_base64?: string } {
  if (data.length === 0) return {}
  if (!/json/.test(contentType)) return { data_base64: Buffer.from(data).toString('base64') }
  try {
    return { data: JSON.parse(decoder.decode(data)) as unknown }
  } catch {
    return { data_base64: Buffer.from(data).toString('base64') }
  }
}
