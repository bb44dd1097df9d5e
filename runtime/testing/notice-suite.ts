import { type Database, noMetrics, silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEmitter, type Emitter } from '../src/events/emitter.ts'
import { LOG_CHANNEL, OUTBOX_CHANNEL } from '../src/events/notifier.ts'
import { createRelay } from '../src/events/relay.ts'
import { createTail } from '../src/events/tail.ts'
import { anEnvelope, type EventSpine, openEventSpine } from './event-spine.ts'
import { queue } from './queue.ts'

const ONE_PLACE = { topic: 'memory', key: 'one' } as const

/** Registers the tests of what processes on one database tell each other. */
export function noticeSuite({ name, open }: { name: string; open: () => Promise<Database> }): void {
  describe(`notices of processes on one ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { mode: 'relay' })
    }, 60_000)
    afterAll(() => spine.close())

    const commit = async (emitter: Emitter) => {
      const envelopes = [anEnvelope(ONE_PLACE)]
      await spine.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, (session) =>
        emitter.write(session, envelopes),
      )
      emitter.committed(envelopes)
    }
    const otherEmitter = (mode: 'inline' | 'relay') =>
      createEmitter({ bus: spine.bus, database: spine.database, mode, partitions: spine.partitions })

    it('the process that relays tells nobody of its outbox rows, another process tells it', async () => {
      const { database, bus, emitter, tail } = spine
      const relay = createRelay({ database, bus, emitter, tail, log: silentLogger, metrics: noMetrics })
      const shipped = queue<unknown>()
      const told = queue<string>()
      const stopHearing = tail.onAppend(ONE_PLACE.topic, (records) => records.forEach(shipped.push))
      const stopListening = await database.listen(OUTBOX_CHANNEL, told.push)
      await relay.start()
      await commit(emitter)
      await shipped.next()
      await commit(emitter)
      await shipped.next()
      const other = otherEmitter('relay')
      await commit(other)
      expect(await told.next()).toBe(other.sender)
      await shipped.next()
      stopHearing()
      await stopListening()
      await relay.stop()
    })

    it('what a process appended it does not read again for its own notice', async () => {
      const { database, emitter } = spine
      let reads = 0
      const bus: typeof spine.bus = {
        ...spine.bus,
        read: (from) => {
          reads += 1
          return spine.bus.read(from)
        },
      }
      const never = { active: 3_600_000, idle: 3_600_000 }
      const tail = createTail({
        database,
        bus,
        emitter: { ...emitter, onAppend: () => () => undefined },
        log: silentLogger,
        pollMs: never,
      })
      const relay = createRelay({
        database,
        bus,
        emitter,
        tail: { offer: () => undefined },
        log: silentLogger,
        metrics: noMetrics,
      })
      await tail.start()
      const seen = queue<unknown>()
      const end = tail.onAppend(ONE_PLACE.topic, (records) => records.forEach(seen.push))
      const told = queue<string>()
      const endListening = await database.listen(LOG_CHANNEL, told.push)
      await commit(emitter)
      expect(await relay.runOnce()).toBe(1)
      expect(await told.next()).toMatch(emitter.sender)
      await commit(otherEmitter('inline'))
      await seen.next()
      await seen.next()
      expect(reads).toBe(1)
      end()
      await endListening()
      await relay.stop()
      await tail.stop()
    })
  })
}
