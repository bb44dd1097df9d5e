/** How figures are printed: one line a figure, with its spread over the rounds, the floor or peer of the same run, and the goal. */

export interface Figure {
  /** `events.light` */
  readonly bench: string
  /** What was measured, with its unit: `p50, ms`. */
  readonly what: string
  /** One value a round. */
  readonly values: readonly number[]
  /** What the same run measured beside it. */
  readonly beside?: { readonly what: string; readonly values: readonly number[] }
  readonly goal?: { readonly text: string; readonly isMet: boolean }
}

/** The runner collects lines that begin so. */
export const FIGURE_MARK = '| '

export function printFigure({ bench, what, values, beside, goal }: Figure): void {
  const peer = beside === undefined ? '' : `${beside.what} ${withSpread(beside.values)}`
  const verdict = goal === undefined ? '' : goal.isMet ? 'met' : '**missed**'
  console.log(`| ${[bench, what, withSpread(values), peer, goal?.text ?? '', verdict].join(' | ')} |`)
}

/** `2.9 (2.7–3.4)`: the median with the least and the most of the rounds. */
function withSpread(values: readonly number[]): string {
  const sorted = values.toSorted((left, right) => left - right)
  if (sorted.length < 2) return short(sorted[0] ?? Number.NaN)
  return `${short(median(values))} (${short(sorted[0] as number)}–${short(sorted.at(-1) as number)})`
}

const short = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Runs one round after another. */
export async function rounds<T>(count: number, round: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let index = 0; index < count; index++) results.push(await round(index))
  return results
}

/** Begins `perSecond` calls a second for `seconds`, whether or not earlier ones have ended. */
export async function atRate<T>(perSecond: number, seconds: number, call: (index: number) => Promise<T>): Promise<T[]> {
  const startedAt = performance.now()
  const calls: Promise<T>[] = []
  for (let index = 0; index < perSecond * seconds; index++) {
    const waitMs = startedAt + (index * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    calls.push(call(index))
  }
  return Promise.all(calls)
}

/** Makes `count` calls with so many at once; answers calls a second. */
export async function perSecond(
  count: number,
  atOnce: number,
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now()
  let next = 0
  const lane = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return (count * 1_000) / (performance.now() - startedAt)
}
