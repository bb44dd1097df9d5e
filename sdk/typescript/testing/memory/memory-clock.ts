import type { Clock } from '@soma/kernel'

/** Time that stands still until it is moved. */
export interface MemoryClock extends Clock {
  nowMs(): number
  iso(): string
  advance(ms: number): void
}

/** Any fixed instant does; this one is recognised in output. */
const START = Date.UTC(2030, 0, 1)

export function createMemoryClock(): MemoryClock {
  let nowMs = START
  return {
    now: () => new Date(nowMs),
    nowMs: () => nowMs,
    iso: () => new Date(nowMs).toISOString(),
    advance: (ms) => void (nowMs += ms),
  }
}
