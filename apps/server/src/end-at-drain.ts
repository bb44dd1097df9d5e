import { type Readable, Transform } from 'node:stream'
import { drainFrame } from '@soma/runtime'

const FRAME_END = '\n\n'

/** Passes the frames of another process's stream on, each whole, until that ends or this process drains: then a `drain` frame says after which frame to resume. */
export function endAtDrain(upstream: Readable, drain: AbortSignal): Readable {
  let part: Buffer = Buffer.alloc(0)
  let cursor: string | undefined
  const frames = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const received = part.length === 0 ? chunk : Buffer.concat([part, chunk])
      const end = received.lastIndexOf(FRAME_END)
      const whole = received.subarray(0, end === -1 ? 0 : end + FRAME_END.length)
      part = received.subarray(whole.length)
      cursor = lastIdOf(whole) ?? cursor
      done(null, whole)
    },
  })
  const end = () => {
    upstream.unpipe(frames)
    part = Buffer.alloc(0)
    frames.end(drainFrame(cursor))
    upstream.destroy()
  }
  upstream.on('error', (error) => {
    // Closing it before its end is an error of its own, which nobody needs to hear.
    if (!frames.writableEnded) frames.destroy(error)
  })
  frames.once('close', () => {
    drain.removeEventListener('abort', end)
    upstream.destroy()
  })
  if (drain.aborted) end()
  else {
    drain.addEventListener('abort', end, { once: true })
    upstream.pipe(frames)
  }
  return frames
}

/** Data is JSON without line breaks, so a line that begins so is the field. */
function lastIdOf(frames: Buffer): string | undefined {
  const lines = `\n${frames.toString()}`
  const start = lines.lastIndexOf('\nid: ')
  return start === -1 ? undefined : lines.slice(start + '\nid: '.length, lines.indexOf('\n', start + 1))
}
