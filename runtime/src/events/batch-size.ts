import type { EventBus } from '@soma/kernel'

const MIN_BATCH = 10
export const MAX_BATCH = 1_000
const START_BATCH = 500
/** A bus whose p95 is below gets larger batches. */
const FAST_MS = 100
/** Appends that the p95 looks back on: one slow one of them is none of the bus's habits. */
const LOOK_BACK = 20

/** How many events go to the bus at once. It follows what the bus takes and how long that lasts, whatever the database does beside it. */
export interface BatchSize {
  now(): number
  /** The bus, watched. */
  readonly bus: EventBus
}

export function createBatchSize(bus: EventBus, nowMs: () => number = () => performance.now()): BatchSize {
  let size = START_BATCH
  let lasted: number[] = []
  const halve = () => {
    size = Math.max(MIN_BATCH, Math.floor(size / 2))
    lasted = []
  }
  const note = (ms: number) => {
    lasted = [...lasted.slice(1 - LOOK_BACK), ms]
    const p95 = lasted.toSorted((left, right) => left - right)[Math.ceil(lasted.length * 0.95) - 1] as number
    if (p95 < FAST_MS) size = Math.min(MAX_BATCH, Math.ceil(size * 1.25))
    else if (p95 > 10 * FAST_MS) halve()
  }
  return {
    now: () => size,
    bus: {
      ...bus,
      append: async (records, session) => {
        const startedAt = nowMs()
        try {
          const positions = await bus.append(records, session)
          note(nowMs() - startedAt)
          return positions
        } catch (error) {
          halve()
          throw error
        }
      },
    },
  }
}
