import type { Edge } from '../../contract/index.ts'
import type { EntryRecord } from './views.ts'

/** Edges between entries: a reply follows its request by correlation, everything else its cause; a task's later request is a retry of the one before (TRK-R15). */
export function edgesOf(entries: readonly EntryRecord[]): Edge[] {
  const known = new Set(entries.map((entry) => entry.event_id))
  const requests = entries.filter((entry) => entry.topic === 'action-requests')
  const edges = entries.flatMap((entry): Edge[] => {
    const request = entry.reply ? requestOf(entry, requests) : undefined
    if (request !== undefined) return [{ from: request.event_id, to: entry.event_id, kind: 'replied' }]
    return entry.causation_id !== null && known.has(entry.causation_id) && entry.causation_id !== entry.event_id
      ? [{ from: entry.causation_id, to: entry.event_id, kind: 'caused' }]
      : []
  })
  return [...edges, ...retriesOf(requests)]
}

/** The last request before the reply that has its correlation. */
const requestOf = (reply: EntryRecord, requests: readonly EntryRecord[]): EntryRecord | undefined =>
  requests.findLast(
    (request) =>
      request.correlation_id !== null && request.correlation_id === reply.correlation_id && request.at <= reply.at,
  )

function retriesOf(requests: readonly EntryRecord[]): Edge[] {
  const last = new Map<string, string>()
  const edges: Edge[] = []
  for (const request of requests) {
    if (request.task_id === null) continue
    const before = last.get(request.task_id)
    if (before !== undefined) edges.push({ from: before, to: request.event_id, kind: 'retried' })
    last.set(request.task_id, request.event_id)
  }
  return edges
}

/** The ids reached from an event over at most `depth` edges, in both directions. A cycle ends where it closes. */
export function around(eventId: string, edges: readonly Edge[], depth: number): Set<string> {
  const reached = new Set([eventId])
  for (const [near, far] of [
    ['from', 'to'],
    ['to', 'from'],
  ] as const) {
    let front = [eventId]
    for (let step = 0; step < depth && front.length > 0; step++) {
      const ids = new Set(front)
      front = edges.filter((edge) => ids.has(edge[near]) && !reached.has(edge[far])).map((edge) => edge[far])
      for (const id of front) reached.add(id)
    }
  }
  return reached
}
