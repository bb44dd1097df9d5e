import { commonProblems, type StreamFrame } from '@soma/kernel'
import { expect, it } from 'vitest'
import { followStream } from './follow-stream.ts'

type Stretch = readonly (StreamFrame | Error)[]

/** Opens these stretches of a stream in turn; an error breaks the connection. */
function streamOf(stretches: readonly (Stretch | Error)[]) {
  const cursors: (string | undefined)[] = []
  const open = async (lastEventId: string | undefined) => {
    const stretch = stretches[cursors.length]
    cursors.push(lastEventId)
    if (stretch === undefined) throw commonProblems.unavailable.create('planted end')
    if (stretch instanceof Error) throw stretch
    return (async function* () {
      for (const frame of stretch) {
        if (frame instanceof Error) throw frame
        yield frame
      }
    })()
  }
  return { open, cursors }
}

const event = (id: string): StreamFrame => ({ id, event: 'event', data: id })

async function collect(stretches: readonly (Stretch | Error)[], reconnectMs = 20) {
  const { open, cursors } = streamOf(stretches)
  const notes: string[] = []
  const ids: unknown[] = []
  const follow = followStream({
    open,
    reconnectMs,
    pauseMs: 1,
    signal: new AbortController().signal,
    note: (text) => notes.push(text),
  })
  const failure = await (async () => {
    for await (const frame of follow) ids.push(frame.id)
  })().catch((error: unknown) => error)
  return { ids, cursors, notes, failure }
}

it('opens again at the last cursor after a broken connection, a plain end and a restarting server', async () => {
  const { ids, cursors, notes } = await collect([
    [event('1'), event('2'), new TypeError('terminated')],
    commonProblems.unavailable.create('planted'),
    [event('3')],
    [event('4'), { event: 'closed', data: { reason: 'planted' } }],
  ])
  expect(ids).toEqual(['1', '2', '3', '4'])
  expect(cursors).toEqual([undefined, '2', '2', '3'])
  expect(notes.at(-1)).toBe('the stream was closed: planted')
})

it('takes the cursor of a draining server', async () => {
  const drain: StreamFrame = { event: 'drain', data: { cursor: '7', retryAfterMs: 500 } }
  const { cursors } = await collect([[event('1'), drain], [{ event: 'closed', data: { reason: 'over' } }]])
  expect(cursors).toEqual([undefined, '7'])
})

it('tells what a slow reader missed, and goes on', async () => {
  const gap: StreamFrame = { event: 'gap', data: { from: '2', to: '9', lost: 7, reason: 'slow reader' } }
  const { ids, notes } = await collect([[event('1'), gap, event('9'), { event: 'closed', data: { reason: 'over' } }]])
  expect(ids).toEqual(['1', '9'])
  expect(notes[0]).toBe('gap: 7 events from 2 to 9 are missing here (slow reader)')
})

it('ends as unavailable when the server stays away too long', async () => {
  const { ids, failure } = await collect([[event('1')]])
  expect(ids).toEqual(['1'])
  expect(failure).toMatchObject({ code: 'unavailable', message: expect.stringContaining('did not come back') })
})

it('passes on a refusal, and whatever the first opening throws, without trying again', async () => {
  const refused = await collect([[event('1')], commonProblems.forbidden.create('planted')])
  expect(refused.failure).toMatchObject({ code: 'forbidden' })
  const absent = await collect([commonProblems.unavailable.create('nobody')])
  expect(absent).toMatchObject({ failure: { message: 'nobody' }, cursors: [undefined] })
})

it('ends quietly when its reader leaves', async () => {
  const left = new AbortController()
  const { open } = streamOf([[event('1'), event('2')]])
  const seen: unknown[] = []
  for await (const frame of followStream({ open, reconnectMs: 1000, signal: left.signal, note: () => undefined })) {
    seen.push(frame.id)
    if (frame.id === '2') left.abort()
  }
  expect(seen).toEqual(['1', '2'])
})
