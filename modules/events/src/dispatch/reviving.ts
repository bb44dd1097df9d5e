import { type LogRecord, toId } from '@soma/kernel'
import type { DeadLetterRow } from '../dead-letters/store.ts'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'
import { type HeldEvent, placeKey } from './held-event.ts'
import { restoreRow } from './load.ts'
import { finish, promote } from './promoting.ts'

/** A replayed dead letter goes to the dispatcher that is in memory; one that is not finds the row when it is made. */
export function revive(groups: Groups, row: DeadLetterRow, envelope: string): void {
  const group = groups.loaded().find(({ config }) => config.group === row.grp)
  if (group === undefined) return
  const blocked = group.rows.get(placeKey(row.topic, row.part, row.pos))
  const held =
    blocked?.state === 'blocked' ? again(group, blocked, envelope) : restoreRow(group, freshRow(row, envelope))
  if (group.queues.headOf(held.orderKey) === held) promote(group, held, { isFirst: true })
  group.assign()
}

function again(group: Group, held: HeldEvent, envelope: string): HeldEvent {
  held.attempt = 0
  held.replayId = toId('dlv', held.deliveryId)
  held.envelope = envelope
  if (held.record !== undefined) group.inMemory -= 1
  held.record = undefined
  return held
}

/** Events that a replay put before the group again. */
export function restoreReplayed(
  group: Group,
  replayId: string,
  { made, records }: { made: readonly Made[]; records: readonly LogRecord[] },
): void {
  const byPlace = new Map(records.map((record) => [placeKey(record.topic, record.part, record.position), record]))
  for (const row of made) {
    const record = byPlace.get(placeKey(row.topic, row.part, row.pos)) as LogRecord
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

const freshRow = (row: DeadLetterRow, envelope: string) => ({
  topic: row.topic,
  part: row.part,
  pos: row.pos,
  segment: row.segment,
  delivery_id: row.delivery_id,
  key: row.key,
  ...FRESH,
  replay_id: row.delivery_id,
  envelope,
})

/** A discarded dead letter that blocked its key frees it. */
export function unblock(groups: Groups, row: DeadLetterRow): void {
  const group = groups.loaded().find(({ config }) => config.group === row.grp)
  const held = group?.rows.get(placeKey(row.topic, row.part, row.pos))
  if (group === undefined || held?.state !== 'blocked') return
  finish(group, held)
  group.assign()
}
