import type { EventEnvelope } from '@soma/kernel'
import type { Push } from '../subscriptions/config.ts'

export interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A delivered event as HTTP: structured, or its data with the attributes as `ce-` headers. The trace goes along as a header in both. */
export function messageOf(event: EventEnvelope, format: Push['format']): Message {
  const trace = {
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    ...(event.tracestate === undefined ? {} : { tracestate: headerValue(event.tracestate) }),
  }
  if (format === 'cloudevent')
    return {
      headers: { ...trace, 'content-type': 'application/cloudevents+json; charset=utf-8' },
      body: Buffer.from(JSON.stringify(event)),
    }
  const { data, data_base64: bytes, datacontenttype = 'application/json', ...attributes } = event
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerValue(String(value))])
  return {
    headers: { ...Object.fromEntries(headers), ...trace, 'content-type': headerValue(datacontenttype, ' "') },
    body: typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : bodyOf(data, datacontenttype),
  }
}

const bodyOf = (data: unknown, contentType: string): Uint8Array => {
  if (data === undefined) return Buffer.alloc(0)
  return Buffer.from(typeof data === 'string' && !/[/+]json\b/i.test(contentType) ? data : JSON.stringify(data))
}

/** By the HTTP binding of CloudEvents 1.0.2, section 3.1.3.2: everything but printable ASCII, space, quote and percent as percent-encoded UTF-8. */
const headerValue = (text: string, plain = ''): string =>
  text.replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    plain.includes(character)
      ? character
      : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
