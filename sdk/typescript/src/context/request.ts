import type { EventEnvelope } from '@soma/kernel'
import type { Handling, OutgoingEvent } from '../run/handling.ts'
import { publishNow } from './publish-now.ts'

/** Follows the log for the reply, publishes the request, and answers the reply; undefined when none came in time. */
export async function request(
  handling: Handling,
  event: OutgoingEvent,
  timeoutMs: number,
): Promise<EventEnvelope | undefined> {
  const { events } = handling.clients.events
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(), timeoutMs)
  const signal = AbortSignal.any([handling.signal, ended.signal])
  const query = {
    topics: String(event.responseTopic ?? 'action-results'),
    types: String(event.responseType),
    correlationId: String(event.correlationId),
    // The tail begins a little in the past, so that a reply between the request and the first read is seen.
    from: new Date(handling.clock.now().getTime() - 5000).toISOString(),
  }
  try {
    await publishNow(handling, event, signal)
    for await (const frame of await events.stream({ query, signal })) {
      if (frame.event === 'event') return frame.data as EventEnvelope
      if (frame.event !== 'gap') return undefined
    }
    return undefined
  } catch (error) {
    if (ended.signal.aborted) return undefined
    throw error
  } finally {
    clearTimeout(timer)
    ended.abort()
  }
}
