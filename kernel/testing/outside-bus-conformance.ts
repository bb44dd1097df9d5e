import { expect, it } from 'vitest'
import {
  type AppendedPosition,
  type AppendRecord,
  LOG_START,
  type LogRecord,
  type PartitionState,
  type Position,
} from '../src/ports/event-bus.ts'
import type { EventBusSubject } from './event-bus-subject.ts'

/** What the tests share. */
export interface OutsideBusTests {
  /** Open when a test runs. */
  subject(): EventBusSubject
  aRecord(record?: Partial<AppendRecord>): AppendRecord
  append(...records: AppendRecord[]): Promise<AppendedPosition[]>
  headOf(topic: string, part: number): Promise<PartitionState>
  readAll(topic: string, part: number, after: Position): Promise<LogRecord[]>
}

const TENANT = 'tenant-a'

/** Registers what a log outside the database promises beyond the log in the database: repeats, foreign readers and writers, trimming, outages. */
export function outsideBusConformance({ subject, aRecord, append, headOf, readAll }: OutsideBusTests): void {
  it('EVT-R59 a batch that is appended again is not written twice and gets its first positions, where ids are known', async () => {
    if (!subject().bus.flags.nativeDedupe) return
    const records = Array.from({ length: 5 }, (_, n) => aRecord({ topic: 'action-results', eventId: `again-${n}` }))
    const first = await append(...records.slice(0, 3))
    const others = await append(aRecord({ topic: 'action-results', eventId: 'between' }))
    const again = await append(...records)
    const base = first[0]?.position ?? 0
    expect(others[0]?.position).toBe(base + 3)
    expect(again.map((each) => each.position)).toEqual([base, base + 1, base + 2, base + 4, base + 5])
    const read = await readAll('action-results', 0, { segment: 1, position: base - 1 })
    expect(read.map((record) => record.eventId)).toEqual([
      'again-0',
      'again-1',
      'again-2',
      'between',
      'again-3',
      'again-4',
    ])
  })

  it('the same id of another tenant or source is another event', async () => {
    if (!subject().bus.flags.nativeDedupe) return
    const same = { topic: 'action-results', part: 1, eventId: 'same' }
    const ofSource = (source: string) => JSON.stringify({ id: 'same', source })
    const positions = await append(
      aRecord({ ...same, envelope: ofSource('/a') }),
      aRecord({ ...same, envelope: ofSource('/b') }),
      aRecord({ ...same, envelope: ofSource('/a'), tenantId: 'tenant-b' }),
    )
    expect(new Set(positions.map((each) => each.position)).size).toBe(3)
  })

  it('EVT-R59 another program reads the attributes of an event beside it, whatever they hold', async () => {
    const { readFromOutside } = subject()
    if (readFromOutside === undefined) return
    const attributes = {
      id: 'evt-outside',
      source: '/agents/ünïcode %41 "quoted"',
      type: 'thing.done',
      specversion: '1.0',
      tenantid: TENANT,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      subject: 'line\nbreak, 🦊',
    }
    const envelope = JSON.stringify({ ...attributes, data: { a: 1 } })
    await append(aRecord({ topic: 'audit', part: 1, eventId: attributes.id, envelope }))
    const seen = await readFromOutside({ topic: 'audit', part: 1 })
    expect(seen.attributes).toMatchObject(attributes)
    expect(seen.body).toBe(envelope)
  })

  it('what another program writes is read in its place, event or not, and positions stay dense', async () => {
    const { writeFromOutside } = subject()
    if (writeFromOutside === undefined) return
    const place = { topic: 'audit', part: 2 }
    const before = await headOf('audit', 2)
    await append(aRecord({ ...place, eventId: 'ours-1' }))
    await writeFromOutside(place, { attributes: {}, body: 'no event' })
    const attributes = {
      specversion: '1.0',
      id: 'theirs',
      source: '/kiosk/ä',
      type: 'thing.done',
      tenantid: TENANT,
      partitionkey: 'k',
    }
    await writeFromOutside(place, { attributes, body: '{"a":1}' })
    await append(aRecord({ ...place, eventId: 'ours-2' }))
    const read = await readAll('audit', 2, before)
    expect(read.map((record) => record.position - before.position)).toEqual([1, 2, 3, 4])
    expect(read.map((record) => record.eventId)).toEqual(['ours-1', '', 'theirs', 'ours-2'])
    expect(read[1]?.envelope).toBe('no event')
    expect(read[2]).toMatchObject({ tenantId: TENANT, type: 'thing.done', key: 'k', userId: null })
    expect(JSON.parse(read[2]?.envelope ?? '')).toEqual({
      ...attributes,
      datacontenttype: 'application/json',
      data: { a: 1 },
    })
  })

  it('EVT-R58 EVT-R59 drops what is old and passed by its readers, where the log does not know them, and positions go on', async () => {
    if (subject().bus.flags.transactionalWithDatabase) return
    const topic = 'conversation'
    await append(...[1, 2, 3].map((n) => aRecord({ topic, eventId: `old-${n}` })), aRecord({ topic, part: 1 }))
    await new Promise((resolve) => setTimeout(resolve, 5))
    const between = new Date()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await append(aRecord({ topic, eventId: 'young' }))
    expect(await subject().bus.trim(topic, new Date(0), new Map([[0, 4]]))).toBe(0)
    expect(await subject().bus.trim(topic, between, new Map([[0, 2]]))).toBe(2)
    expect((await readAll(topic, 0, LOG_START)).map((record) => record.eventId)).toEqual(['old-3', 'young'])
    expect(await subject().bus.trim(topic, between, new Map([[0, 4]]))).toBe(1)
    expect(await readAll(topic, 1, LOG_START)).toHaveLength(1)
    expect(await subject().bus.trim(topic, new Date(Date.now() + 60_000), new Map([[0, 4]]))).toBe(1)
    expect(await headOf(topic, 0)).toMatchObject({ position: 4, oldestPosition: 5 })
    expect(await append(aRecord({ topic }))).toMatchObject([{ position: 5 }])
  })

  it('EVT-R58 EVT-R59 while its server is away, killed among answers, every call is a problem in time, and then everything that was answered is there', async () => {
    const { server, bus } = subject()
    if (server === undefined || bus.flags.transactionalWithDatabase) return
    const topic = 'memory'
    const before = await headOf(topic, 0)
    const answered: string[] = []
    let isStopping = false
    const writing = (async () => {
      for (let n = 0; ; n++) {
        const batch = [0, 1, 2].map((index) => aRecord({ topic, key: 'k', eventId: `o-${n}-${index}` }))
        // As the relay does: the same batch until it is answered.
        while (!(await isDone(bus.append(batch)))) await new Promise((resolve) => setTimeout(resolve, 50))
        answered.push(...batch.map((record) => record.eventId))
        if (isStopping && n > 5) return
      }
    })()
    while (answered.length < 30) await new Promise((resolve) => setTimeout(resolve, 1))
    await server.kill()
    const startedAt = performance.now()
    const calls = [
      bus.append([aRecord({ topic, part: 1 })]),
      bus.partitions(),
      bus.read({ topic, part: 0, after: before, limit: 1 }),
    ]
    for (const call of await Promise.allSettled(calls))
      expect(call).toMatchObject({
        status: 'rejected',
        reason: { code: expect.stringMatching(/^(unavailable|timeout)$/) as string },
      })
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    await server.start()
    isStopping = true
    await writing
    const read = (await readAll(topic, 0, before)).map((record) => record.eventId)
    if (bus.flags.nativeDedupe) expect(read).toEqual(answered)
    else expect(new Set(read)).toEqual(new Set(answered))
  }, 60_000)
}

/** Registers what a log in the database promises when the server of that dies. */
export function crashConformance({ subject, aRecord, append, headOf, readAll }: OutsideBusTests): void {
  it('EVT-R58 EVT-R59 what was committed is there when its server was killed right after, and nothing of a transaction that it died in', async () => {
    const { server, bus, transaction } = subject()
    if (server === undefined || !bus.flags.transactionalWithDatabase) return
    const place = { topic: 'task-events', part: 2 }
    const before = await headOf(place.topic, place.part)
    const committed = Array.from({ length: 20 }, (_, n) => aRecord({ ...place, eventId: `kept-${n}` }))
    for (let from = 0; from < committed.length; from += 4) await append(...committed.slice(from, from + 4))
    const dying = transaction(TENANT, async (session) => {
      await bus.append([aRecord({ ...place, eventId: 'uncommitted' })], session)
      await Promise.all([session?.query('select pg_sleep(60)'), server.kill()])
    })
    await expect(dying).rejects.toThrow()
    await server.start()
    const read = (await readAll(place.topic, place.part, before)).map(({ eventId }) => eventId)
    expect(read).toEqual(committed.map(({ eventId }) => eventId))
    const [next] = await append(aRecord(place))
    expect(next?.position).toBe(before.position + committed.length + 1)
  }, 60_000)
}

const isDone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )
