import type { EventEnvelope } from '@soma/kernel'

/** An event that a caller publishes, with what tells a repeat from a reuse of its id. */
export interface PreparedEvent {
  readonly envelope: EventEnvelope
  /** Hash of source and id. */
  readonly identity: string
  /** Hash of what the caller wrote. */
  readonly content: string
  /** UTF-8 bytes of what the caller wrote, without what the server stamps. */
  readonly contentBytes: number
}

/** A place in the log, seen by one group. */
export interface Place {
  readonly group: string
  readonly topic: string
  readonly part: number
  readonly position: number
  readonly segment: number
}

export interface LeaseReference {
  readonly deliveryId: string
  readonly memberId: string
  readonly attempt: number
}

/** A row that is leased to a member (`memberId`, `leaseMs`) or parked behind its key (both null, attempt 0). */
export interface HeldRow extends Place {
  readonly deliveryId: string
  readonly tenantId: string
  readonly key: string
  readonly attempt: number
  readonly memberId: string | null
  readonly leaseMs: number | null
}

/** A lease that ended without success: the row waits for its next attempt. */
export interface ReturnedRow {
  readonly deliveryId: string
  readonly attempt: number
  readonly delayMs: number
  /** One entry of the history; null where nothing failed. */
  readonly failure: Json | null
}

export interface DeadRow {
  readonly deliveryId: string
  readonly tenantId: string
  readonly place: Place
  readonly event: { readonly id: string; readonly type: string; readonly key: string; readonly envelope: string }
  readonly failure: Json
  readonly problem: Json
  readonly handler: string | null
  /** Keeps the row, so that its key stays blocked. */
  readonly isBlocking: boolean
}

export interface ExtendedRow extends LeaseReference {
  readonly leaseMs: number
}

export interface CursorRow {
  readonly group: string
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly position: number
  /** As the dispatcher read it: whoever moved the cursor by other means raised it. */
  readonly epoch: number
}

/** The right of a process to dispatch a subscription, as `runtime.claim_lease` gave it. */
export interface Fence {
  readonly lease: string
  readonly owner: string
  readonly epoch: number
}

export type Json = { readonly [member: string]: unknown }

/** What one caller wants written, all or nothing. Requests of many callers share a transaction. */
export interface WriteRequest {
  /** Published where none of their ids was used for other content, and the ack (if any) still holds its lease. */
  readonly events?: readonly PreparedEvent[]
  readonly ack?: LeaseReference
  /** The lease that the request takes from its member. Read only where several processes write: there another one may have settled it. */
  readonly ends?: LeaseReference
  /** Read only where several processes write. */
  readonly fence?: Fence
  /** Facts of this module: written as they are. */
  readonly facts?: readonly EventEnvelope[]
  readonly returned?: readonly ReturnedRow[]
  readonly dead?: readonly DeadRow[]
  readonly held?: readonly HeldRow[]
  readonly extended?: readonly ExtendedRow[]
  readonly cursors?: readonly CursorRow[]
}

export type EventOutcome =
  | { readonly status: 'accepted'; readonly recordedAt: string; readonly sequence?: string }
  | { readonly status: 'duplicate'; readonly recordedAt: string }
  | { readonly status: 'reused' }

export type WriteResult =
  /** `isFenced`: a cursor was moved by other means (seek, retention), so it stays where that put it. */
  | { readonly status: 'written'; readonly events: readonly EventOutcome[]; readonly isFenced: boolean }
  /** The lease of the ack, or the one that ends, is not the member's any more. Nothing of the request was written. */
  | { readonly status: 'lost' }
  /** Another process dispatches the subscription. Nothing of the request was written. */
  | { readonly status: 'replaced' }
  /** An id was used for other content. Nothing of the request was written. */
  | { readonly status: 'refused'; readonly events: readonly EventOutcome[] }
