import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type StreamFrame } from '@soma/kernel'

/** Below the 30–60 s after which proxies close an idle connection. */
const HEARTBEAT_MS = 15_000

/** One event goes to many streams: its JSON is made once (docs/spec/events.md, EVT-R51). */
const serialised = new WeakMap<object, string>()

/**
 * Writes frames as SSE until the iterable ends, the client goes, or the process drains (then a `drain` frame tells where to resume).
 * A client that does not read is not read for: the next frame is pulled only when the socket has taken the last one.
 */
export async function sendEventStream(
  response: ServerResponse,
  frames: AsyncIterable<StreamFrame>,
  options: { drain: AbortSignal; headers: Record<string, string> },
): Promise<void> {
  response.writeHead(200, {
    ...options.headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  response.write(': open\n\n')
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': \n\n'), HEARTBEAT_MS)
  const iterator = frames[Symbol.asyncIterator]()
  const ended = endOf(response, options.drain)
  let cursor: string | undefined
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), ended])
      if (next === 'drain')
        response.write(
          format({ event: 'drain', data: { ...(cursor === undefined ? {} : { cursor }), retryAfterMs: 500 } }),
        )
      if (typeof next === 'string' || next.done === true) break
      cursor = next.value.id ?? cursor
      if (!response.write(format(next.value))) await Promise.race([once(response, 'drain'), ended])
    }
  } finally {
    clearInterval(heartbeat)
    response.end()
    await iterator.return?.()
  }
}

function endOf(response: ServerResponse, drain: AbortSignal): Promise<'closed' | 'drain'> {
  return new Promise((resolve) => {
    response.once('close', () => resolve('closed'))
    if (drain.aborted) resolve('drain')
    else drain.addEventListener('abort', () => resolve('drain'), { once: true })
  })
}

function format(frame: StreamFrame): string {
  return `${frame.id === undefined ? '' : `id: ${frame.id}\n`}event: ${frame.event}\ndata: ${toJson(frame.data)}\n\n`
}

function toJson(data: unknown): string {
  if (typeof data !== 'object' || data === null) return JSON.stringify(data)
  let json = serialised.get(data)
  if (json === undefined) {
    json = JSON.stringify(data)
    serialised.set(data, json)
  }
  return json
}
