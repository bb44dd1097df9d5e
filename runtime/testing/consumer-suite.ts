import type { Delivered, EventEnvelope } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aGroup, type ConsumerSuiteOptions, FAST } from './a-group.ts'
import { type EventSpine, openEventSpine } from './event-spine.ts'
import { queue } from './queue.ts'

/** Registers the tests of the consumer loop that hold on every database. */
export function consumerSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`handlers of a module on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    it('runs a handler after the commit, in the event tenant, and commits the cursor', async () => {
      const { tenant, group, mine, cursors } = aGroup(spine)
      const seen = queue<Delivered>()
      const consumer = spine.consumer([mine(async (given) => seen.push(given))], FAST, group)
      await consumer.start()
      const [sent] = await spine.publish({ tenantId: tenant, key: 'k', data: { a: 1 } })
      const given = await seen.next()
      expect(given.event).toMatchObject({ id: sent?.id, data: { a: 1 }, tenantid: tenant })
      expect(given.event.sequence).toMatch(/^\d+-\d{16}$/)
      expect(given.context).toMatchObject({ tenantId: tenant, cause: { eventId: sent?.id } })
      expect(given.attempt).toBe(1)
      await consumer.stop()
      const heads = await spine.bus.partitions('business-facts')
      expect((await cursors()).map((row) => row.pos)).toEqual(heads.map((head) => head.position))
      expect((await cursors()).every((row) => row.owner === null)).toBe(true)
    })

    it('what concerns no handler passes without a transaction, and what cannot tell is handled', async () => {
      const { tenant, group, mine, cursors } = aGroup(spine)
      const seen = queue<unknown>()
      const concerns = ({ data }: EventEnvelope) => {
        if (data === 'unsure') throw new Error('no idea')
        return data === 'mine'
      }
      const handler = { ...mine(async ({ data }) => seen.push(data)), concerns }
      const consumer = spine.consumer([handler], FAST, group)
      await consumer.start()
      for (const data of ['other', 'mine', 'other', 'unsure', 'other', 'mine'])
        await spine.publish({ tenantId: tenant, key: 'k', data })
      expect([await seen.next(), await seen.next(), await seen.next()]).toEqual(['mine', 'unsure', 'mine'])
      await consumer.stop()
      const heads = await spine.bus.partitions('business-facts')
      expect((await cursors()).map((row) => row.pos)).toEqual(heads.map((head) => head.position))
      const entered = await spine.asBus((session) =>
        session.query<{ entered: number }>('select count(*)::int4 as entered from runtime.inbox where grp = $1', [
          group,
        ]),
      )
      expect(entered).toEqual([{ entered: 3 }])
    })

    it('EVT-R47 a handler reads no row of another tenant', async () => {
      const { tenant, group, mine } = aGroup(spine)
      await spine.publish({ tenantId: 'somebody-else', key: 'x' })
      const read = queue<number>()
      const consumer = spine.consumer(
        [
          mine(async ({ tx, event: given }) => {
            await spine.effect({ event: given, tx })
            const rows = await tx.query<{ tables: number }>(
              `select (select count(*) from effects.done where tenant_id <> $1) + (select count(*) from events.log where tenant_id <> $1)
                 + (select count(*) from events.outbox where tenant_id <> $1) + (select count(*) from events.delivery where tenant_id <> $1)
                 + (select count(*) from events.dead_letter where tenant_id <> $1) + (select count(*) from runtime.inbox where tenant_id <> $1) as tables`,
              [tenant],
            )
            read.push(rows[0]?.tables ?? -1)
          }),
        ],
        FAST,
        group,
      )
      await consumer.start()
      await spine.publish({ tenantId: tenant, key: 'x' })
      expect(await read.next()).toBe(0)
      await consumer.stop()
    })

    it('events of one user and several keys share a transaction, and one that fails is tried again alone', async () => {
      const { tenant, group, mine, effects, deliveries } = aGroup(spine)
      const ended = queue<string>()
      const seen = new Map<string, Delivered>()
      const handler = mine(async (given) => {
        await spine.effect(given)
        if (given.event.partitionkey === 'bad' && given.attempt < 3) throw new Error('not yet')
        seen.set(given.event.id, given)
        ended.push(given.event.id)
      })
      const consumer = spine.consumer([{ ...handler, sharesTransaction: true }], { ...FAST, concurrency: 64 }, group)
      await consumer.start()
      const keys = Array.from({ length: 24 }, (_, n) => (n === 5 ? 'bad' : `k${n}`))
      const sent = await spine.publish(
        ...keys.map((key, n) => ({ tenantId: tenant, key, attributes: { userid: `u${n % 2}` } })),
      )
      while (seen.size < sent.length) await ended.next()
      await consumer.stop()
      expect((await effects()).map((row) => row.event_id).toSorted()).toEqual(sent.map(({ id }) => id).toSorted())
      expect(await deliveries()).toEqual([])
      for (const { id, userid } of sent) {
        expect(seen.get(id)?.context).toMatchObject({ userId: userid, cause: { eventId: id } })
        expect(seen.get(id)?.attempt).toBe(seen.get(id)?.event.partitionkey === 'bad' ? 3 : 1)
      }
      const written = await spine.asBus((session) =>
        session.query<{ event_id: string; commit: string }>(
          'select event_id, xmin::text as commit from effects.done where tenant_id = $1',
          [tenant],
        ),
      )
      const userOf = (eventId: string) => sent.find(({ id }) => id === eventId)?.userid
      const commits = new Set(written.map(({ commit }) => commit))
      expect(commits.size).toBeLessThan(sent.length)
      expect(new Set(written.map(({ commit, event_id }) => `${commit} ${userOf(event_id)}`)).size).toBe(commits.size)
    })

    it('EVT-R13 a call of the bus inside a transaction throws', async () => {
      const { tenant, group, mine } = aGroup(spine)
      const answers = queue<string>()
      const consumer = spine.consumer(
        [
          mine(async () => {
            const start = { segment: 0, position: 0 }
            const read = spine.tail.read('memory', 0, start, 1)
            const [result] = await Promise.allSettled([read])
            answers.push(result.status === 'rejected' ? String(result.reason) : result.status)
          }),
        ],
        FAST,
        group,
      )
      await consumer.start()
      await spine.publish({ tenantId: tenant })
      expect(await answers.next()).toContain('inside a database transaction')
      await consumer.stop()
    })

    it('EVT-R17 EVT-R59 a crash between the handler and the cursor repeats the event, never its effect', async () => {
      const { tenant, group, mine, effects, cursors } = aGroup(spine)
      const handled = queue<string>()
      const handlers = [
        mine(async (given) => {
          await spine.effect(given)
          handled.push(given.event.id)
        }),
      ]
      const first = spine.consumer(handlers, { ...FAST, commitEveryMs: 60_000 }, group)
      await first.start()
      const sent = await spine.publish(
        ...Array.from({ length: 20 }, (_, n) => ({ tenantId: tenant, key: `k${n % 5}` })),
      )
      for (let n = 0; n < sent.length; n++) await handled.next()
      await first.abandon()
      expect(Math.max(...(await cursors()).map((row) => row.pos))).toBe(0)
      await spine.lapse(group)
      const second = spine.consumer(handlers, FAST, group)
      await second.start()
      const [last] = await spine.publish({ tenantId: tenant, key: 'k0' })
      expect(await handled.next()).toBe(last?.id)
      await second.stop()
      expect((await effects()).map((row) => row.event_id).toSorted()).toEqual(
        [...sent, last].map((each) => each?.id ?? '').toSorted(),
      )
    })
  })
}
