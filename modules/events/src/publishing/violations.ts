import type { Clock, Context, EventEnvelope } from '@soma/kernel'
import { eventSchemaViolated } from '../../contract/facts.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import type { Admitted } from './admission.ts'

const EVERY_MS = 3_600_000
const ERRORS_SHOWN = 10

export interface Violations {
  /** The fact for an event accepted in `warn` mode although it does not fit; at most one an hour per tenant and type, with the count since the last. */
  factsOf(context: Context, admitted: Admitted): EventEnvelope[]
}

export function createViolations(clock: Clock): Violations {
  const seen = new Map<string, { count: number; saidAt: number }>()
  return {
    factsOf: (context, { prepared: { envelope }, violations }) => {
      if (violations.length === 0) return []
      const key = `${context.tenantId}\0${envelope.topic}\0${envelope.type}`
      const now = clock.now().getTime()
      const entry = seen.get(key) ?? { count: 0, saidAt: Number.NEGATIVE_INFINITY }
      entry.count += 1
      seen.set(key, entry)
      if (now - entry.saidAt < EVERY_MS) return []
      const { count } = entry
      entry.count = 0
      entry.saidAt = now
      const data = {
        topic: envelope.topic,
        type: envelope.type,
        source: envelope.source,
        count,
        errors: violations.slice(0, ERRORS_SHOWN).map(({ pointer, code, detail }) => ({ pointer, code, detail })),
      }
      return [factEnvelope(eventSchemaViolated, data, { about: context, now: clock.now(), key: envelope.type })]
    },
  }
}
