import type { HeldPartition } from '../cursors/store.ts'
import type { DeliveryPlace } from '../deliveries/store.ts'
import { createWindow, type Entry, type Window } from './window.ts'

/** A partition while this process holds it. A new claim makes a new one, with a new epoch. */
export interface PartitionRun {
  readonly held: HeldPartition
  readonly window: Window
  readonly lanes: Map<string, Lane>
  /** The last position that was written as cursor. */
  committed: number
  /** Another node has it or may have it: nothing more is recorded. */
  lost: boolean
  /** Another member shall have it: nothing new starts. */
  draining: boolean
  isReading: boolean
  readAgain: boolean
  /** Reading stopped because the window was full. */
  hasMore: boolean
}

/**
 * The events of one key of one tenant, in order, one in hand at a time.
 * free: `queue` is run from its front. blocked: an earlier event of the key waits in `events.delivery`; it runs at `dueAt`, and `queue` is parked behind it.
 */
export interface Lane {
  readonly id: string
  readonly run: PartitionRun
  readonly tenantId: string
  readonly key: string
  readonly queue: Entry[]
  blocked: boolean
  /** `performance.now()` time of the next try. */
  dueAt: number
  /** Rows behind the one that waits. */
  parked: number
  isReady: boolean
  isActive: boolean
  /** A dead letter of the key has a row again, before all others: it is next, whatever the step in hand leaves behind. */
  isRevived: boolean
  timer: NodeJS.Timeout | undefined
}

export const createPartitionRun = (held: HeldPartition): PartitionRun => ({
  held,
  window: createWindow({ segment: held.segment, position: held.position }),
  lanes: new Map(),
  committed: held.position,
  lost: false,
  draining: false,
  isReading: false,
  readAgain: false,
  hasMore: false,
})

/** The lane of a key; the tenant is part of a key's identity. */
export function laneOf(run: PartitionRun, tenantId: string, key: string): Lane {
  const id = `${tenantId}\0${key}`
  const known = run.lanes.get(id)
  if (known !== undefined) return known
  const lane: Lane = {
    id,
    run,
    tenantId,
    key,
    queue: [],
    blocked: false,
    dueAt: 0,
    parked: 0,
    isReady: false,
    isActive: false,
    isRevived: false,
    timer: undefined,
  }
  run.lanes.set(id, lane)
  return lane
}

export const placeIn = (group: string, lane: Lane, at: { segment: number; position: number }): DeliveryPlace => ({
  group,
  topic: lane.run.held.topic,
  part: lane.run.held.part,
  epoch: lane.run.held.epoch,
  segment: at.segment,
  position: at.position,
  tenantId: lane.tenantId,
  key: lane.key,
})

export function loseRun(run: PartitionRun): void {
  run.lost = true
  for (const lane of run.lanes.values()) clearTimeout(lane.timer)
  run.lanes.clear()
}
