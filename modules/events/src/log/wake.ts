/** One waiter, many wakers. A notice that comes while nobody waits is kept for the next wait. */
export interface Wake {
  notify(): void
  /** Resolves at the next notice, at once if one is kept, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>
}

export function createWake(): Wake {
  let isKept = false
  let release: (() => void) | undefined
  /** Listened to once, not at each wait: of a hundred thousand waits a second that would be the larger part. */
  let heard: AbortSignal | undefined
  const notify = () => {
    isKept = true
    release?.()
  }
  return {
    notify,
    wait: async (signal) => {
      if (!isKept && !signal.aborted) {
        if (heard !== signal) signal.addEventListener('abort', notify, { once: true })
        heard = signal
        await new Promise<void>((resolve) => {
          release = resolve
        })
        release = undefined
      }
      isKept = false
    },
  }
}

/** An iterable whose `return` ends a generator that is waiting: a plain generator would answer only after its next value. */
export function closable<Frame>(
  signal: AbortSignal,
  make: (signal: AbortSignal) => AsyncGenerator<Frame, void>,
): AsyncIterableIterator<Frame> {
  const closing = new AbortController()
  const abort = () => closing.abort()
  signal.addEventListener('abort', abort, { once: true })
  const generator = make(closing.signal)
  if (signal.aborted) closing.abort()
  return {
    next: () => generator.next(),
    return: async () => {
      signal.removeEventListener('abort', abort)
      closing.abort()
      return generator.return()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Calls back soon after one of the signals aborts. Answers a function that stops listening: a signal may live as long as the process. */
export function onFirstAbort(signals: readonly AbortSignal[], callback: () => void): () => void {
  for (const signal of signals) {
    if (signal.aborted) queueMicrotask(callback)
    else signal.addEventListener('abort', callback, { once: true })
  }
  return () => {
    for (const signal of signals) signal.removeEventListener('abort', callback)
  }
}
