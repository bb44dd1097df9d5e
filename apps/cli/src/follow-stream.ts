import { setTimeout } from 'node:timers/promises'
import { commonProblems, isProblem, type StreamFrame } from '@soma/kernel'

export interface FollowOptions {
  /** Opens the stream after a cursor; undefined at the first call and until a frame came. */
  readonly open: (lastEventId: string | undefined) => Promise<AsyncIterable<StreamFrame>>
  /** How long a lost server is waited for, in ms. */
  readonly reconnectMs: number
  /** Ends the stream quietly. */
  readonly signal: AbortSignal
  readonly note: (text: string) => void
  /** Pause between attempts. Default 500 ms: a server restarts in seconds. */
  readonly pauseMs?: number
}

/**
 * The frames of a stream without its control frames, over restarts of the server: it opens again at the last cursor, so no frame comes twice and none is lost.
 * What a slow reader missed is noted. @throws unavailable when the server stays away; whatever the first opening throws
 */
export async function* followStream(options: FollowOptions): AsyncGenerator<StreamFrame> {
  let cursor: string | undefined
  let isOpened = false
  let lostAt: number | undefined
  while (!options.signal.aborted) {
    try {
      const frames = await options.open(cursor)
      isOpened = true
      if (lostAt !== undefined) options.note('connected again')
      lostAt = undefined
      for await (const frame of frames) {
        cursor = cursorAfter(frame) ?? cursor
        if (frame.event === 'closed') return options.note(`the stream was closed: ${reasonOf(frame)}`)
        if (frame.event === 'drain') break
        if (frame.event === 'gap') options.note(gapText(frame))
        else yield frame
      }
    } catch (error) {
      if (options.signal.aborted) return
      if (!isOpened || !isTransient(error)) throw error
    }
    if (options.signal.aborted) return
    lostAt = await waitForServer(lostAt, options)
  }
}

async function waitForServer(lostAt: number | undefined, options: FollowOptions): Promise<number> {
  const since = lostAt ?? Date.now()
  const seconds = Math.round(options.reconnectMs / 1000)
  if (lostAt === undefined) options.note(`the connection was lost; trying again for ${seconds} s`)
  if (Date.now() - since >= options.reconnectMs)
    throw commonProblems.unavailable.create(`the server did not come back in ${seconds} s`)
  await setTimeout(options.pauseMs ?? 500, undefined, { signal: options.signal }).catch((error: unknown) => {
    if (!options.signal.aborted) throw error
  })
  return since
}

/** A broken connection is no problem document; a server that starts or drains answers 503. */
const isTransient = (error: unknown): boolean => !isProblem(error) || error.status === 429 || error.status >= 500

const cursorAfter = (frame: StreamFrame): string | undefined =>
  frame.event === 'drain' ? (frame.data as { cursor?: string }).cursor : frame.id

const reasonOf = (frame: StreamFrame): string => (frame.data as { reason: string }).reason

function gapText({ data }: StreamFrame): string {
  const { from, to, lost, reason } = data as { from: string; to: string; lost?: number; reason: string }
  return `gap: ${lost === undefined ? 'events' : `${lost} events`} from ${from} to ${to} are missing here (${reason})`
}
