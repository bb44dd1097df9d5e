import type { LogReader, LogRecord, Topic } from '@soma/kernel'

export interface TailListener {
  readonly tenantId: string
  readonly topics: ReadonlySet<Topic>
  /** A record of the tenant was appended. In order per partition. */
  accept(record: LogRecord): void
  /** Something was missed on a topic: read from the log again. */
  broken(): void
}

/** One reader per topic for all tails of the process; each hears its tenant's events alone (EVT-R46). */
export interface TailHub {
  join(listener: TailListener): () => void
  close(): void
}

export function createTailHub(reader: LogReader): TailHub {
  const tenants = new Map<string, Set<TailListener>>()
  const topics = new Map<Topic, () => void>()

  const listen = (topic: Topic) => {
    const last: (number | undefined)[] = []
    return reader.onAppend(topic, (records) => {
      for (const record of records) {
        const known = last[record.part]
        if (known !== undefined && record.position !== known + 1) breakAll(topic)
        last[record.part] = record.position
        for (const listener of tenants.get(record.tenantId) ?? [])
          if (listener.topics.has(topic)) listener.accept(record)
      }
    })
  }
  const breakAll = (topic: Topic) => {
    for (const listeners of tenants.values())
      for (const listener of listeners) if (listener.topics.has(topic)) listener.broken()
  }
  return {
    join: (listener) => {
      for (const topic of listener.topics) if (!topics.has(topic)) topics.set(topic, listen(topic))
      const listeners = tenants.get(listener.tenantId) ?? new Set()
      tenants.set(listener.tenantId, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && tenants.get(listener.tenantId) === listeners) tenants.delete(listener.tenantId)
      }
    },
    close: () => {
      for (const stop of topics.values()) stop()
      topics.clear()
    },
  }
}
