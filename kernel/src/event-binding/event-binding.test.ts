import { describe, expect, it } from 'vitest'
import type { AppendRecord } from '../ports/event-bus.ts'
import { openRecord } from '../stored-event.ts'
import { createEventBinding } from './event-binding.ts'

const binding = createEventBinding('ce_')
const place = { topic: 'business-facts', part: 0, segment: 1, position: 7, recordedAt: new Date(0) }
const event = {
  specversion: '1.0',
  id: 'evt-1',
  source: '/kiosk/1',
  type: 'kiosk.sold',
  dataschema: '/v1/registry/schemas/kiosk.sold/versions/1.0.0',
  tenantid: 'tenant-a',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}

const read = (headers: Readonly<Record<string, string>>, body: string | Uint8Array) =>
  binding.recordOf(place, {
    header: (name) => headers[name],
    names: () => Object.keys(headers),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  })

const binary = (attributes: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]))

describe('CloudEvents on a broker', () => {
  it('what Soma wrote comes back as it was, without being parsed', () => {
    const record: AppendRecord = {
      topic: 'business-facts',
      part: 0,
      tenantId: 'tenant-a',
      eventId: 'evt-1',
      type: 'kiosk.sold',
      key: 'key/1',
      userId: 'usr-1',
      envelope: '{"not parsed',
    }
    const headers = Object.fromEntries(binding.headersOf(record))
    expect(read(headers, record.envelope)).toEqual({ ...record, ...place })
  })

  it('structured events of other programs are read without headers, and are known as theirs', () => {
    const text = JSON.stringify({ ...event, userid: 'usr-1', partitionkey: 'k' })
    const record = read({ 'content-type': 'application/cloudevents+json' }, text)
    expect(record).toMatchObject({ tenantId: 'tenant-a', eventId: 'evt-1', key: 'k', userId: 'usr-1', isForeign: true })
    expect(openRecord(record).event).toMatchObject(event)
  })

  it('binary events have their attributes in headers and their data in the body', () => {
    const json = read({ ...binary(event), 'content-type': 'application/json' }, '{"cups":2}')
    expect(openRecord(json).event).toMatchObject({ ...event, data: { cups: 2 } })
    const bytes = read({ ...binary(event), 'content-type': 'image/png' }, new Uint8Array([0, 255]))
    expect(openRecord(bytes).event).toMatchObject({ ...event, data_base64: 'AP8=' })
  })

  it('what no database could store or index is cut, and a tenant is never cut to another one', () => {
    const record = read(binary({ tenantid: 'x'.repeat(129), id: 'i\0d', type: 't'.repeat(5_000) }), '')
    expect(record).toMatchObject({ tenantId: '', eventId: 'i\uFFFDd', type: 't'.repeat(255) })
    expect(openRecord(record).flaw).toBeDefined()
  })
})
