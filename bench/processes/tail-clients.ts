/** So many browsers that follow one topic. All count frames; some read them, for the time from publish to arrival. */
import { get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { createSseParser } from '@soma/kernel'
import { given, tell } from './forked.ts'

export interface TailsGiven {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly streams: number
  /** Of them, those that read. */
  readonly readers: number
}

export interface TailsSeen {
  /** Frames of events of all streams. */
  readonly frames: number
  /** Of the readers, ms. */
  readonly times: readonly number[]
  /** Streams that ended. */
  readonly ended: number
}

const EVENT = Buffer.from('event: event\n')
const { url, headers, streams, readers } = await given<TailsGiven>()
const seen = { frames: 0, times: [] as number[], ended: 0 }

for (let index = 0; index < streams; index++) {
  const [response] = (await once(
    get(`${url}/v1/events/stream?topics=business-facts&from=now`, { headers, agent: false }),
    'response',
  )) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`a stream was refused with ${response.statusCode}`)
  response.once('close', () => {
    seen.ended += 1
  })
  if (index < readers) read(response)
  else count(response)
}
process.on('message', () => {
  tell({ ...seen })
  Object.assign(seen, { frames: 0, times: [] })
})
tell({ isReady: true })

function count(response: IncomingMessage): void {
  let rest: Buffer = Buffer.alloc(0)
  response.on('data', (chunk: Buffer) => {
    const bytes = Buffer.concat([rest, chunk])
    for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + 1)) seen.frames += 1
    rest = bytes.subarray(Math.max(0, bytes.length - EVENT.length + 1))
  })
}

function read(response: IncomingMessage): void {
  const parse = createSseParser()
  response.setEncoding('utf8').on('data', (chunk: string) => {
    for (const { event, data } of parse(chunk)) {
      if (event !== 'event') continue
      seen.frames += 1
      const { text } = (JSON.parse(data) as { data: { text: string } }).data
      seen.times.push(performance.timeOrigin + performance.now() - Number.parseFloat(text))
    }
  })
}
