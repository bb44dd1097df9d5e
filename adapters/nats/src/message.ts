import { createHash } from 'node:crypto'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import type { AppendRecord, LogRecord } from '@soma/kernel'
import { createEventBinding } from '@soma/kernel/event-binding'
import { placeOf } from './streams.ts'

const binding = createEventBinding('ce-')
const encoder = new TextEncoder()

export interface Message {
  readonly payload: Uint8Array
  /** New ones for every attempt: a publish adds its conditions to them. */
  headers(): MsgHdrs
  /** The same for every attempt to append the event. */
  readonly id: string
}

/** The event as CloudEvents structured JSON, with its attributes as `ce-` headers beside it for whoever filters without parsing. */
export function toMessage(record: AppendRecord): Message {
  const texts = binding.headersOf(record)
  return {
    payload: encoder.encode(record.envelope),
    headers: () => {
      const head = headers()
      for (const [name, value] of texts) head.set(name, encodeHeader(value))
      return head
    },
    id: idOf(record, texts.find(([name]) => name === 'ce-source')?.[1] ?? ''),
  }
}

/** Event ids are unique per tenant and source only, and both may hold what a header may not. */
const idOf = ({ tenantId, eventId }: AppendRecord, source: string): string =>
  createHash('sha256').update(`${tenantId}\0${source}\0${eventId}`).digest('base64url')

/** The percent encoding of the CloudEvents HTTP and NATS bindings: printable ASCII but `"`, `%` and the blank stays. */
const encodeHeader = (value: string): string =>
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

/** What a stream holds as a record. */
export const toRecord = ({ subject, seq, time, data, header }: StoredMessage): LogRecord =>
  binding.recordOf(
    { ...placeOf(subject), segment: 1, position: seq, recordedAt: time },
    {
      header: (name) => (header.has(name) ? decodeHeader(header.last(name)) : undefined),
      names: () => header.keys(),
      body: data,
    },
  )
