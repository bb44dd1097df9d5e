import type { LogRecord } from '@soma/kernel'
import type { Group } from './group.ts'
import { placeKey } from './held-event.ts'
import { restoreRow } from './load.ts'
import { promote } from './promoting.ts'

/** Events that a replay put before the group again. */
export function restoreReplayed(
  group: Group,
  replayId: string,
  { made, records }: { made: readonly Made[]; records: readonly LogRecord[] },
): void {
  const byPlace = new Map(records.map((record) => [placeKey(record.topic, record.part, record.position), record]))
  for (const row of made) {
    const record = byPlace.get(placeKey(row.topic, row.part, row.pos)) as LogRecord
    // Found already by a look at what other processes wrote.
    if (group.rows.has(placeKey(row.topic, row.part, row.pos))) continue
    const { segment, key } = record
    const held = restoreRow(group, { ...FRESH, ...row, segment, key, replay_id: replayId, envelope: null })
    held.record = record
    group.inMemory += 1
    if (group.queues.headOf(held.orderKey) === held) promote(group, held)
  }
  group.assign()
}

type Made = { readonly delivery_id: string; readonly topic: string; readonly part: number; readonly pos: number }

const FRESH = { attempt: 0, due_ms: 0, member: null, principal_id: null, lease_ms: null }
