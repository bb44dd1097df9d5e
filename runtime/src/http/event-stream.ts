import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type StreamFrame } from '@soma/kernel'
import { createFrameWriters } from './frame-writer.ts'

/** Below the 30–60 s after which proxies close an idle connection. */
const HEARTBEAT_MS = 15_000

/** One event goes to many streams: its JSON is made once (docs/spec/events.md, EVT-R51). */
const serialised = new WeakMap<object, string>()
const frameWriterOf = createFrameWriters()

/**
 * Writes frames as SSE until the iterable ends, the client goes, or the process drains (then a `drain` frame tells where to resume).
 * A client that does not read is not read for: the next frame is pulled only when the socket has taken the last one.
 */
export async function sendEventStream(
  response: ServerResponse,
  frames: AsyncIterable<StreamFrame>,
  drain: AbortSignal,
  { heartbeatMs = HEARTBEAT_MS } = {},
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  response.write(': open\n\n')
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': \n\n'), heartbeatMs)
  const iterator = frames[Symbol.asyncIterator]()
  const end = watchEnd(response, drain)
  const writer = frameWriterOf(response)
  let cursor: string | undefined
  try {
    for (;;) {
      const next = await end.or(iterator.next())
      if (next === 'drain') writer.write(drainFrame(cursor))
      if (typeof next === 'string' || next.done === true) break
      cursor = next.value.id ?? cursor
      if (!writer.write(format(next.value))) await end.or(once(response, 'drain'))
    }
  } finally {
    clearInterval(heartbeat)
    end.stop()
    writer.flush()
    response.end()
    await iterator.return?.()
  }
}

type End = 'closed' | 'drain'

/**
 * Waits for one thing or the end of the stream, whichever comes first. No `Promise.race`: each race would leave a reaction on the promise
 * of the end, and with it the frame it was won by, for as long as the stream lives.
 */
function watchEnd(response: ServerResponse, drain: AbortSignal) {
  let ended: End | undefined
  let wake: (end: End) => void = () => undefined
  const endWith = (end: End) => {
    ended ??= end
    wake(ended)
  }
  const onClose = () => endWith('closed')
  const onDrain = () => endWith('drain')
  response.once('close', onClose)
  if (response.destroyed) onClose()
  if (drain.aborted) onDrain()
  else drain.addEventListener('abort', onDrain, { once: true })
  return {
    or: <T>(wanted: Promise<T>): Promise<T | End> =>
      new Promise((resolve, reject) => {
        wake = resolve
        wanted.then(resolve, reject)
        if (ended !== undefined) resolve(ended)
      }),
    /** The signal lives as long as the process: what listens to it must go with the stream. */
    stop(): void {
      response.off('close', onClose)
      drain.removeEventListener('abort', onDrain)
    },
  }
}

/** Tells the reader of a stream to go on elsewhere, after the last frame that it was sent. */
export const drainFrame = (cursor: string | undefined): string =>
  format({ event: 'drain', data: { ...(cursor === undefined ? {} : { cursor }), retryAfterMs: 500 } })

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
