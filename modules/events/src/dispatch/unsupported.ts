import { type LogRecord, problemSummary, readSchemaUri } from '@soma/kernel'
import { noCompatibleConsumer } from '../../contract/problems.ts'
import { eventIn, hasVersionWithin, matches } from '../log/event-filter.ts'
import { identityOf } from '../publishing/stamp.ts'
import { readsOf, type SubscriptionRow, subscriptionOf } from '../subscriptions/config.ts'
import type { PreparedEvent } from '../writer/requests.ts'
import { failedReply } from './failed-reply.ts'
import type { Group } from './group.ts'

/** In the id of the reply in place of a group: whichever of those that pass over a request says it first, it is said once. */
const NOBODY = 'no-compatible-consumer'

/**
 * Ends the wait of requesters whose version no group of the tenant takes (REG-R7). Called before the group passes over the records. Requests that are older than the group
 * were for others.
 */
export async function refuseUnsupported(group: Group, records: readonly LogRecord[]): Promise<void> {
  const { config, dependencies } = group
  if ((config.reads.versions?.size ?? 0) === 0) return
  const requests = records.filter(
    (record) =>
      record.tenantId === config.tenantId &&
      matches(record, config.readings, config.reads) &&
      !hasVersionWithin(record, config.reads.versions) &&
      eventIn(record)?.responsetype !== undefined,
  )
  if (requests.length === 0) return
  const rows = await dependencies.busTransaction((session) =>
    session.query<SubscriptionRow>('select * from events.subscriptions where tenant_id = $1', [config.tenantId]),
  )
  const since = rows.find(({ id }) => id === subscriptionOf(config.id))?.created_at
  if (since === undefined) return
  const readers = rows.map((row) => ({ name: row.name, ...readsOf(row), versions: row.config.versions }))
  const now = dependencies.clock.now()
  const events = requests
    .filter(({ recordedAt }) => recordedAt >= since)
    .flatMap((record) => {
      const reading = readers.filter(({ readings, filter }) => matches(record, readings, filter))
      if (reading.some(({ filter }) => hasVersionWithin(record, filter.versions))) return []
      const ranges = reading.map(({ name, versions }) => `${name} takes ${versions?.[record.type]}`)
      return refusalOf(record, ranges.join(', '), now)
    })
  if (events.length > 0) await dependencies.writer.write(config.tenantId, { events })
}

function refusalOf(record: LogRecord, ranges: string, now: Date): PreparedEvent[] {
  const event = eventIn(record)
  if (event === undefined) return []
  const detail = `nobody takes ${record.type} as ${readSchemaUri(event.dataschema)?.version}: ${ranges}`
  const problem = problemSummary(noCompatibleConsumer.create(detail))
  return failedReply(event, { group: NOBODY, problem, now }).map((envelope) => {
    const identity = identityOf(envelope.source, envelope.id)
    return { envelope, identity, content: identity, contentBytes: 0 }
  })
}
