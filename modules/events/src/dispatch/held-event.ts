import { type EventEnvelope, type LogRecord, standInFor, toId } from '@soma/kernel'
import { openOnce } from '../log/event-filter.ts'
import type { Place } from '../writer/requests.ts'
import type { DeliveryData, FrameSink } from './frame-queue.ts'

/**
 * An event on its way to one group, from the moment it is read until it is finished.
 *
 *   waiting → ready → leased → (finished)
 *               ↑        ↓ lapse, nack
 *               └─ delayed    → dead, or blocked where the subscription keeps the key
 *
 * `waiting` stands behind an earlier event of its key. Only the head of a key is ever in another state.
 */
export interface HeldEvent extends Place {
  readonly tenantId: string
  readonly key: string
  /** What is ordered: topic and key, or the event alone in an unordered group. */
  readonly orderKey: string
  readonly deliveryId: string
  /** Absent while it is parked in the database only. */
  record: LogRecord | undefined
  state: 'waiting' | 'ready' | 'leased' | 'delayed' | 'blocked' | 'finished'
  /** Attempts begun. */
  attempt: number
  /** A member of this process had it in hand and gave it back: whoever gets it next may find traces. Forgotten when the dispatcher moves. */
  wasReturned: boolean
  /** It has a row in events.delivery, so the cursor may pass it. */
  hasRow: boolean
  /** A settlement or failure of it is being written: no lapse, no second settlement. */
  isSettling: boolean
  /** Wire id of the replay that it is delivered by: of a dead letter its own id, else `rpl_…`. */
  replayId: string | undefined
  /** The event that a replay brings along: edited, or gone from the log since it died. */
  envelope: string | undefined
  member: Member | undefined
  leasedAtMs: number
  leaseUntilMs: number
  dueAtMs: number
}

/** One reader of a group. It outlives its stream: who comes back with the same id gets its leased deliveries again (EVT-R29). */
export interface Member {
  readonly id: string
  readonly principalId: string
  /** The process of an agent that it belongs to, where its stream named one. */
  agentInstanceId: string | undefined
  credits: number
  readonly inFlight: Map<string, HeldEvent>
  /** Absent while it is not connected by a stream. */
  sink: FrameSink | undefined
  /** Where its stream is, when another process has it. */
  host: { readonly node: string; readonly stream: string } | undefined
  /** When the leases of a broken stream are freed; of one at another process: when it is given up unless that says it is there. */
  graceUntilMs: number
}

export const placeKey = (topic: string, part: number, position: number): string => `${topic}:${part}:${position}`

/** What a member is sent. The record is loaded by then. */
export const deliveryOf = (held: HeldEvent, isAgain: boolean): DeliveryData => ({
  deliveryId: toId('dlv', held.deliveryId),
  attempt: held.attempt,
  leaseUntil: new Date(held.leaseUntilMs).toISOString(),
  redelivered: isAgain || held.wasReturned || held.attempt > 1,
  event: eventOf(held),
})

/** What is handed out or buried. Of a record that is no event, what stands in for it. */
export const storedIn = ({ record }: HeldEvent): EventEnvelope => {
  const { event, flaw } = openOnce(record as LogRecord)
  return event ?? standInFor(record as LogRecord, flaw)
}

export const eventOf = (held: HeldEvent): EventEnvelope => {
  const event = storedIn(held)
  return held.replayId === undefined ? event : { ...event, replayid: held.replayId }
}
