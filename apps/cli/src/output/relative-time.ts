const STEPS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** `3m ago`, `in 2h`, `now`: for people. */
export function relativeTime(iso: string, nowMs: number): string {
  const distanceMs = nowMs - new Date(iso).getTime()
  const text = duration(Math.abs(distanceMs))
  if (text === '0s') return 'now'
  return distanceMs > 0 ? `${text} ago` : `in ${text}`
}

/** The largest unit that fits: `59s`, `3m`, `5h`, `12d`. */
export function duration(ms: number): string {
  const [unit, size] = STEPS.find(([, stepMs]) => ms >= stepMs) ?? ['s', 1000]
  return `${Math.floor(ms / size)}${unit}`
}
