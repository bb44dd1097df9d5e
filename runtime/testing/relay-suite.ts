import { type EventEnvelope, LOG_START, noMetrics, openRecord, silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEmitter } from '../src/events/emitter.ts'
import { createRelay, type Relay } from '../src/events/relay.ts'
import type { ConsumerSuiteOptions } from './a-group.ts'
import { anEnvelope, type EventSpine, openEventSpine, type TestEvent } from './event-spine.ts'
import { queue, until } from './queue.ts'

/** Registers the tests of outbox and relay that hold on every database. */
export function relaySuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`outbox and relay on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus, mode: 'relay' })
    }, 60_000)
    afterAll(() => spine.close())

    const aRelay = (bus = spine.bus as Parameters<typeof createRelay>[0]['bus']): Relay =>
      createRelay({
        database: spine.database,
        bus,
        tail: spine.tail,
        emitter: spine.emitter,
        log: silentLogger,
        metrics: noMetrics,
      })
    const outbox = () =>
      spine.asBus((session) => session.query<{ event_id: string }>('select event_id from events.outbox order by id'))
    const lapse = () =>
      spine.asBus((session) =>
        session.execute(
          `update runtime.job_leases set lease_until = clock_timestamp() - interval '1 s' where name = 'relay'`,
        ),
      )
    const drain = async (relay: Relay) => {
      while ((await relay.runOnce()) > 0);
    }
    const logged = async (topic: string) => {
      const states = await spine.bus.partitions(topic)
      const read = await Promise.all(
        states.map(({ part }) => spine.bus.read({ topic, part, after: LOG_START, limit: 10_000 })),
      )
      return read.flat().map((record) => openRecord(record).event as EventEnvelope)
    }

    it('EVT-R13 EVT-R59 a row and its events commit together or not at all', async () => {
      const { database, emitter } = spine
      const emit = (event: TestEvent, fails: boolean) =>
        database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, async (session) => {
          await session.execute('insert into effects.done (tenant_id, event_id, key) values ($1, $2, $3)', [
            'tenant-a',
            event.id ?? '',
            'r13',
          ])
          await emitter.write(session, [anEnvelope(event)])
          if (fails) throw new Error('rolled back')
        })
      const id = 'both-or-none'
      await expect(emit({ id: `${id}-no`, topic: 'memory' }, true)).rejects.toThrow('rolled back')
      await emit({ id: `${id}-yes`, topic: 'memory' }, false)
      const relay = aRelay()
      await drain(relay)
      await relay.stop()
      expect((await logged('memory')).map((event) => event.id)).toEqual([`${id}-yes`])
      const rows = (await spine.effects()).filter((row) => row.key === 'r13').map((row) => row.event_id)
      expect(rows).toEqual([`${id}-yes`])
    })

    it('ships a committed event to the readers of the process at once', async () => {
      const relay = aRelay()
      const seen = queue<string>()
      const end = spine.tail.onAppend('plan-events', (records) =>
        records.forEach((record) => seen.push(record.eventId)),
      )
      await relay.start()
      const startedAt = performance.now()
      const [sent] = await spine.publish({ topic: 'plan-events', key: 'p' })
      expect(await seen.next()).toBe(sent?.id)
      expect(performance.now() - startedAt).toBeLessThan(800)
      end()
      await relay.stop()
    })

    it('keeps the order of a key over transactions and batches', async () => {
      const sent: string[] = []
      for (let n = 0; n < 30; n++) {
        const envelopes = await spine.publish(
          { topic: 'task-events', key: 'one' },
          { topic: 'task-events', key: 'one' },
        )
        sent.push(...envelopes.map((each) => each.id))
      }
      const relay = aRelay()
      await drain(relay)
      await relay.stop()
      expect((await logged('task-events')).map((event) => event.id)).toEqual(sent)
    })

    it('a delayed event enters the log when it is due, in due order, also when it came due while nobody ran', async () => {
      const at = (ms: number) => new Date(Date.now() + ms).toISOString()
      const later = (id: string, ms: number) =>
        ({ topic: 'audit', id, key: 'd', attributes: { deliverat: at(ms) } }) as const
      await spine.publish(later('second', 300), later('first', 150), later('past', -1_000))
      const relay = aRelay()
      const seen = queue<{ id: string; at: number }>()
      const end = spine.tail.onAppend('audit', (records) =>
        records.forEach((record) => seen.push({ id: record.eventId, at: Date.now() })),
      )
      await relay.start()
      const dueAt = Date.now() + 200
      await spine.publish({ topic: 'audit', id: 'third', key: 'd', attributes: { deliverat: at(450) } })
      expect((await seen.take(4)).map((each) => each.id)).toEqual(['past', 'first', 'second', 'third'])
      const precise = at(200)
      await spine.publish({ topic: 'audit', id: 'exact', key: 'd', attributes: { deliverat: precise } })
      const exact = await seen.next()
      expect(exact.at - Date.parse(precise)).toBeGreaterThanOrEqual(-5)
      expect(exact.at - Date.parse(precise)).toBeLessThan(1_000)
      expect(dueAt).toBeGreaterThan(0)
      end()
      await relay.stop()
    })

    it('EVT-R14 one relay ships at a time: a second waits, and one that lost its lease ships nothing', async () => {
      const first = aRelay()
      const second = aRelay()
      await spine.publish({ topic: 'billing-events', key: 'x', id: 'one' })
      expect(await first.runOnce()).toBe(1)
      await spine.publish({ topic: 'billing-events', key: 'x', id: 'two' })
      expect(await second.runOnce()).toBe(0)
      await lapse()
      expect(await second.runOnce()).toBe(1)
      await spine.publish({ topic: 'billing-events', key: 'x', id: 'three' })
      expect(await first.runOnce()).toBe(0)
      expect((await outbox()).map((row) => row.event_id)).toEqual(['three'])
      expect(await second.runOnce()).toBe(1)
      expect((await logged('billing-events')).map((event) => event.id)).toEqual(['one', 'two', 'three'])
      await second.stop()
      await first.stop()
    })

    it('EVT-R57 a relay that stops ships what was committed, and frees its lease: the next ships at once', async () => {
      const sent: string[] = []
      const emit = async (count: number) => {
        const events = Array.from({ length: count }, () => ({ topic: 'dead-letter', key: 'flush' }) as const)
        sent.push(...(await spine.publish(...events)).map(({ id }) => id))
      }
      const [first, second] = [aRelay(), aRelay()]
      expect(await first.runOnce()).toBe(0)
      for (let batch = 0; batch < 4; batch++) await emit(400)
      await first.stop()
      expect(await outbox()).toEqual([])
      await emit(1)
      expect(await second.runOnce()).toBe(1)
      expect((await logged('dead-letter')).map((event) => event.id)).toEqual(sent)
      await second.stop()
    })

    it('while the bus is down events wait in the outbox in order; when it returns all ship', async () => {
      const bus = createMemoryLog(spine.partitions)
      bus.outage = new Error('connection refused')
      const emitter = createEmitter({ bus, database: spine.database, mode: 'relay', partitions: spine.partitions })
      const relay = aRelay(bus)
      const sent: string[] = []
      for (let n = 0; n < 50; n++) {
        const envelopes = [anEnvelope({ topic: 'system-events', key: `k${n % 3}` })]
        await spine.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, (session) =>
          emitter.write(session, envelopes),
        )
        sent.push(...envelopes.map((each) => each.id))
      }
      await expect(relay.runOnce()).rejects.toThrow('connection refused')
      const backlog = await relay.backlog()
      expect(backlog.rows).toBe(50)
      expect(backlog.oldestAgeMs).toBeGreaterThan(0)
      bus.outage = undefined
      await drain(relay)
      const parts = await Promise.all(
        Array.from({ length: spine.partitions }, (_, part) =>
          bus.read({ topic: 'system-events', part, after: LOG_START, limit: 100 }),
        ),
      )
      for (const records of parts)
        expect(
          isSubsequence(
            records.map((record) => record.eventId),
            sent,
          ),
        ).toBe(true)
      expect(parts.flat()).toHaveLength(50)
      expect(await outbox()).toEqual([])
      await relay.stop()
    })

    it('EVT-R14 EVT-R59 what a crash between ship and mark left in a log outside the database is not shipped again', async () => {
      const bus = createMemoryLog(spine.partitions)
      const emitter = createEmitter({ bus, database: spine.database, mode: 'relay', partitions: spine.partitions })
      const emit = async (...envelopes: ReturnType<typeof anEnvelope>[]) => {
        await spine.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, (session) =>
          emitter.write(session, envelopes),
        )
        return envelopes.map(({ id }) => id)
      }
      const anEvent = () => anEnvelope({ topic: 'conversation', key: 'c' })
      const before = await emit(anEvent(), anEvent())
      const dying = { ...bus, append: (records: Parameters<typeof bus.append>[0]) => bus.append(records).then(crash) }
      await expect(aRelay(dying).runOnce()).rejects.toThrow('killed')
      await lapse()
      const after = await emit(anEvent())
      const second = aRelay(bus)
      await drain(second)
      await second.stop()
      const records = await Promise.all(
        Array.from({ length: spine.partitions }, (_, part) =>
          bus.read({ topic: 'conversation', part, after: LOG_START, limit: 100 }),
        ),
      )
      expect(records.flat().map(({ eventId }) => eventId)).toEqual([...before, ...after])
      expect(await outbox()).toEqual([])
    })

    it('moves 10,000 waiting rows in less than 30 s', async () => {
      const envelopes = Array.from({ length: 500 }, (_, n) =>
        anEnvelope({ topic: 'notification-events', key: `k${n}` }),
      )
      for (let batch = 0; batch < 20; batch++)
        await spine.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, (session) =>
          spine.emitter.write(session, envelopes),
        )
      const relay = aRelay()
      const startedAt = performance.now()
      await relay.start()
      await until(async () => (await relay.backlog()).rows === 0)
      expect(performance.now() - startedAt).toBeLessThan(30_000)
      await relay.stop()
    }, 60_000)
  })
}

const crash = (): never => {
  throw new Error('killed')
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let from = 0
  for (const each of part) {
    from = whole.indexOf(each, from) + 1
    if (from === 0) return false
  }
  return true
}
