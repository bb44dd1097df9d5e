import type { ServerResponse } from 'node:http'

/** Above this rate of all streams together, a stream's frames of a few milliseconds go out as one write: most of what a frame costs is the write (EVT-R51). */
const BUSY_FRAMES_PER_SECOND = 5_000
/** A timer of 4 ms fires within 5. */
const BATCH_MS = 4
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
  const isBusy = createMeter()
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
        if (!isBusy() || batch.length > BATCH_CHARACTERS) writer.flush()
        else {
          waiting.add(writer)
          timer ??= setTimeout(flushAll, BATCH_MS)
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

/** Counts a frame; says whether the last window was busy. */
function createMeter(): () => boolean {
  let beganAtMs = performance.now()
  let count = 0
  let wasBusy = false
  return () => {
    const forMs = performance.now() - beganAtMs
    if (forMs >= WINDOW_MS) {
      wasBusy = (count / forMs) * 1000 > BUSY_FRAMES_PER_SECOND
      beganAtMs += forMs
      count = 0
    }
    count += 1
    return wasBusy
  }
}
