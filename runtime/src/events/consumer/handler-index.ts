import type { EventHandler } from '@soma/kernel'

const REMEMBERED = 1_000

/** Which handlers of a group an event concerns. */
export interface HandlerIndex {
  readonly topics: readonly string[]
  /** In declaration order; several of one group run in one transaction. */
  matching(topic: string, type: string): readonly EventHandler[]
}

export function createHandlerIndex(handlers: readonly EventHandler[]): HandlerIndex {
  const known = new Map<string, readonly EventHandler[]>()
  return {
    topics: [...new Set(handlers.map((handler) => handler.topic))].sort(),
    matching: (topic, type) => {
      const place = `${topic}\0${type}`
      const found = known.get(place)
      if (found !== undefined) return found
      const matching = handlers.filter((handler) => handler.topic === topic && matches(handler.type, type))
      // Types are chosen by tenants, so what is remembered has a bound.
      if (known.size >= REMEMBERED) known.clear()
      known.set(place, matching)
      return matching
    },
  }
}

/** Exact, `*`, or a prefix of whole segments: `task.*`. */
function matches(pattern: string, type: string): boolean {
  if (pattern === '*') return true
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type
}
