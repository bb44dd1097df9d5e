const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** What a failed attempt waits for the next one (NTF-R28). */
const DELAYS_MS = [
  5000,
  30_000,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
] as const
const JITTER = 0.1
/** No target makes its deliveries wait longer. */
const LONGEST_MS = 24 * HOUR_MS

export const PUSH_ATTEMPTS = DELAYS_MS.length + 1

/** ± 10 %; later where the target asks for it. */
export function pushDelayMs(attempt: number, askedMs = 0, random: () => number = Math.random): number {
  const base = DELAYS_MS[Math.min(attempt, DELAYS_MS.length) - 1] ?? DELAYS_MS[0]
  const jittered = Math.round(base * (1 - JITTER + 2 * JITTER * random()))
  return Math.min(LONGEST_MS, Math.max(jittered, askedMs))
}

/** Of a `Retry-After`, in seconds or as a date; 0 where it says neither. */
export function retryAfterMs(header: unknown, now: Date): number {
  if (typeof header !== 'string') return 0
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime()
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}
