import type { Logger, LogReader, LogRecord } from '@soma/kernel'

type Listener = (records: readonly LogRecord[]) => void

/** Who is woken when something was appended to a topic. */
export interface Readers {
  readonly add: LogReader['onAppend']
  wake(topic: string, records: readonly LogRecord[]): void
  /** `performance.now()` time of the last wake-up. */
  wokenAt(): number
}

export function createReaders(log: Logger): Readers {
  const listeners = new Map<string, Set<Listener>>()
  let wokenAt = Number.NEGATIVE_INFINITY
  return {
    add: (topic, listener) => {
      const known = listeners.get(topic) ?? new Set()
      listeners.set(topic, known.add(listener))
      return () => known.delete(listener)
    },
    wake: (topic, records) => {
      if (records.length === 0) return
      wokenAt = performance.now()
      for (const listener of listeners.get(topic) ?? []) {
        try {
          listener(records)
        } catch (error) {
          log.error('a reader of the log failed at its wake-up', { topic, error })
        }
      }
    },
    wokenAt: () => wokenAt,
  }
}
