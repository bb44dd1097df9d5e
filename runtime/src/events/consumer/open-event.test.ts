import type { LogRecord } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import { anEnvelope } from '../../../testing/event-spine.ts'
import { openEvent } from './open-event.ts'

const recordOf = (envelope: unknown): LogRecord => ({
  topic: 'memory',
  part: 3,
  segment: 1,
  position: 42,
  recordedAt: new Date('2026-01-02T03:04:05.678Z'),
  tenantId: 'a',
  eventId: 'e',
  type: 't.t',
  key: 'k',
  userId: null,
  envelope: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
})

describe('an event read from the log', () => {
  it('carries the time and the place that the log gave it', () => {
    const { event } = openEvent(recordOf(anEnvelope()), false)
    expect(event).toMatchObject({ recordedtime: '2026-01-02T03:04:05.678Z', sequence: '3-0000000000000042' })
  })

  it.each(['id', 'source', 'type', 'specversion', 'tenantid', 'traceparent', 'dataschema'])(
    'from a bus that others write to, one without %s is invalid and the detail names it',
    (name) => {
      const { [name]: _left, ...rest } = anEnvelope()
      const { invalid } = openEvent(recordOf(rest), true)
      expect(invalid).toMatchObject({ code: 'envelope-invalid', retryable: false })
      expect(invalid?.message).toContain(name)
    },
  )

  it.each(['{"no', 'null', '"text"', '[]'])('text that is no event is invalid: %s', (text) => {
    expect(openEvent(recordOf(text), false).invalid?.code).toBe('envelope-invalid')
  })
})
