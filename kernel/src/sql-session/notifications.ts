import type { Logger } from '../ports/logger.ts'

type Listener = (payload: string) => void

export interface Notifications {
  /** True when the channel had no listener before. */
  add(channel: string, listener: Listener): boolean
  /** True when the channel has no listener any more. */
  remove(channel: string, listener: Listener): boolean
  deliver(channel: string, payload: string): void
  channels(): string[]
}

/** The listeners of this process, by channel. A listener that throws is logged and disturbs no other. */
export function createNotifications(log: Logger): Notifications {
  const listeners = new Map<string, Set<Listener>>()
  return {
    add(channel, listener) {
      const existing = listeners.get(channel)
      if (existing !== undefined) existing.add(listener)
      else listeners.set(channel, new Set([listener]))
      return existing === undefined
    },
    remove(channel, listener) {
      const existing = listeners.get(channel)
      if (existing === undefined || !existing.delete(listener) || existing.size > 0) return false
      return listeners.delete(channel)
    },
    channels: () => [...listeners.keys()],
    deliver(channel, payload) {
      for (const listener of listeners.get(channel) ?? [])
        try {
          listener(payload)
        } catch (error) {
          log.error('a notification listener failed', { channel, error })
        }
    },
  }
}
