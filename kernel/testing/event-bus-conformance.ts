import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AppendRecord,
  LOG_START,
  type LogNotice,
  type LogRecord,
  type PartitionState,
  type Position,
} from '../src/ports/event-bus.ts'
import type { EventBusSubject } from './event-bus-subject.ts'
import { crashConformance, outsideBusConformance } from './outside-bus-conformance.ts'

export interface EventBusUnderTest {
  readonly name: string
  /** Opens an empty log; called once for the suite. */
  open(): Promise<EventBusSubject>
}

const TENANT = 'tenant-a'
const TOPIC = 'business-facts'
const WRITERS = 32
const ROLLBACKS = 0.15
/** Default of `events.maxEventBytes`. */
const LARGEST_BYTES = 262_144
/** What every log can do. */
const PORT = ['append', 'read', 'partitions', 'positionAt', 'trim', 'close'] as const

let made = 0
const aRecord = (record: Partial<AppendRecord> = {}): AppendRecord => {
  made += 1
  return {
    topic: TOPIC,
    part: 0,
    tenantId: TENANT,
    eventId: `evt-${made}`,
    type: 'thing.done',
    key: 'key',
    userId: null,
    envelope: JSON.stringify({ id: `evt-${made}` }),
    ...record,
  }
}

/** Registers the tests that every EventBus passes: what the port promises, by its flags. */
export function eventBusConformance({ name, open }: EventBusUnderTest): void {
  describe(`the event bus ${name}`, () => {
    let subject: EventBusSubject
    beforeAll(async () => {
      subject = await open()
    }, 60_000)
    afterAll(() => subject.close())

    const append = (...records: AppendRecord[]) =>
      subject.transaction(records[0]?.tenantId ?? TENANT, (session) => subject.bus.append(records, session))
    const headOf = async (topic: string, part: number): Promise<PartitionState> => {
      const states = await subject.bus.partitions(topic)
      return states.find((state) => state.part === part) as PartitionState
    }
    const readAll = async (topic: string, part: number, after: Position, limit = 100): Promise<LogRecord[]> => {
      const all: LogRecord[] = []
      for (let from = after; ; ) {
        const records = await subject.bus.read({ topic, part, after: from, limit })
        if (records.length === 0) return all
        all.push(...records)
        from = records.at(-1) as LogRecord
      }
    }

    it('EVT-R58 EVT-R59 states what it can, has the members that this needs, and is tested with what its flags promise', () => {
      const { bus, writeFromOutside, closeSegment } = subject
      const { transactionalWithDatabase, nativeDedupe, writableFromOutside } = bus.flags
      for (const flag of [transactionalWithDatabase, nativeDedupe, writableFromOutside])
        expect(flag).toBeTypeOf('boolean')
      for (const member of PORT) expect(bus[member]).toBeTypeOf('function')
      expect(bus.watch === undefined).toBe(transactionalWithDatabase)
      expect(closeSegment === undefined).toBe(!transactionalWithDatabase)
      expect(writeFromOutside !== undefined).toBe(writableFromOutside)
    })

    it('EVT-R59 takes the largest event, and answers no more records than it is asked for', async () => {
      const before = await headOf('dead-letter', 0)
      const envelope = JSON.stringify({ data: `x${'ü'.repeat((LARGEST_BYTES - 12) / 2)}` })
      expect(new TextEncoder().encode(envelope)).toHaveLength(LARGEST_BYTES)
      const batch = [aRecord(), aRecord({ envelope }), aRecord()].map((each) => ({ ...each, topic: 'dead-letter' }))
      await append(...batch)
      const [first, large, ...others] = await subject.bus.read({
        topic: 'dead-letter',
        part: 0,
        after: before,
        limit: 2,
      })
      expect([first?.eventId, large?.eventId, others]).toEqual([batch[0]?.eventId, batch[1]?.eventId, []])
      expect(large?.envelope === envelope).toBe(true)
    })

    it('EVT-R59 the head minus a position is what is left to read behind it', async () => {
      const topic = 'notification-events'
      await append(...Array.from({ length: 7 }, () => aRecord({ topic })))
      for (const position of [0, 3, 7]) {
        const left = await readAll(topic, 0, { segment: position === 0 ? 0 : 1, position })
        expect((await headOf(topic, 0)).position - position).toBe(left.length)
      }
    })

    it('EVT-R58 EVT-R59 gives back every member of a record as it was appended', async () => {
      const record = aRecord({
        part: 1,
        key: 'k "quoted", {braced} \\ and ütf-8 🦊',
        userId: 'user-1',
        envelope: JSON.stringify({ text: 'line\nbreak \u0000 \u2028 🦊', deep: [{ a: null }] }),
      })
      const before = await headOf(TOPIC, 1)
      const [position] = await append(record)
      const [read] = await subject.bus.read({ topic: TOPIC, part: 1, after: before, limit: 10 })
      expect(read).toEqual({ ...record, recordedAt: read?.recordedAt, ...position })
      expect(read?.recordedAt).toBeInstanceOf(Date)
    })

    it('EVT-R58 EVT-R59 gives dense positions from the head, in the order of the batch, per partition', async () => {
      const before = [await headOf(TOPIC, 2), await headOf(TOPIC, 3)]
      const positions = await append(
        ...[2, 3, 2, 2, 3].map((part, index) => aRecord({ part, eventId: `batch-${index}` })),
      )
      const base = before.map((state) => state.position)
      expect(positions.map((each) => each.position)).toEqual([
        (base[0] ?? 0) + 1,
        (base[1] ?? 0) + 1,
        (base[0] ?? 0) + 2,
        (base[0] ?? 0) + 3,
        (base[1] ?? 0) + 2,
      ])
      const read = await readAll(TOPIC, 2, before[0] as Position)
      expect(read.map((record) => record.eventId)).toEqual(['batch-0', 'batch-2', 'batch-3'])
      expect((await headOf(TOPIC, 2)).position).toBe((base[0] ?? 0) + 3)
    })

    it('EVT-R59 keeps the order of a batch of 500 and reads it in pages', async () => {
      const before = await headOf('plan-events', 0)
      await append(...Array.from({ length: 500 }, (_, n) => aRecord({ topic: 'plan-events', eventId: `page-${n}` })))
      const read = await readAll('plan-events', 0, before, 64)
      expect(read.map((record) => record.eventId)).toEqual(Array.from({ length: 500 }, (_, n) => `page-${n}`))
    })

    it('keeps partitions and topics apart', async () => {
      const quiet = await headOf('task-events', 0)
      await append(aRecord({ topic: 'task-events', part: 1 }))
      expect(await subject.bus.read({ topic: 'task-events', part: 0, after: quiet, limit: 10 })).toEqual([])
      expect((await headOf('task-events', 0)).position).toBe(quiet.position)
    })

    it('appends all or nothing', async () => {
      const before = await headOf(TOPIC, 0)
      await expect(append(aRecord(), aRecord({ topic: 'no-such-topic' }))).rejects.toThrow()
      expect((await headOf(TOPIC, 0)).position).toBe(before.position)
      expect(await subject.bus.read({ topic: TOPIC, part: 0, after: before, limit: 10 })).toEqual([])
    })

    it('EVT-R59 leaves nothing of a transaction that rolls back, and gives its positions to the next', async () => {
      if (!subject.bus.flags.transactionalWithDatabase) return
      const before = await headOf(TOPIC, 0)
      const rolledBack = subject.transaction(TENANT, async (session) => {
        await subject.bus.append([aRecord(), aRecord()], session)
        throw new Error('no')
      })
      await expect(rolledBack).rejects.toThrow('no')
      const [position] = await append(aRecord())
      expect(position?.position).toBe(before.position + 1)
    })

    it(`a reader beside ${WRITERS} writers of which some roll back misses nothing and sees each key in order`, async () => {
      const partitions = subject.partitions
      const start = await subject.bus.partitions('system-events')
      const committed: string[] = []
      let writing = true
      const writer = async (number: number) => {
        for (let turn = 0; turn < 20; turn++) {
          const records = Array.from({ length: 1 + ((number + turn) % 3) }, (_, index) =>
            aRecord({
              topic: 'system-events',
              part: (number + index) % partitions,
              key: `writer-${number}`,
              eventId: `w${number}-${turn}-${index}`,
            }),
          )
          const fails = subject.bus.flags.transactionalWithDatabase && (number * 20 + turn) % 100 < ROLLBACKS * 100
          const done = subject.transaction(TENANT, async (session) => {
            await subject.bus.append(records, session)
            if (fails) throw new Error('rolled back')
          })
          if (fails) await expect(done).rejects.toThrow('rolled back')
          else {
            await done
            committed.push(...records.map((record) => record.eventId))
          }
        }
      }
      const readPartition = async (state: PartitionState): Promise<LogRecord[]> => {
        const read: LogRecord[] = []
        let from: Position = state
        for (let last = false; ; ) {
          const records = await subject.bus.read({ topic: state.topic, part: state.part, after: from, limit: 50 })
          read.push(...records)
          from = records.at(-1) ?? from
          if (records.length > 0) continue
          if (last) return read
          last = !writing
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
      const reading = Promise.all(start.map(readPartition))
      await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)))
      writing = false
      const read = await reading
      for (const [index, records] of read.entries()) {
        const base = start[index]?.position ?? 0
        expect(records.map((record) => record.position)).toEqual(records.map((_, offset) => base + offset + 1))
        expectKeysInOrder(records)
      }
      expect(read.flatMap((records) => records.map((record) => record.eventId)).toSorted()).toEqual(
        committed.toSorted(),
      )
    }, 60_000)

    it('EVT-R59 tells the place to read after for a time', async () => {
      const from = await headOf('audit', 0)
      for (let n = 0; n < 5; n++) {
        await append(aRecord({ topic: 'audit' }))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      for (const each of await readAll('audit', 0, from))
        expect((await subject.bus.positionAt('audit', 0, each.recordedAt)).position).toBe(each.position - 1)
      const future = new Date(Date.now() + 60_000)
      expect((await subject.bus.positionAt('audit', 0, future)).position).toBe(from.position + 5)
      expect((await subject.bus.positionAt('audit', 0, new Date(0))).position).toBe(from.position)
    })

    it('tells of each record that became readable where it can be watched', async () => {
      if (subject.bus.watch === undefined) return
      const heard: LogNotice[] = []
      let wake: () => void = () => undefined
      const end = await subject.bus.watch((notice) => {
        heard.push(notice)
        wake()
      })
      const appended = await append(
        aRecord({ topic: 'billing-events', part: 2 }),
        aRecord({ topic: 'billing-events', part: 3 }),
      )
      const wanted = [2, 3].map((part, index) => ({
        topic: 'billing-events',
        part,
        position: appended[index]?.position,
      }))
      const isHeard = () =>
        wanted.every((each) => heard.some((notice) => notice.part === each.part && notice.position === each.position))
      while (!isHeard()) await new Promise<void>((resolve) => (wake = resolve))
      const last = heard.findLast((notice) => notice.part === 2) as LogNotice
      expect(
        await subject.bus.read({ ...last, after: { segment: 1, position: last.position - 1 }, limit: 1 }),
      ).toHaveLength(1)
      await end()
    })

    it('EVT-R59 keeps 10,000 keys in order', async () => {
      const start = await subject.bus.partitions('action-requests')
      const records = Array.from({ length: 20_000 }, (_, n) =>
        aRecord({
          topic: 'action-requests',
          part: (n % 10_000) % subject.partitions,
          key: `key-${n % 10_000}`,
          eventId: `k-${n < 10_000 ? 0 : 1}-0-${n % 10_000}`,
        }),
      )
      for (let from = 0; from < records.length; from += 1_000) await append(...records.slice(from, from + 1_000))
      let count = 0
      for (const state of start) {
        const read = await readAll('action-requests', state.part, state, 1_000)
        expectKeysInOrder(read)
        count += read.length
      }
      expect(count).toBe(20_000)
    }, 60_000)

    it('EVT-R58 lists every partition of a topic with its head', async () => {
      const states = await subject.bus.partitions('memory')
      expect(states.map((state) => state.part)).toEqual(Array.from({ length: subject.partitions }, (_, part) => part))
      expect(states.every((state) => state.position === 0 && state.oldestPosition === 1)).toBe(true)
      const topics = new Set((await subject.bus.partitions()).map((state) => state.topic))
      expect(topics.size).toBe(12)
    })

    it('EVT-R58 EVT-R59 keeps positions dense over segments and drops what is trimmed, whole segments, oldest first', async () => {
      if (subject.closeSegment === undefined) return
      await append(aRecord({ topic: 'conversation' }), aRecord({ topic: 'conversation' }))
      await subject.closeSegment('conversation')
      const [third] = await append(aRecord({ topic: 'conversation', eventId: 'third' }))
      expect(third?.position).toBe(3)
      expect(third?.segment).toBeGreaterThan(1)
      expect((await readAll('conversation', 0, LOG_START)).map((record) => record.position)).toEqual([1, 2, 3])
      expect(await subject.bus.trim('conversation', new Date(Date.now() - 3_600_000))).toBe(0)
      expect(await subject.bus.trim('conversation', new Date(Date.now() + 1_000))).toBe(1)
      expect((await readAll('conversation', 0, LOG_START)).map((record) => record.position)).toEqual([3])
      expect((await headOf('conversation', 0)).oldestPosition).toBe(3)
    })

    const shared = { subject: () => subject, append, headOf, readAll, aRecord }
    outsideBusConformance(shared)
    crashConformance(shared)
  })
}

function expectKeysInOrder(records: readonly LogRecord[]): void {
  const last = new Map<string, string>()
  for (const { key, eventId } of records) {
    const [, turn, index] = eventId.split('-').map((part) => part.padStart(4, '0'))
    const place = `${turn}-${index}`
    expect(place > (last.get(key) ?? '')).toBe(true)
    last.set(key, place)
  }
}
