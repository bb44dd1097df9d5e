import { isProblem } from '@soma/kernel'
import type { Handling, OutgoingEvent } from '../run/handling.ts'

/** Publishes without waiting for the ack. A repeated handler publishes under the same id: what its first run said stands. */
export async function publishNow(handling: Handling, event: OutgoingEvent, signal?: AbortSignal): Promise<void> {
  try {
    await handling.clients.events.events.publish({ body: event as never, ...(signal && { signal }) })
  } catch (error) {
    if (!isProblem(error) || error.code !== 'event-id-reused') throw error
  }
}
