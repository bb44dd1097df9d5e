/** Wakes the streams of a tenant after a commit of this process. Streams of other processes poll. */
export interface GateChanges {
  announce(tenantId: string): void
  /** Resolves at the next announcement, after the timeout, or when the signal aborts. */
  next(tenantId: string, options: { timeoutMs: number; signal: AbortSignal }): Promise<void>
}

export function createGateChanges(): GateChanges {
  const waiting = new Map<string, Set<() => void>>()
  return {
    announce: (tenantId) => {
      for (const wake of waiting.get(tenantId) ?? []) wake()
    },
    next: (tenantId, { timeoutMs, signal }) =>
      new Promise((resolve) => {
        const wakers = waiting.get(tenantId) ?? new Set()
        const timer = setTimeout(done, timeoutMs)
        signal.addEventListener('abort', done, { once: true })
        waiting.set(tenantId, wakers.add(done))
        if (signal.aborted) done()
        function done() {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          wakers.delete(done)
          if (wakers.size === 0 && waiting.get(tenantId) === wakers) waiting.delete(tenantId)
          resolve()
        }
      }),
  }
}
