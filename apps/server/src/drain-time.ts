import type { Configuration } from '@soma/runtime'

/** Of a drain: the rest is the relay's, and what it takes to close. */
const IN_HAND = 0.8
const UNTIL_FLUSHED = 0.9

/** How the time of a stop is shared out (EVT-R57). */
export interface DrainTime {
  /** From the signal to the end of the process. */
  readonly totalMs: number
  /** For requests, jobs and handlers that have begun; then they are cut, and what they had in hand is others'. */
  readonly inHandMs: number
  /** What the relay may still ship for. */
  flushMs(): number
}

/** `events.drainMs`, but no longer than `server.graceMs`. */
export function drainTimeOf(configuration: Configuration, draining: AbortSignal): DrainTime {
  const { graceMs } = configuration.of('server') as { graceMs: number }
  const { drainMs = graceMs } = configuration.of('events') as { drainMs?: number }
  const totalMs = Math.min(graceMs, drainMs)
  let startedAt: number | undefined
  draining.addEventListener('abort', () => (startedAt = performance.now()), { once: true })
  return {
    totalMs,
    inHandMs: totalMs * IN_HAND,
    flushMs: () => Math.max(0, totalMs * UNTIL_FLUSHED - (performance.now() - (startedAt ?? performance.now()))),
  }
}
