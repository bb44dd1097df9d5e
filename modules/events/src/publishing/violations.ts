import type { Clock, Context, EventEnvelope, ModuleDatabase, SqlSession } from '@soma/kernel'
import { eventSchemaViolated } from '../../contract/facts.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import type { Admitted } from './admission.ts'

const EVERY_MS = 3_600_000
const ERRORS_SHOWN = 10

export interface Violations {
  /**
   * The fact for an event accepted in `warn` mode although it does not fit: at most one an hour per tenant, topic and type over all processes, with the count
   * of those that this process saw since it last said so.
   */
  factsOf(context: Context, admitted: Admitted): Promise<EventEnvelope[]>
}

export function createViolations({ clock, database }: { clock: Clock; database: ModuleDatabase }): Violations {
  const seen = new Map<string, { count: number; saidAtMs: number }>()
  return {
    factsOf: async (context, { prepared: { envelope }, violations }) => {
      if (violations.length === 0) return []
      const { topic, type, source } = envelope
      const key = `${context.tenantId}\0${topic}\0${type}`
      const entry = seen.get(key) ?? { count: 0, saidAtMs: Number.NEGATIVE_INFINITY }
      seen.set(key, entry)
      entry.count += 1
      const now = clock.now()
      if (now.getTime() - entry.saidAtMs < EVERY_MS) return []
      const said = await database.transaction(context, (tx) =>
        claimHour(tx, { tenantId: context.tenantId, topic, type, now }),
      )
      entry.saidAtMs = said.at.getTime()
      if (!said.byUs) return []
      const { count } = entry
      entry.count = 0
      const errors = violations.slice(0, ERRORS_SHOWN).map(({ pointer, code, detail }) => ({ pointer, code, detail }))
      const data = { topic, type, source, count, errors }
      return [factEnvelope(eventSchemaViolated, data, { about: context, now, key: type })]
    },
  }
}

/** Takes the right to speak for an hour, or says when another process took it. */
async function claimHour(
  session: SqlSession,
  { tenantId, topic, type, now }: { tenantId: string; topic: string; type: string; now: Date },
): Promise<{ at: Date; byUs: boolean }> {
  const place = [tenantId, topic, type]
  const claimed = await session.execute(
    `insert into events.schema_violations (tenant_id, topic, type, said_at) values ($1, $2, $3, $4::timestamptz)
     on conflict (tenant_id, topic, type) do update set said_at = excluded.said_at
       where schema_violations.said_at <= excluded.said_at - ${EVERY_MS} * interval '1 millisecond'`,
    [...place, now.toISOString()],
  )
  if (claimed > 0) return { at: now, byUs: true }
  const rows = await session.query<{ said_at: Date }>(
    'select said_at from events.schema_violations where tenant_id = $1 and topic = $2 and type = $3',
    place,
  )
  return { at: rows[0]?.said_at ?? now, byUs: false }
}
