import type { ServerResponse } from 'node:http'

/** Above these rates of all streams together, a stream's frames of some milliseconds go out as one write: most of what a frame costs is the write (EVT-R51). A timer fires a millisecond late. */
const BATCHES = [
  { aboveFramesPerSecond: 25_000, forMs: 16 },
  { aboveFramesPerSecond: 5_000, forMs: 4 },
]
const WINDOW_MS = 100
/** A batch that is larger goes out at once. */
const BATCH_CHARACTERS = 16 * 1024

/** Writes whole frames of one stream. */
export interface FrameWriter {
  /** False: wait until the response has drained before the next. */
  write(frame: string): boolean
  /** Writes what waits. */
  flush(): void
}

/** The streams of one process: they are counted together and share the timer of their batches. */
export function createFrameWriters(): (response: Pick<ServerResponse, 'write' | 'writableNeedDrain'>) => FrameWriter {
  const batchMs = createMeter()
  const waiting = new Set<FrameWriter>()
  let timer: NodeJS.Timeout | undefined
  const flushAll = () => {
    timer = undefined
    const due = [...waiting]
    waiting.clear()
    for (const writer of due) writer.flush()
  }
  return (response) => {
    let batch = ''
    const writer: FrameWriter = {
      write: (frame) => {
        batch += frame
        const forMs = batchMs()
        if (forMs === 0 || batch.length > BATCH_CHARACTERS) writer.flush()
        else {
          waiting.add(writer)
          timer ??= setTimeout(flushAll, forMs)
        }
        return !response.writableNeedDrain
      },
      flush: () => {
        waiting.delete(writer)
        if (batch === '') return
        const text = batch
        batch = ''
        response.write(text)
      },
    }
    return writer
  }
}

/** Counts a frame; says for how long to wait for more by the rate of the last window. */
function createMeter(): () => number {
  let beganAtMs = performance.now()
  let count = 0
  let batchMs = 0
  return () => {
    const forMs = performance.now() - beganAtMs
    if (forMs >= WINDOW_MS) {
      const perSecond = (count / forMs) * 1000
      batchMs = BATCHES.find(({ aboveFramesPerSecond }) => perSecond > aboveFramesPerSecond)?.forMs ?? 0
      beganAtMs += forMs
      count = 0
    }
    count += 1
    return batchMs
  }
}
