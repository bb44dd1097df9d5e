import { describe, expect, it } from 'vitest'
import type { LogRecord } from './ports/event-bus.ts'
import { openRecord, standInFor } from './stored-event.ts'

const good = {
  specversion: '1.0',
  id: 'evt-1',
  source: '/kiosk/1',
  type: 'kiosk.sold',
  topic: 'business-facts',
  time: '2026-01-02T03:04:05Z',
  dataschema: '/v1/registry/schemas/kiosk.sold/versions/1.0.0',
  tenantid: 'tenant-a',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: { cups: 2 },
}

const recordOf = (envelope: object | string, beside: Partial<LogRecord> = {}): LogRecord => ({
  topic: 'business-facts',
  part: 3,
  segment: 1,
  position: 42,
  recordedAt: new Date('2026-01-02T03:04:05.678Z'),
  tenantId: 'tenant-a',
  eventId: 'evt-1',
  type: 'kiosk.sold',
  key: 'k',
  userId: null,
  envelope: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
  ...beside,
})

const detailOf = (envelope: object | string, beside: Partial<LogRecord> = {}) =>
  openRecord(recordOf(envelope, beside)).flaw?.detail

describe('an event read from the log', () => {
  it('carries the time and the place that the log gave it, and never a replay of its own', () => {
    const { event } = openRecord(recordOf({ ...good, replayid: 'mine', sequence: '0-1', topic: 'elsewhere' }))
    expect(event).toEqual({ ...good, recordedtime: '2026-01-02T03:04:05.678Z', sequence: '3-0000000000000042' })
  })

  it('may lack what the log knows, and attributes that are null are absent', () => {
    const { topic: _topic, time: _time, ...rest } = good
    const { event } = openRecord(recordOf({ ...rest, subject: null, data: null }))
    expect(event).toMatchObject({ topic: 'business-facts', time: '2026-01-02T03:04:05.678Z', data: null })
    expect(event).not.toHaveProperty('subject')
  })

  it.each(['id', 'source', 'type', 'specversion', 'tenantid', 'traceparent', 'dataschema'])(
    'is none without %s, and the flaw names it',
    (name) => {
      expect(detailOf({ ...good, [name]: undefined })).toContain(name)
      expect(detailOf({ ...good, [name]: '' })).toContain(name)
      expect(detailOf({ ...good, [name]: null })).toContain(name)
    },
  )

  it.each(['{"no', 'null', '"text"', '[]', '', '\0'])('is none when the text is no JSON object: %j', (text) => {
    expect(detailOf(text)).toBe('the record is no JSON object')
  })

  it.each<Readonly<Record<string, unknown>>>([
    { specversion: '0.3' },
    { id: 7 },
    { source: {} },
    { id: 'x'.repeat(129) },
    { type: 'Kiosk.Sold' },
    { subject: 'x'.repeat(256) },
    { planid: ['p'] },
    { expirytime: 'soon' },
    { outcome: 'perhaps' },
    { responsetopic: 'no-topic' },
    { responsetype: 'one' },
    { Subject: 'upper' },
    { unknown: { deep: true } },
    { constructor: {} },
    { data_base64: 'AA==' },
  ])('is none with an attribute of a wrong kind or length: %j', (wrong) => {
    expect(detailOf({ ...good, ...wrong })).toBeDefined()
  })

  it('takes extensions that the platform does not know, also numbers and booleans', () => {
    expect(detailOf({ ...good, temperature: 21, open: true, colour: 'red', constructor: 'x' })).toBeUndefined()
  })

  it('is none when id, type or user beside it are others: readers select by the one and hand out the other', () => {
    expect(detailOf(good, { eventId: 'evt-2' })).toBeDefined()
    expect(detailOf(good, { type: 'kiosk.closed' })).toBeDefined()
    expect(detailOf(good, { userId: 'usr-1' })).toBeDefined()
    expect(detailOf({ ...good, userid: 'usr-1' })).toBeDefined()
    expect(detailOf({ ...good, userid: 'usr-1' }, { userId: 'usr-1' })).toBeUndefined()
  })

  it('is none when another program nested it deeper than anybody could write it again, or made it too long', () => {
    const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const text = JSON.stringify(good).replace('{"cups":2}', nested)
    expect(detailOf(text, { isForeign: true })).toContain('deeper')
    expect(detailOf({ ...good, data: 'x'.repeat(1_048_577) })).toContain('longer')
  })
})

describe('whose a record is that is no event', () => {
  const ownerOf = (envelope: object | string, beside: Partial<LogRecord> = {}) =>
    openRecord(recordOf(envelope, beside)).flaw?.tenantId

  it('is the tenant beside it where the record names no other', () => {
    expect(ownerOf('no event')).toBe('tenant-a')
    expect(ownerOf({ ...good, traceparent: undefined })).toBe('tenant-a')
    expect(ownerOf('{"tenantid": "tenant-a", "cut')).toBe('tenant-a')
  })

  it('is nobody’s where the tenant beside it is missing or contradicted by the record, whole or cut', () => {
    expect(ownerOf('no event', { tenantId: '' })).toBeUndefined()
    expect(ownerOf({ ...good, tenantid: 'tenant-b' })).toBeUndefined()
    expect(ownerOf({ ...good, tenantid: 7 })).toBeUndefined()
    expect(ownerOf('{"tenantid" : "tenant-b", "data": {"sec')).toBeUndefined()
    expect(ownerOf('[{"tenantid":"tenant-b"}]')).toBeUndefined()
  })

  it('what stands in for it keeps its text for its owner alone, and is no event itself', () => {
    const record = recordOf('no \0 event')
    const own = standInFor(record, { detail: '', tenantId: 'tenant-a' })
    expect(own).toMatchObject({
      id: 'evt-1',
      tenantid: 'tenant-a',
      data: 'no \0 event',
      sequence: '3-0000000000000042',
    })
    expect(openRecord({ ...record, envelope: JSON.stringify(own) }).flaw).toBeDefined()
    expect(standInFor(record, { detail: '', tenantId: undefined })).not.toHaveProperty('data')
  })
})
