/** How many durations lie in each bucket: bucket n holds 1.05ⁿ up to 1.05ⁿ⁺¹ ms. Histograms merge by adding, and what is read from one is at most 2.5 % off. */
export type Histogram = ReadonlyMap<number, number>

export const BUCKET_GROWTH = 1.05

export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const merged = new Map<number, number>()
  for (const histogram of histograms)
    for (const [bucket, count] of histogram) merged.set(bucket, (merged.get(bucket) ?? 0) + count)
  return merged
}

/** The duration below which a share of all lies; undefined of nothing. */
export function quantileOf(histogram: Histogram, share: number): number | undefined {
  const total = [...histogram.values()].reduce((sum, count) => sum + count, 0)
  let left = Math.max(1, Math.ceil(total * share))
  for (const [bucket, count] of [...histogram].sort(([one], [other]) => one - other)) {
    left -= count
    if (left <= 0) return Math.round(BUCKET_GROWTH ** (bucket + 0.5))
  }
  return undefined
}
