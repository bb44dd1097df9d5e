import { setTimeout as pause } from 'node:timers/promises'
import { isProblem, type StreamFrame } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { followStream } from '../follow-stream.ts'

/** A server that is started again is back in seconds; after this somebody must look. */
const SERVER_AWAY_MS = 60_000

/** Says that something may have changed: once as soon as the tail is open, and with every fact of plans and gates, over restarts of the server. */
export function changesOf(clients: Clients, signal: AbortSignal): AsyncGenerator<StreamFrame> {
  return followStream({
    open: (cursor) => openTail(clients, cursor, signal),
    reconnectMs: SERVER_AWAY_MS,
    signal,
    note: (text) => process.stderr.write(`${text}\n`),
  })
}

/** The first frame of its own comes after the tail is open: what happened before, or while the server was away, shows in the look that follows it. */
async function openTail(
  clients: Clients,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<StreamFrame>> {
  const query = { topics: 'plan-events,system-events', from: 'now' } as const
  const frames = await clients.events.events.stream({
    query,
    signal,
    ...(cursor === undefined ? {} : { lastEventId: cursor }),
  })
  return (async function* () {
    yield { event: 'opened', data: {} }
    yield* frames as AsyncIterable<StreamFrame>
  })()
}

/** Looks, and looks again while a module that must answer is away. */
export async function patiently<Value>(look: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  for (const until = Date.now() + SERVER_AWAY_MS; ; ) {
    try {
      return await look()
    } catch (error) {
      const isAway = !isProblem(error) || error.status >= 500
      if (!isAway || signal.aborted || Date.now() > until) throw error
      await pause(500)
    }
  }
}
