import { setTimeout as wait } from 'node:timers/promises'

/** Waits; ends early, without a throw, when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): anything between nothing and the doubled step. */
export const fullJitter = (attempt: number, step: { baseMs: number; maxMs: number }): number =>
  Math.random() * Math.min(step.maxMs, step.baseMs * 2 ** attempt)
