import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

const context = anEventsContext()
const topics = ['business-facts', 'notification-events', 'system-events'] as const
let host: EventsHost
/** Another process on the same database. */
let elsewhere: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ partitions: 16, isShared: true })
  elsewhere = await createEventsHost({ partitions: 16, database: host.database, isSecondProcess: true })
  for (const topic of topics) await host.define(context, 'note.made', { topic })
}, 60_000)
afterAll(async () => {
  await elsewhere.drain()
  await host.close()
})

interface Frame {
  readonly id?: string
  readonly event: string
  readonly data: { readonly id: string }
  readonly atMs: number
}

async function open(query: Readonly<Record<string, string>>, at = host, lastEventId?: string) {
  const ending = new AbortController()
  const frames = await at.events.events.stream(context, {
    query: { topics: topics.join(','), ...query },
    signal: ending.signal,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  })
  const iterator = frames[Symbol.asyncIterator]()
  return {
    take: async (total: number): Promise<Frame[]> => {
      const taken: Frame[] = []
      while (taken.length < total)
        taken.push({ ...((await iterator.next()).value as Omit<Frame, 'atMs'>), atMs: performance.now() })
      return taken
    },
    close: async () => {
      ending.abort()
      await iterator.return?.()
    },
  }
}

let made = 0
async function publish(total: number, more: object = {}): Promise<string[]> {
  const events = Array.from({ length: total }, () => ({
    ...{ id: `note-${++made}`, type: 'note.made', topic: topics[made % topics.length], data: {} },
    ...more,
  }))
  await host.events.events.publishBatch(context, { body: { events: events as never } })
  return events.map(({ id }) => id)
}
const idsOf = (frames: readonly Frame[]) => frames.map(({ data }) => data.id)

/** The longest run of frames without a cursor. */
function longestWithout(frames: readonly Frame[]): number {
  let longest = 0
  let run = 0
  for (const { id } of frames) {
    run = id === undefined ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}

describe('EVT-R49 tails', () => {
  it('read history from a time or the beginning, then live, without a hole or a repeat, in order of each key; a wide tail has a cursor at least every 50th frame', async () => {
    const early = await publish(300)
    const from = new Date(Date.now() + 1).toISOString()
    while (new Date().toISOString() <= from) await new Promise((resolve) => setImmediate(resolve))
    const late = await publish(420, { partitionKey: 'one' })
    const whole = await open({ from: 'earliest', types: 'note.made' })
    const since = await open({ from, types: 'note.made' })
    const live: string[] = []
    const publishing = (async () => {
      for (let round = 0; round < 10; round++) live.push(...(await publish(17)))
    })()
    const sinceFrames = await since.take(420 + 170)
    const wholeFrames = await whole.take(300 + 420 + 170)
    await publishing
    expect(idsOf(wholeFrames).toSorted()).toEqual([...early, ...late, ...live].toSorted())
    expect(idsOf(sinceFrames).toSorted()).toEqual([...late, ...live].toSorted())
    for (const topic of topics.keys()) {
      const ofTopic = late.filter((id) => Number(id.slice(5)) % topics.length === topic)
      expect(idsOf(wholeFrames).filter((id) => ofTopic.includes(id))).toEqual(ofTopic)
    }
    for (const frames of [wholeFrames, sinceFrames]) {
      expect(frames.every(({ id }) => id === undefined || id.length <= 1024)).toBe(true)
      expect(longestWithout(frames)).toBeLessThan(50)
      expect(longestWithout(frames)).toBeGreaterThan(0)
    }
    await Promise.all([whole.close(), since.close()])
  })

  it('wherever a stream breaks, any process resumes it without a hole and repeats at most 50 events, known by their ids', async () => {
    const first = await open({ from: 'now' })
    const ids = await publish(400)
    const frames = await first.take(400)
    await first.close()
    const cuts = [
      [49, elsewhere],
      [137, host],
      [260, elsewhere],
      [399, elsewhere],
    ] as const
    for (const [cut, at] of cuts) {
      const seen = frames.slice(0, cut + 1)
      const marked = seen.findLastIndex(({ id }) => id !== undefined)
      const second = await open({}, at, seen[marked]?.id as string)
      ids.push(...(await publish(3)))
      const rest = idsOf(await second.take(ids.length - marked - 1))
      const repeated = rest.filter((id) => idsOf(seen).includes(id))
      expect(repeated.toSorted()).toEqual(idsOf(seen.slice(marked + 1)).toSorted())
      expect(repeated.length).toBeLessThan(50)
      expect([...idsOf(seen.slice(0, marked + 1)), ...rest].toSorted()).toEqual(ids.toSorted())
      await second.close()
    }
  })

  it('a tail of one partition has a cursor on every frame, a wide one that is read slowly at least every 250 ms', async () => {
    const narrow = await open({ topics: 'business-facts', from: 'now' })
    await publish(90, { topic: 'business-facts' })
    expect(longestWithout(await narrow.take(90))).toBe(0)
    await narrow.close()
    const wide = await open({ from: 'now' })
    await publish(40)
    let sinceMs = performance.now()
    for (let taken = 0; taken < 20; taken++) {
      const [frame] = (await wide.take(1)) as [Frame]
      if (frame.id !== undefined) sinceMs = frame.atMs
      else expect(frame.atMs - sinceMs).toBeLessThan(250)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await wide.close()
  })
})
