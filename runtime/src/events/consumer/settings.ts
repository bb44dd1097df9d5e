/** How a group of handlers runs. */
export interface ConsumerSettings {
  /** Events of different keys in hand at once in this process. Default 64. */
  readonly concurrency: number
  /** Tries before an event becomes a dead letter. Default 5. */
  readonly maxAttempts: number
  /** A handler that takes longer is aborted and counts as failed with `timeout`. Default 30,000. */
  readonly handlerTimeoutMs: number
  /** A handler that takes longer gets a delivery of its own, so that the cursor moves on. Default 5,000. */
  readonly slowHandlerMs: number
  /** Parked events of the group at which its partitions stop. Default 10,000. */
  readonly maxParked: number
  readonly backoff: BackoffSettings
  /** Life of a partition's lease; it is renewed every 3/10 of it. Default 9,000: who takes over needs up to a second, and keys of a process that died move within 10 s. */
  readonly leaseMs: number
  /** Longest wait before finished positions are written. Default 100. */
  readonly commitEveryMs: number
  /** Distinct keys that must fail in a row with `unavailable`, `timeout` or `rate-limited` to suspend the group. Default 5. */
  readonly suspendAfterKeys: number
  /** Pause between the single tries of a suspended group. Default 5,000. */
  readonly probeEveryMs: number
}

export interface BackoffSettings {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
}

export const consumerDefaults: ConsumerSettings = {
  concurrency: 64,
  maxAttempts: 5,
  handlerTimeoutMs: 30_000,
  slowHandlerMs: 5_000,
  maxParked: 10_000,
  backoff: { baseMs: 1_000, factor: 2, maxMs: 60_000 },
  leaseMs: 9_000,
  commitEveryMs: 100,
  suspendAfterKeys: 5,
  probeEveryMs: 5_000,
}

/** Full jitter: anything up to min(maxMs, baseMs·factor^(attempt − 1)), so that keys that failed together do not come back together. */
export function backoffMs(attempt: number, { baseMs, factor, maxMs }: BackoffSettings, random = Math.random): number {
  return random() * Math.min(maxMs, baseMs * factor ** (attempt - 1))
}
