import type { Logger } from '@soma/kernel'
import type { Lane } from './partition-run.ts'
import type { Suspension } from './suspension.ts'

export interface LanesOptions {
  readonly concurrency: number
  readonly probeEveryMs: number
  readonly suspension: Suspension
  readonly canPark: () => boolean
  readonly log: Logger
  /** Does the next thing of a lane: runs, retries or parks. */
  readonly step: (lane: Lane) => Promise<void>
}

export interface Lanes {
  /** Lets the lane run when it has work and there is room. Call after every change of a lane. */
  wake(lane: Lane): void
  /** A dead letter of the key is to be delivered again. */
  revive(lane: Lane): void
  /** Starts what waits, after a suspension has ended. */
  drain(): void
  inHand(): number
  /** No new step starts; resolves when none is in hand. */
  stop(): Promise<void>
}

export function createLanes(options: LanesOptions): Lanes {
  const { suspension } = options
  const ready: Lane[] = []
  const active = new Set<Promise<void>>()
  let stopped = false
  let probe: NodeJS.Timeout | undefined

  const hasWork = (lane: Lane): boolean => {
    if (lane.run.lost || lane.run.draining) return false
    if (!lane.blocked) return lane.queue.length > 0
    return performance.now() >= lane.dueAt || (lane.queue.length > 0 && options.canPark())
  }
  const start = (lane: Lane) => {
    lane.isReady = false
    lane.isActive = true
    const step = run(lane)
    active.add(step)
    void step.then(() => active.delete(step)).then(drain)
  }
  const run = async (lane: Lane) => {
    try {
      if (hasWork(lane)) await options.step(lane)
    } catch (error) {
      // A step records every outcome itself, so this is a bug of the loop: the lane waits a moment and goes on.
      options.log.error('a delivery step failed', { key: lane.key, topic: lane.run.held.topic, error })
      lane.dueAt = performance.now() + 1_000
    } finally {
      lane.isActive = false
      settle(lane)
    }
  }
  const settle = (lane: Lane) => {
    if (lane.run.lost) return
    turnToRevived(lane)
    if (hasWork(lane)) wake(lane)
    else if (lane.blocked) arm(lane)
    else if (lane.queue.length === 0) lane.run.lanes.delete(lane.id)
  }
  const arm = (lane: Lane) => {
    clearTimeout(lane.timer)
    lane.timer = setTimeout(() => wake(lane), Math.max(1, lane.dueAt - performance.now())).unref()
  }
  const turnToRevived = (lane: Lane) => {
    if (!lane.isRevived || lane.isActive) return
    lane.isRevived = false
    lane.blocked = true
    lane.dueAt = performance.now()
  }
  const wake = (lane: Lane) => {
    turnToRevived(lane)
    if (stopped || lane.isReady || lane.isActive) return
    if (!hasWork(lane)) {
      if (lane.blocked) arm(lane)
      return
    }
    lane.isReady = true
    ready.push(lane)
    drain()
  }
  const drain = () => {
    if (suspension.isSuspended()) return scheduleProbe()
    clearTimeout(probe)
    probe = undefined
    while (!stopped && ready.length > 0 && active.size < options.concurrency) start(ready.shift() as Lane)
  }
  const scheduleProbe = () => {
    if (probe !== undefined || stopped) return
    probe = setTimeout(() => {
      probe = undefined
      const lane = active.size === 0 ? ready.shift() : undefined
      if (lane === undefined) drain()
      else start(lane)
    }, options.probeEveryMs).unref()
  }
  return {
    wake,
    revive: (lane) => {
      lane.isRevived = true
      wake(lane)
    },
    drain,
    inHand: () => active.size,
    stop: async () => {
      stopped = true
      clearTimeout(probe)
      while (active.size > 0) await Promise.all(active)
    },
  }
}
