import type { LogReader } from '@soma/kernel'

/** Tells who listens to a plan which events of it were recorded or projected. Lost on no path: a listener always reads the rows afterwards. */
export interface Changes {
  /** Answers a function that ends it. */
  listen(plan: { tenantId: string; planId: string }, onEvent: (eventId: string) => void): () => void
  /** An event of a plan was projected by this process; its transaction is about to commit. */
  projected(plan: { tenantId: string; planId: string }, eventId: string): void
}

/** Topics whose events of a plan carry the plan's id as key, and are projected. */
const TOPICS = ['plan-events', 'task-events', 'system-events', 'action-results'] as const

export function createChanges(reader: LogReader | undefined): Changes {
  const listeners = new Map<string, Set<(eventId: string) => void>>()
  const keyOf = (plan: { tenantId: string; planId: string }) => `${plan.tenantId} ${plan.planId}`
  const tell = (key: string, eventId: string) => {
    for (const listener of listeners.get(key) ?? []) listener(eventId)
  }
  let endReader: (() => void)[] = []
  const follow = () => {
    endReader = TOPICS.flatMap(
      (topic) =>
        reader?.onAppend(topic, (records) =>
          records.forEach((record) => tell(keyOf({ tenantId: record.tenantId, planId: record.key }), record.eventId)),
        ) ?? [],
    )
  }
  return {
    listen: (plan, onEvent) => {
      const key = keyOf(plan)
      if (listeners.size === 0) follow()
      const own = listeners.get(key) ?? new Set()
      listeners.set(key, own.add(onEvent))
      return () => {
        own.delete(onEvent)
        if (own.size === 0) listeners.delete(key)
        if (listeners.size === 0) for (const end of endReader.splice(0)) end()
      }
    },
    projected: (plan, eventId) => tell(keyOf(plan), eventId),
  }
}
