import { commonProblems, type Logger, type Problem } from '@soma/kernel'

/** What a tenant may use of something, over all processes that share a database. */
export interface Quota {
  /** @throws rate-limited with `retryAfterMs` when it is used up; unavailable when that cannot be read */
  take(tenantId: string, count: number): Promise<void>
  /** What this process took out for tenants and has not used. */
  unused(): { readonly tenantId: string; readonly count: number }[]
}

export interface QuotaOptions {
  /** Taken out at a time, unless more is needed at once. */
  readonly chunk: number
  /** Takes so much out of what all processes share, or answers that so much is not there. */
  readonly draw: (tenantId: string, count: number) => Promise<boolean>
  /** So much is not there. */
  readonly refuse: (count: number) => Problem
  /** After a refusal all processes share is not asked again for so long. */
  readonly restMs: number
  readonly log: Logger
}

interface Share {
  left: number
  drawing: Promise<void> | undefined
  refused: { readonly count: number; readonly untilMs: number }
}

/**
 * Takes chunks out of a row before it lets anything through, so what processes let through together is never more than the row had. The next chunk is fetched while half of
 * the last is left: a publisher waits for the row at its tenant's first event in this process, for more than a chunk at once, or near the limit. Held unused by each process:
 * at most a chunk and a half.
 */
export function createQuota(options: QuotaOptions): Quota {
  const { chunk, restMs, log } = options
  const shares = new Map<string, Share>()
  const shareOf = (tenantId: string): Share => {
    const known = shares.get(tenantId)
    if (known !== undefined) return known
    const share = { left: 0, drawing: undefined, refused: { count: 0, untilMs: 0 } }
    shares.set(tenantId, share)
    return share
  }
  const drawOnce = async (tenantId: string, share: Share, count: number) => {
    try {
      if (await options.draw(tenantId, count)) share.left += count
      else share.refused = { count, untilMs: performance.now() + restMs }
    } catch (cause) {
      throw commonProblems.unavailable.create('the quota of the tenant cannot be read', { cause, retryAfterMs: 1000 })
    } finally {
      share.drawing = undefined
    }
  }
  const draw = (tenantId: string, share: Share, count: number): Promise<void> =>
    (share.drawing ??= drawOnce(tenantId, share, count))
  const isRefused = ({ refused }: Share, count: number) => count >= refused.count && performance.now() < refused.untilMs
  return {
    take: async (tenantId, count) => {
      const share = shareOf(tenantId)
      while (share.left < count) {
        const wanted = Math.max(chunk, count - share.left)
        if (isRefused(share, wanted)) throw options.refuse(wanted)
        await draw(tenantId, share, wanted)
      }
      share.left -= count
      if (share.left >= chunk / 2 || isRefused(share, chunk)) return
      draw(tenantId, share, chunk).catch((error: unknown) =>
        log.warn('the next chunk of a quota cannot be fetched', { error }),
      )
    },
    unused: () => [...shares].map(([tenantId, { left }]) => ({ tenantId, count: left })),
  }
}
