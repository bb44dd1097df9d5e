import { commonProblems } from '@soma/kernel'

/** Token buckets by tenant: `perSecond` events a second, with a burst of as many. In memory of this process. */
export function createQuota(perSecond: number, nowMs: () => number): { take(tenantId: string, count: number): void } {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    take: (tenantId, count) => {
      const at = nowMs()
      const bucket = buckets.get(tenantId) ?? { tokens: perSecond, at }
      bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond)
      bucket.at = at
      buckets.set(tenantId, bucket)
      // A batch larger than the burst passes when the bucket is full, and is paid back afterwards.
      if (bucket.tokens < Math.min(count, perSecond))
        throw commonProblems.rateLimited.create(`the tenant may publish ${perSecond} events a second`, {
          retryAfterMs: Math.ceil(((Math.min(count, perSecond) - bucket.tokens) / perSecond) * 1000),
        })
      bucket.tokens -= count
    },
  }
}
