import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, aTail, createEventsHost, type EventsHost, type TailFrame } from '../../testing/index.ts'

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

const open = (query: Readonly<Record<string, string>>, at = host) =>
  aTail(at, context, { topics: topics.join(','), ...query })

let made = 0
async function publish(total: number, more: object = {}): Promise<string[]> {
  const events = Array.from({ length: total }, () => ({
    ...{ id: `note-${++made}`, type: 'note.made', topic: topics[made % topics.length], data: {} },
    ...more,
  }))
  await host.events.events.publishBatch(context, { body: { events: events as never } })
  return events.map(({ id }) => id)
}
const idsOf = (frames: readonly TailFrame[]) => frames.map(({ data }) => data.id)

/** The longest run of frames without a cursor. */
function longestWithout(frames: readonly TailFrame[]): number {
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
      const second = await open({ lastEventId: seen[marked]?.id as string }, at)
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
    const frames: TailFrame[] = []
    for (let taken = 0; taken < 20; taken++) {
      frames.push(await wide.next())
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    // Pauses that last longer on a busy machine only make it fewer.
    expect(longestWithout(frames)).toBeLessThanOrEqual(Math.ceil(250 / 30))
    await wide.close()
  })
})
