import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  anEventsContext,
  aTail,
  createEventsHost,
  type EventsHost,
  letTimePass,
  type TailFrame,
} from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext('tenant-a', { userId: 'usr-1' })
const stranger = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost({ partitions: 8, settings: { tailMaxLag: 300 } })
  for (const by of [context, stranger]) await host.define(by, 'note.made')
}, 60_000)
afterAll(() => host.close())
afterEach(() => vi.useRealTimers())

let sent = 0
const publish = async (
  total: number,
  more: Readonly<Record<string, unknown>> = {},
  by = context,
): Promise<string[]> => {
  const ids = Array.from({ length: total }, () => `note-${++sent}`)
  for (let start = 0; start < total; start += 500) {
    const events = ids
      .slice(start, start + 500)
      .map((id) => ({ id, type: 'note.made', topic: 'business-facts', data: {}, ...more }))
    await host.events.events.publishBatch(by, { body: { events } })
  }
  return ids
}

const open = (query: Readonly<Record<string, string>>, by = context) => aTail(host, by, query)
const idsOf = (frames: readonly TailFrame[]) => frames.map(({ data }) => data.id)

describe('tails', () => {
  it('history and live join without a hole or a repeat, while events are published all along', async () => {
    const subject = 'joined'
    const before = await publish(700, { subject })
    const tail = await open({ from: 'earliest', types: 'note.made' })
    const publishing = (async () => {
      const later: string[] = []
      for (let round = 0; round < 10; round++) later.push(...(await publish(20, { subject })))
      return later
    })()
    const frames = await tail.take(900)
    const all = [...before, ...(await publishing)]
    expect(new Set(idsOf(frames))).toEqual(new Set(all))
    expect(frames).toHaveLength(all.length)
    const [extra] = await publish(1, { subject })
    expect((await tail.next()).data.id).toBe(extra)
    await tail.close()
  })

  it('a resume after any frame id goes on without a hole and without a repeat', async () => {
    const first = await open({ from: 'now' })
    const ids = await publish(40, { planId: 'plan-resume' })
    const seen = await first.take(15)
    await first.close()
    await publish(5, { planId: 'plan-resume' }, stranger)
    const more = await publish(30, { planId: 'plan-resume' })
    const second = await open({ lastEventId: seen.at(-1)?.id as string })
    const rest = await second.take(55)
    expect([...idsOf(seen), ...idsOf(rest)].toSorted()).toEqual([...ids, ...more].toSorted())
    await second.close()
  })

  it('filters by type, plan, session and correlation, in history and live', async () => {
    await host.define(context, 'note.burned')
    const burn = { type: 'note.burned', topic: 'business-facts', data: {} }
    const old = await host.events.events.publish(context, {
      body: { ...burn, planId: 'plan-f', sessionId: 'ses-f', correlationId: 'corr-f' },
    })
    const tails = await Promise.all([
      open({ from: 'earliest', types: 'note.burned' }),
      open({ from: 'earliest', planId: 'plan-f' }),
      open({ from: 'earliest', sessionId: 'ses-f' }),
      open({ from: 'earliest', correlationId: 'corr-f' }),
    ])
    for (const tail of tails) expect((await tail.next()).data.id).toBe(old.eventId)
    await publish(3)
    const live = await host.events.events.publish(context, {
      body: { ...burn, planId: 'plan-f', sessionId: 'ses-f', correlationId: 'corr-f' },
    })
    for (const tail of tails) expect((await tail.next()).data.id).toBe(live.eventId)
    for (const tail of tails) await tail.close()
  })

  it('event:read-own sees the own user’s events alone, and without either capability nobody reads', async () => {
    const own = anEventsContext('tenant-a', { userId: 'usr-7', capabilities: ['event:read-own'] })
    const tail = await open({ from: 'earliest' }, own)
    await publish(2)
    const [mine] = await publish(1, { userId: 'usr-7' })
    expect((await tail.next()).data).toMatchObject({ id: mine, userid: 'usr-7' })
    await tail.close()
    expect((await host.events.events.list(own)).items.map(({ id }) => id)).toEqual([mine])
    const nobody = anEventsContext('tenant-a', { capabilities: ['event:publish'] })
    await expect(host.events.events.list(nobody)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(open({}, nobody)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('EVT-R50 a client that stops reading gets all it missed from the log while it is not too far behind, whatever others published', async () => {
    const tail = await open({ from: 'now' })
    const [first] = await publish(1)
    expect((await tail.next()).data.id).toBe(first)
    const missed = await publish(150, { data: { filler: 'x'.repeat(2000) } })
    await publish(500, {}, stranger)
    missed.push(...(await publish(100, { data: { filler: 'x'.repeat(2000) } })))
    const frames = await tail.take(250)
    expect(idsOf(frames).toSorted()).toEqual(missed.toSorted())
    await tail.close()
  })

  it('what it missed a moment ago it gets from memory, in order of each key and with nothing of another tenant, whose users may have the same ids', async () => {
    const tail = await open({ from: 'now' })
    const [first] = await publish(1)
    expect((await tail.next()).data.id).toBe(first)
    const namesake = anEventsContext('tenant-b', { userId: 'usr-1' })
    const missed: string[] = []
    for (let round = 0; round < 5; round++) {
      missed.push(...(await publish(30, { partitionKey: 'one', data: { filler: 'x'.repeat(4000) } })))
      await publish(20, { data: { filler: 'x'.repeat(4000) } }, namesake)
    }
    expect(idsOf(await tail.take(150))).toEqual(missed)
    await tail.close()
  })

  it('EVT-R50 one that is further behind gets one gap that names what is missing, and goes on at the head', async () => {
    const tail = await open({ from: 'now' })
    const [first] = await publish(1)
    expect((await tail.next()).data.id).toBe(first)
    const missed = await publish(700, { data: { filler: 'x'.repeat(2000) } })
    const gap = (await tail.next()) as unknown as { event: string; data: { from: string } }
    expect(gap).toMatchObject({ event: 'gap', data: { reason: 'slow', lost: 700, to: expect.any(String) } })
    const [after] = await publish(1)
    expect((await tail.next()).data.id).toBe(after)
    await tail.close()
    const [last] = await publish(1)
    const onwards = await open({ lastEventId: (gap.data as { from: string; to: string }).to })
    expect(idsOf(await onwards.take(2))).toEqual([after, last])
    await onwards.close()
    const missing = await open({ lastEventId: gap.data.from })
    expect(new Set(idsOf(await missing.take(700)))).toEqual(new Set(missed))
    await missing.close()
  })

  it('EVT-R50 so does one that is more than five minutes behind, and none that has nothing to read', async () => {
    const [tail, idle] = [await open({ from: 'now' }), await open({ from: 'now', types: 'note.unread' })]
    const [first] = await publish(1)
    expect((await tail.next()).data.id).toBe(first)
    await publish(100, { data: { filler: 'x'.repeat(4000) } })
    await letTimePass(host.database, 5 * 60_000 + 1000)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60_000 + 1000 })
    expect(await tail.next()).toMatchObject({ event: 'gap', data: { reason: 'slow', lost: 100 } })
    vi.useRealTimers()
    await host.define(context, 'note.unread')
    const [next] = await publish(1, { type: 'note.unread' })
    for (const each of [tail, idle]) expect((await each.next()).data.id).toBe(next)
    await Promise.all([tail.close(), idle.close()])
  })

  describe('EVT-R50 no more than 256 KiB is held for a client that does not read', () => {
    const lengthOf = (frames: readonly TailFrame[]) => JSON.stringify(frames).length

    it('what it missed live comes from what all streams share, as that is then', async () => {
      const tail = await open({ from: 'now' })
      for (let round = 0; round < 2; round++) {
        const coming = tail.next()
        const [live] = await publish(1)
        expect((await coming).data.id).toBe(live)
      }
      const ids = await publish(100, { data: { filler: 'x'.repeat(4000) } })
      const some = await tail.take(10)
      host.reader.erase({ tenantId: context.tenantId, userId: context.userId as string })
      const rest = await tail.take(90)
      expect(idsOf([...some, ...rest]).toSorted()).toEqual(ids.toSorted())
      const isErased = ({ data }: TailFrame) => (data['data'] as { erased?: boolean }).erased === true
      expect(lengthOf(rest.filter((frame) => !isErased(frame)))).toBeLessThanOrEqual(256 * 1024)
      expect(rest.filter(isErased).length).toBeGreaterThan(20)
      await tail.close()
    })

    it('history comes from the log, as that is then', async () => {
      const from = new Date().toISOString()
      const ids = await publish(100, { data: { filler: 'x'.repeat(4000), mark: 'first-mark' } })
      const tail = await open({ from, types: 'note.made' })
      const some = await tail.take(10)
      await host.database.transaction({ role: 'soma_bus' }, (session) =>
        session.execute(`update events.log set envelope = replace(envelope, 'first-mark', 'second-mark')`),
      )
      const rest = await tail.take(90)
      expect(idsOf([...some, ...rest]).toSorted()).toEqual(ids.toSorted())
      const markOf = ({ data }: TailFrame) => (data['data'] as { mark: string }).mark
      expect(lengthOf(rest.filter((frame) => markOf(frame) === 'first-mark'))).toBeLessThanOrEqual(256 * 1024)
      expect(lengthOf(rest.filter((frame) => markOf(frame) === 'second-mark'))).toBeGreaterThan(100_000)
      await tail.close()
    })
  })

  it('EVT-R51 all live tails of a process are given the same object of an event, so that it is serialised once', async () => {
    const tails = await Promise.all([{}, { types: 'note.made' }, { from: 'now' }].map((query) => open(query)))
    await publish(1)
    for (const tail of tails) await tail.next()
    const coming = tails.map(async (tail) => (await tail.next()).data)
    const [id] = await publish(1)
    const [first, ...others] = await Promise.all(coming)
    expect(first?.id).toBe(id)
    for (const other of others) expect(other).toBe(first)
    await Promise.all(tails.map((tail) => tail.close()))
  })

  it('refuses what is no cursor, and a closed stream frees its place', async () => {
    await expect(open({ from: 'yesterday' })).rejects.toMatchObject({ code: 'invalid-request' })
    await expect(open({ topics: 'no-such-topic' })).rejects.toMatchObject({ code: 'unknown-topic' })
    const tail = await open({})
    const tails = async () =>
      (await host.events.connections.list(context)).items.filter(({ kind }) => kind === 'tail').length
    expect(await tails()).toBe(1)
    await tail.close()
    expect(await tails()).toBe(0)
  })
})
