import type { LogReader, LogRecord, SqlSession } from '@soma/kernel'
import {
  eventIn,
  type EventFilter,
  hasVersionWithin,
  matches,
  readingsOf,
  type TopicReadings,
} from '../log/event-filter.ts'
import { readsOf } from '../subscriptions/config.ts'
import { findSubscription } from '../subscriptions/store.ts'
import type { ReplayFilter, ReplayPlace, ReplayRow } from './store.ts'

/** Which records a replay puts before its group: those of its tenant and space that the group reads and the filter names. */
export interface Wanted {
  readonly tenantId: string
  readonly group: { readonly readings: TopicReadings; readonly filter: EventFilter } | undefined
  readonly own: { readonly readings: TopicReadings | undefined; readonly filter: EventFilter }
  readonly key: string | undefined
}

export async function wantedBy(
  session: SqlSession,
  row: Pick<ReplayRow, 'grp' | 'tenant_id' | 'space_id' | 'filter'>,
): Promise<Wanted> {
  const { types, topics, key }: ReplayFilter = row.filter
  const subscription = row.grp.startsWith('sub:') ? await findSubscription(session, row.grp.slice(4)) : undefined
  const found = topics === undefined ? undefined : readingsOf(topics)
  return {
    tenantId: row.tenant_id,
    group: subscription === undefined ? undefined : readsOf(subscription),
    own: {
      readings: found !== undefined && 'readings' in found ? found.readings : undefined,
      filter: {
        ...(types === undefined ? {} : { types }),
        ...(row.space_id === '' ? {} : { spaceId: row.space_id }),
      },
    },
    key,
  }
}

export function isWanted(record: LogRecord, { tenantId, group, own, key }: Wanted): boolean {
  if (record.tenantId !== tenantId || (key !== undefined && record.key !== key)) return false
  // It was buried when the group came by.
  if (eventIn(record) === undefined) return false
  if (group !== undefined && !matches(record, group.readings, group.filter)) return false
  if (!hasVersionWithin(record, group?.filter.versions)) return false
  return matches(record, own.readings ?? allOf(record), own.filter)
}

const allOf = ({ topic }: LogRecord): TopicReadings => {
  const found = readingsOf([topic])
  return 'readings' in found ? found.readings : new Map()
}

/** Reads on from a place, up to `limit` wanted records or `until`. Answers them with the place after the last that was looked at. */
export async function readWanted(
  reader: LogReader,
  place: ReplayPlace,
  { wanted, until, limit }: { wanted: Wanted; until: number; limit: number },
): Promise<{ records: LogRecord[]; place: ReplayPlace }> {
  const last = Math.min(place.end, until)
  if (place.position >= last || limit <= 0) return { records: [], place }
  const read = await reader.read(place.topic as never, place.part, place, Math.max(limit, 100))
  const records: LogRecord[] = []
  let { segment, position } = place
  for (const record of read) {
    if (record.position > last || records.length === limit) return { records, place: { ...place, segment, position } }
    if (isWanted(record, wanted)) records.push(record)
    segment = record.segment
    position = record.position
  }
  // What is not there up to the head was trimmed.
  return { records, place: { ...place, segment, position: read.length === 0 ? last : position } }
}
