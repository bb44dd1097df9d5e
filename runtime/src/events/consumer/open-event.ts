import { type EventEnvelope, type LogRecord, openRecord, type Problem } from '@soma/kernel'
import { eventProblems } from './failure.ts'

/** What makes a handler's transaction possible at all. */
const NEEDED = ['id', 'source', 'type', 'specversion', 'tenantid'] as const
/** What every event of the platform has; only a writer outside it can leave one out. */
const STAMPED = ['traceparent', 'dataschema'] as const

/** The event of a record, or the reason why it is none. */
export function openEvent(
  record: LogRecord,
  writableFromOutside: boolean,
): { event: EventEnvelope; invalid?: undefined } | { event?: undefined; invalid: Problem } {
  try {
    const event = openRecord(record)
    const wanted = writableFromOutside ? [...NEEDED, ...STAMPED] : NEEDED
    const missing = wanted.filter((name) => typeof event[name] !== 'string' || event[name] === '')
    if (missing.length === 0) return { event }
    return { invalid: eventProblems.envelopeInvalid.create(`the event lacks ${missing.join(', ')}`) }
  } catch (error) {
    return { invalid: eventProblems.envelopeInvalid.create('the event is no JSON object', { cause: error }) }
  }
}
