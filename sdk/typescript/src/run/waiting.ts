import { setTimeout as wait } from 'node:timers/promises'

/** Waits; ends early, without a throw, when the signal aborts. `ref: false` does not keep the process alive. */
export async function sleep(ms: number, signal: AbortSignal, { ref = true } = {}): Promise<void> {
  try {
    await wait(ms, undefined, { signal, ref })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): anything between nothing and the doubled step. */
export const fullJitter = (attempt: number, step: { baseMs: number; maxMs: number }, draw = Math.random): number =>
  draw() * Math.min(step.maxMs, step.baseMs * 2 ** attempt)
