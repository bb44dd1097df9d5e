import { type Delivered, type EventHandler, onTopic } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Consumer } from '../src/events/consumer/consumer.ts'
import type { ConsumerSuiteOptions } from './a-group.ts'
import { anEnvelope, type EventSpine, openEventSpine } from './event-spine.ts'
import { deferred, queue, until } from './queue.ts'

const FAST = { backoff: { baseMs: 5, factor: 1, maxMs: 5 }, commitEveryMs: 5, leaseMs: 2_000 }

/** Registers the tests of several members of a group, and of what a group keeps in the database. */
export function groupSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`groups of readers on ${name}`, () => {
    let spine: EventSpine
    let made = 0
    let tenant = ''
    let group = ''

    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    const fresh = () => {
      made += 1
      tenant = `tenant-${made}`
      group = `module:group-${made}`
    }
    const mine = (handle: (delivered: Delivered) => Promise<void>): EventHandler[] => [
      onTopic('business-facts', '*', async (given) => {
        if (given.event.tenantid === tenant) await handle(given)
      }),
    ]
    const expire = () => spine.lapse(group)
    const effects = async () => (await spine.effects()).filter((row) => row.tenant_id === tenant)
    const numbered = (count: number, keys: number) =>
      Array.from({ length: count }, (_, n) => ({ tenantId: tenant, key: `key-${n % keys}`, id: `${tenant}-${n}` }))
    const owners = async () => {
      const rows = await spine.asBus((session) =>
        session.query<{ owner: string | null; parts: number }>(
          'select owner, count(*)::int4 as parts from events.cursor where grp = $1 group by owner order by parts',
          [group],
        ),
      )
      return rows
    }

    /** Events of the topic that the cursors of the group have not passed. */
    const behind = async () => {
      const heads = await spine.bus.partitions('business-facts')
      const cursors = await spine.asBus((session) =>
        session.query<{ part: number; pos: number }>('select part, pos from events.cursor where grp = $1', [group]),
      )
      const passed = new Map(cursors.map(({ part, pos }) => [part, pos]))
      return heads.reduce((sum, { part, position }) => sum + position - (passed.get(part) ?? 0), 0)
    }

    it('EVT-R59 an owner that stalls past its lease and wakes commits nothing', async () => {
      fresh()
      const [paused, resume] = [deferred(), deferred()]
      const stalled = spine.consumer(
        mine(async (given) => {
          await spine.effect(given)
          await given.tx.execute(`update effects.done set key = 'by the stalled one' where event_id = $1`, [
            given.event.id,
          ])
        }),
        FAST,
        group,
        async (event) => {
          if (event.id !== `${tenant}-1`) return
          paused.resolve()
          await resume.promise
        },
      )
      await stalled.start()
      await spine.publish(...numbered(3, 1))
      await paused.promise
      await until(async () => (await effects()).length === 1)
      await expire()
      const [held, release] = [deferred(), deferred()]
      const second = spine.consumer(mine(spine.effect), FAST, group, async (event) => {
        if (event.id !== `${tenant}-1`) return
        held.resolve()
        await release.promise
      })
      await second.start()
      await held.promise
      resume.resolve()
      await until(() => stalled.state().partitions === 0 || stalled.state().inHand === 0)
      expect(await effects()).toHaveLength(1)
      release.resolve()
      await until(async () => (await effects()).length === 3)
      expect((await effects()).map((row) => row.event_id)).toEqual(numbered(3, 1).map((event) => event.id))
      await stalled.abandon()
      await second.stop()
    })

    it('EVT-R59 members share the events of a group, and another group gets all of them', async () => {
      fresh()
      const seen: Record<'one' | 'two' | 'other', string[]> = { one: [], two: [], other: [] }
      const member = (which: keyof typeof seen, of: string) =>
        spine.consumer(
          mine(async ({ event }) => void seen[which].push(event.id)),
          FAST,
          of,
        )
      const one = member('one', group)
      const two = member('two', group)
      const other = member('other', `${group}-other`)
      await one.start()
      await Promise.all([two.start(), other.start()])
      await until(async () => (await owners()).length === 2)
      const sent = await spine.publish(...numbered(60, 60))
      await until(() => seen.one.length + seen.two.length === 60 && seen.other.length === 60)
      expect(seen.one.length).toBeGreaterThan(0)
      expect(seen.two.length).toBeGreaterThan(0)
      expect([...seen.one, ...seen.two].toSorted()).toEqual(sent.map((event) => event.id).toSorted())
      await Promise.all([one, two, other].map((each) => each.stop()))
    })

    it('EVT-R57 EVT-R59 a member that stops frees its partitions at once, and another goes on where it was', async () => {
      fresh()
      const seen = queue<string>()
      const handlers = mine(async ({ event }) => seen.push(event.id))
      const first = spine.consumer(handlers, FAST, group)
      await first.start()
      await spine.publish(...numbered(10, 5))
      await seen.take(10)
      await first.stop()
      expect(await owners()).toEqual([{ owner: null, parts: spine.partitions }])
      const second = spine.consumer(handlers, FAST, group)
      await second.start()
      const [last] = await spine.publish({ tenantId: tenant, key: 'key-0', id: `${tenant}-last` })
      expect(await seen.next()).toBe(last?.id)
      await second.stop()
    })

    it('EVT-R57 a member that stops starts nothing more, lets what it has in hand finish and hands the rest back at once, with its place', async () => {
      fresh()
      const [ends, never] = [deferred(), deferred()]
      const stalled = queue<string>()
      const pauses = new Map([
        [`${tenant}-0`, ends.promise],
        [`${tenant}-1`, never.promise],
      ])
      const first = spine.consumer(mine(spine.effect), FAST, group, async ({ id }) => {
        if (pauses.has(id)) stalled.push(id)
        await pauses.get(id)
      })
      await first.start()
      await until(async () => (await behind()) === 0)
      await spine.publish(...numbered(2, 2))
      await stalled.take(2)
      const stopped = first.stop(400)
      await spine.publish({ tenantId: tenant, key: 'key-2', id: `${tenant}-2` })
      ends.resolve()
      setTimeout(never.resolve, 600)
      await stopped
      expect((await effects()).map((row) => row.event_id)).toEqual([`${tenant}-0`])
      expect(await owners()).toEqual([{ owner: null, parts: spine.partitions }])

      const seen: string[] = []
      const second = spine.consumer(mine(spine.effect), FAST, group, async ({ id }) => {
        if (id.startsWith(`${tenant}-`)) seen.push(id)
      })
      await second.start()
      expect(second.state().partitions).toBe(spine.partitions)
      await until(async () => (await effects()).length === 3)
      expect(seen.toSorted()).toEqual([`${tenant}-1`, `${tenant}-2`])
      await second.stop()
    })

    it('a member that dies is replaced when its lease ends', async () => {
      fresh()
      const seen = queue<string>()
      const handlers = mine(async ({ event }) => seen.push(event.id))
      const first = spine.consumer(handlers, FAST, group)
      await first.start()
      const second = spine.consumer(handlers, FAST, group)
      await second.start()
      await first.abandon()
      const diedAt = performance.now()
      const sent = await spine.publish(...numbered(20, 20))
      expect((await seen.take(20)).toSorted()).toEqual(sent.map((event) => event.id).toSorted())
      expect(performance.now() - diedAt).toBeLessThan(FAST.leaseMs + 1_000)
      await second.stop()
    })

    it.each([
      { handlers: 'EVT-R19 EVT-R59 with random keys, failures, crashes and takeovers', sharesTransaction: false },
      { handlers: 'and where handlers share transactions,', sharesTransaction: true },
    ])(
      '$handlers each effect exists once and in order per key',
      async ({ sharesTransaction }) => {
        fresh()
        const random = seeded(made)
        const total = 240
        const failing = () => random() < 0.15
        const start = async (): Promise<Consumer> => {
          const handlers = mine(async (given) => {
            if (failing()) throw new Error('by chance')
            await spine.effect(given)
            if (failing()) throw new Error('by chance, after the effect')
          })
          const consumer = spine.consumer(
            handlers.map((handler) => ({ ...handler, sharesTransaction })),
            { ...FAST, maxAttempts: 30, leaseMs: 1_000 },
            group,
          )
          await consumer.start()
          return consumer
        }
        const sent: { id: string; key: string }[] = []
        let members = [await start(), await start()]
        for (let round = 0; round < 8; round++) {
          const events = Array.from({ length: total / 8 }, (_, n) => ({
            tenantId: tenant,
            key: `key-${Math.floor(random() * 12)}`,
            id: `${tenant}-${round}-${n}`,
          }))
          await spine.publish(...events)
          sent.push(...events)
          const target = Math.min(sent.length, (await effects()).length + 8)
          await until(async () => (await effects()).length >= target)
          if (round % 2 === 0) {
            await members[0]?.abandon()
            await expire()
            members = [...members.slice(1), await start()]
          } else {
            await members[1]?.stop()
            members = [members[0] as Consumer, await start()]
          }
        }
        await members[0]?.stop()
        await expire()
        await members[1]?.stop()
        const last = await start()
        await until(async () => (await effects()).length >= total)
        await last.stop()
        const done = await effects()
        expect(done.map((row) => row.event_id).toSorted()).toEqual(sent.map((event) => event.id).toSorted())
        for (const key of new Set(sent.map((event) => event.key)))
          expect(done.filter((row) => row.key === key).map((row) => row.event_id)).toEqual(
            sent.filter((event) => event.key === key).map((event) => event.id),
          )
      },
      60_000,
    )

    it('beyond maxParked the partition stops instead of parking more, and goes on when the key is free', async () => {
      fresh()
      const [release, seen] = [deferred(), queue<string>()]
      let isBroken = true
      void release.promise.then(() => {
        isBroken = false
      })
      const consumer = spine.consumer(
        mine(async ({ event }) => {
          if (isBroken) throw new Error('not yet')
          seen.push(event.id)
        }),
        { ...FAST, maxAttempts: 1_000, maxParked: 5, backoff: { baseMs: 50, factor: 1, maxMs: 50 } },
        group,
      )
      await consumer.start()
      const blocker = await spine.publish({ tenantId: tenant, key: 'one', id: `${tenant}-first` })
      await until(async () => (await rows()).length === 1)
      const rest = []
      for (let n = 0; n < 300; n += 100)
        rest.push(
          ...(await spine.publish(
            ...Array.from({ length: 100 }, (_, m) => ({ tenantId: tenant, key: 'one', id: `${tenant}-${n + m}` })),
          )),
        )
      await until(() => consumer.state().parked >= 5)
      const parked = (await rows()).length - 1
      expect(parked).toBeGreaterThanOrEqual(5)
      expect(parked).toBeLessThan(300)
      release.resolve()
      expect(await seen.take(301)).toEqual([...blocker, ...rest].map((event) => event.id))
      await consumer.stop()
      expect(await rows()).toEqual([])
    })
    const rows = () =>
      spine.asBus((session) => session.query('select pos from events.delivery where grp = $1', [group]))

    it('EVT-R18 EVT-R58 places, owners and leases of every partition are rows of the database', async () => {
      fresh()
      const seen = queue<string>()
      const consumer = spine.consumer(
        mine(async ({ event }) => seen.push(event.id)),
        FAST,
        group,
      )
      await consumer.start()
      await spine.publish(...numbered(4, 4))
      await seen.take(4)
      await until(async () => (await behind()) === 0)
      const cursors = await spine.asBus((session) =>
        session.query<{ owner: string | null; lease_until: Date }>(
          'select owner, lease_until from events.cursor where grp = $1',
          [group],
        ),
      )
      expect(cursors.every((cursor) => cursor.owner !== null && cursor.lease_until > new Date())).toBe(true)
      await consumer.stop()
    })
  })
}

/** Registers what needs a second session beside a running transaction: not the embedded engine. */
export function concurrencySuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`concurrent transactions on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    it('EVT-R23 a slow handler gets a delivery of its own: the cursor moves on, and a crash repeats it alone', async () => {
      const group = 'module:slow'
      const seen = queue<{ id: string; attempt: number }>()
      let isSlow = true
      const handlers = [
        onTopic('business-facts', '*', async ({ event, attempt, tx }) => {
          while (isSlow && event.id === 'slow') await tx.query('select pg_sleep(0.01)')
          seen.push({ id: event.id, attempt })
        }),
      ]
      const settings = { ...FAST, slowHandlerMs: 50, leaseMs: 60_000 }
      const first = spine.consumer(handlers, settings, group)
      await first.start()
      await spine.publish({ id: 'slow', key: 'a' }, { id: 'behind', key: 'a' }, { id: 'free', key: 'b' })
      expect(await seen.next()).toEqual({ id: 'free', attempt: 1 })
      const rows = () =>
        spine.asBus((session) =>
          session.query<{ member: string | null; attempt: number }>(
            'select member, attempt from events.delivery where grp = $1 order by pos',
            [group],
          ),
        )
      await until(async () => (await rows())[0]?.member !== undefined && (await rows())[0]?.member !== null)
      const heads = (await spine.bus.partitions('business-facts')).map(({ position }) => position)
      const cursors = () =>
        spine.asBus((session) =>
          session.query<{ pos: number; in_hand: boolean }>(
            `select c.pos, exists (select from events.delivery d where d.grp = c.grp and d.part = c.part and d.member is not null) as in_hand
               from events.cursor c where c.grp = $1 order by c.part`,
            [group],
          ),
        )
      await until(async () => (await cursors()).every(({ pos, in_hand }, part) => pos === heads[part] || in_hand))
      await first.abandon()
      isSlow = false
      await spine.lapse(group)
      const second = spine.consumer(handlers, settings, group)
      await second.start()
      expect(await seen.take(2)).toEqual([
        { id: 'slow', attempt: 2 },
        { id: 'behind', attempt: 1 },
      ])
      await second.stop()
      expect(await rows()).toEqual([])
    })

    it('EVT-R13 the order of events is the order of the row locks', async () => {
      const { database, bus, emitter } = spine
      await database.asOwner((session) => session.query('create table effects.locks (id int primary key, n int)'))
      await database.asOwner((session) => session.execute('insert into effects.locks values (1, 0)'))
      await database.maintain('grant select, update on effects.locks to soma_app')
      const order: string[] = []
      const write = (id: string) =>
        database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, async (session) => {
          await session.query(`select pg_sleep(random() * 0.005)`)
          await session.execute('update effects.locks set n = n + 1 where id = 1')
          order.push(id)
          await session.query(`select pg_sleep(random() * 0.005)`)
          await emitter.write(session, [anEnvelope({ topic: 'memory', key: 'row-1', id })])
        })
      await Promise.all(Array.from({ length: 24 }, (_, n) => write(`lock-${n}`)))
      await spine.shipped()
      const states = await bus.partitions('memory')
      const read = await Promise.all(
        states.map(({ part }) => bus.read({ topic: 'memory', part, after: { segment: 0, position: 0 }, limit: 100 })),
      )
      expect(read.flat().map((record) => record.eventId)).toEqual(order)
    })
  })
}

/** mulberry32: a run that fails can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
