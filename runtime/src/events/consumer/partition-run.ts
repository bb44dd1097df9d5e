import type { HeldPartition } from '../cursors/store.ts'
import type { DeliveryPlace } from '../deliveries/store.ts'
import type { Lane } from './lanes.ts'
import { createWindow, type Window } from './window.ts'

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
