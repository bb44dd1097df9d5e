import { type Database, type Delivered, type EventHandler, onTopic } from '@soma/kernel'
import { deferred, effectsMigration, type EventSpine, openEventSpine, queue, until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from './events-host.ts'

const context = anEventsContext()
const FAST = { backoff: { baseMs: 5, factor: 1, maxMs: 5 }, commitEveryMs: 5, maxAttempts: 2 }
/** The owner's process hears of events on the embedded engine by looking. */
const QUICK = { active: 20, idle: 20 }
const SCHEMA = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }

export interface ModuleDeadLetterSuiteOptions {
  readonly name: string
  /** A fresh database with the tables of the events module, as the process of the events module and as that of the group's owner see it. */
  open(): Promise<{ readonly database: Database; readonly ofOwner: Database }>
}

/** Registers the tests of dead letters of modules' handlers, whose owner is not the process that answers the API. */
export function moduleDeadLetterSuite({ name, open }: ModuleDeadLetterSuiteOptions): void {
  describe(`dead letters of modules on ${name}`, () => {
    let host: EventsHost
    let owner: EventSpine
    let type = ''
    let group = ''
    let made = 0

    beforeAll(async () => {
      const { database, ofOwner } = await open()
      await database.migrate([effectsMigration])
      host = await createEventsHost({ database })
      owner = await openEventSpine(ofOwner, { tailPollMs: QUICK }, false)
    }, 60_000)
    afterAll(async () => {
      await owner.close()
      await host.close()
    })

    const fresh = async () => {
      made += 1
      type = `job.kind-${made}`
      group = `module:jobs-${made}`
      await host.define(context, type, { schema: SCHEMA })
    }
    const handling = (handle: (given: Delivered) => Promise<void>): EventHandler[] => [
      onTopic('business-facts', type, handle),
    ]
    const ask = async (n: number, partitionKey = 'key') =>
      (
        await host.events.events.publish(context, {
          body: { type, topic: 'business-facts', partitionKey, data: { n } },
        })
      ).eventId
    const numberOf = ({ event }: Delivered) => (event.data as { n: number }).n
    const letters = async (state?: 'open' | 'replaying' | 'replayed' | 'discarded') =>
      (
        await host.events.deadLetters.list(context, {
          query: { moduleGroup: group, ...(state === undefined ? {} : { state }) },
        })
      ).items.toReversed()
    const died = async (count: number) => {
      await until(async () => (await letters('open')).length === count)
      return letters('open')
    }
    const replay = (deliveryId: string, more: object = {}) =>
      host.events.deadLetters.replay(context, { params: { deliveryId }, body: { note: 'mended', ...more } })
    const ended = async (deliveryId: string, state: string) =>
      until(async () => (await letters()).some((letter) => letter.deliveryId === deliveryId && letter.state === state))
    const effectsOf = async (...ids: string[]) =>
      (await owner.effects()).filter(({ event_id }) => ids.includes(event_id)).map(({ event_id }) => event_id)
    const inbox = (eventId: string, replayId: string) =>
      owner.asBus((session) =>
        session.execute(
          'insert into runtime.inbox (tenant_id, grp, event_id, source, replay_id) values ($1, $2, $3, $4, $5)',
          [context.tenantId, group, eventId, `/principals/${context.principal.id}`, replayId],
        ),
      )

    it('a dead letter runs again in its own group alone, once, although the group knows its event', async () => {
      await fresh()
      let isBroken = true
      const replayed = queue<Delivered>()
      const bystander = queue<string>()
      const consumer = owner.consumer(
        handling(async (given) => {
          await owner.effect(given)
          if (isBroken) throw new Error('not yet')
          replayed.push(given)
        }),
        FAST,
        group,
      )
      const other = owner.consumer(
        handling(async ({ event }) => bystander.push(event.id)),
        FAST,
        `${group}-other`,
      )
      await Promise.all([consumer.start(), other.start()])
      const eventId = await ask(1)
      const [letter] = await died(1)
      expect(await bystander.next()).toBe(eventId)
      const deliveryId = letter?.deliveryId as string
      // An attempt whose commit was not heard of: without the replay id in its key the inbox would suppress the replay.
      await inbox(eventId, '')
      isBroken = false
      expect(await replay(deliveryId, { dryRun: true })).toMatchObject({ deliveryId, state: 'open' })
      expect(await replay(deliveryId)).toMatchObject({ deliveryId, group, state: 'replaying' })
      const given = await replayed.next()
      expect(given.event).toMatchObject({ id: eventId, replayid: deliveryId })
      expect(given.attempt).toBe(1)
      await ended(deliveryId, 'replayed')
      expect(await effectsOf(eventId)).toEqual([eventId])
      const fact = await host.waitFor(
        (record) => record.type === 'dead-letter.replayed' && record.envelope.includes(deliveryId),
      )
      expect(JSON.parse(fact.envelope).data).toEqual({ deliveryId, group, eventId, note: 'mended', byId: 'agt_one' })
      const last = await ask(2)
      expect(await bystander.next()).toBe(last)
      await expect(replay(deliveryId)).rejects.toMatchObject({ code: 'conflict' })
      await Promise.all([consumer.stop(), other.stop()])
    })

    it('a replay that was handled before its owner died has no second effect', async () => {
      await fresh()
      let isBroken = true
      const consumer = owner.consumer(
        handling(async (given) => {
          if (isBroken) throw new Error('not yet')
          await owner.effect(given)
        }),
        FAST,
        group,
      )
      await consumer.start()
      const eventId = await ask(1)
      const [letter] = await died(1)
      const deliveryId = letter?.deliveryId as string
      await consumer.stop()
      isBroken = false
      await replay(deliveryId)
      await inbox(eventId, deliveryId)
      const next = owner.consumer(handling(owner.effect), FAST, group)
      await next.start()
      await ended(deliveryId, 'replayed')
      expect(await effectsOf(eventId)).toEqual([])
      await next.stop()
    })

    it('edited data is checked, makes a new event that the old one caused, and stays with the letter when it dies again', async () => {
      await fresh()
      const seen = queue<Delivered>()
      const consumer = owner.consumer(
        handling(async (given) => {
          if (numberOf(given) < 3) throw new Error(`${numberOf(given)} is too small`)
          await owner.effect(given)
          seen.push(given)
        }),
        FAST,
        group,
      )
      await consumer.start()
      const eventId = await ask(1)
      const [letter] = await died(1)
      const deliveryId = letter?.deliveryId as string
      await expect(replay(deliveryId, { data: { n: 'three' } })).rejects.toMatchObject({
        code: 'schema-mismatch',
        extensions: { errors: [{ pointer: '/body/data/n' }] },
      })
      await replay(deliveryId, { data: { n: 2 } })
      await until(async () => (await letters('open'))[0]?.attempts.length === 4)
      const [again] = await letters('open')
      expect(again).toMatchObject({ deliveryId, resolution: null, event: { causationid: eventId, data: { n: 2 } } })
      expect(again?.eventId).not.toBe(eventId)
      expect(again?.event).not.toHaveProperty('replayid')
      await replay(deliveryId, { data: { n: 3 } })
      const { event } = await seen.next()
      expect(event).toMatchObject({ causationid: again?.eventId, replayid: deliveryId, data: { n: 3 }, type })
      await ended(deliveryId, 'replayed')
      expect(await effectsOf(event.id)).toEqual([event.id])
      await consumer.stop()
    })

    it('a filter replays the open ones of a group in the order of their key, one at a time, before what waits behind', async () => {
      await fresh()
      let isBroken = true
      const [isHeld, release] = [deferred(), deferred()]
      const order: number[] = []
      let inHand = 0
      const consumer = owner.consumer(
        handling(async (given) => {
          inHand -= 1
          if (isBroken) throw new Error('not yet')
          order.push(numberOf(given))
        }),
        FAST,
        group,
        async (event) => {
          inHand += 1
          expect(inHand).toBe(1)
          if ((event.data as { n: number }).n !== 10) return
          isHeld.resolve()
          await release.promise
        },
      )
      await consumer.start()
      for (const n of [1, 2, 3]) await ask(n)
      await died(3)
      isBroken = false
      await ask(10)
      await isHeld.promise
      const filter = { moduleGroup: group }
      const many = (more: object) =>
        host.events.deadLetters.replayMany(context, { body: { filter, note: 'mended', ...more } })
      expect(await many({ dryRun: true })).toMatchObject({ matched: 3, replayed: 0 })
      expect(await letters('open')).toHaveLength(3)
      expect(await many({})).toMatchObject({ matched: 3, replayed: 3 })
      await ask(11)
      expect(order).toEqual([])
      release.resolve()
      await until(() => order.length === 5)
      expect(order).toEqual([10, 1, 2, 3, 11])
      await until(async () => (await letters('replayed')).length === 3)
      await consumer.stop()
    })

    it('what dies in a replay is an open dead letter again, and asks nobody for a second reply', async () => {
      await fresh()
      await host.define(context, `${type}.done`, { topic: 'action-results' })
      const consumer = owner.consumer(
        handling(async () => {
          throw new Error('never')
        }),
        FAST,
        group,
      )
      await consumer.start()
      const { eventId } = await host.events.events.publish(context, {
        body: { type, topic: 'business-facts', data: { n: 1 }, responseType: `${type}.done` },
      })
      const [letter] = await died(1)
      await replay(letter?.deliveryId as string)
      await until(async () => (await letters('open'))[0]?.attempts.length === 4)
      const [, second] = await Promise.all([1, 2].map((_, index) => factOf(letter?.deliveryId as string, index)))
      expect(second).toBeDefined()
      const replies = (await host.events.events.list(context, { query: { type: `${type}.done` } })).items
      expect(replies).toMatchObject([{ causationid: eventId, outcome: 'failed' }])
      await consumer.stop()
    })

    const factOf = async (deliveryId: string, index: number) => {
      const found = () =>
        host.recorded.filter(
          (record) => record.type === 'delivery.dead-lettered' && record.envelope.includes(deliveryId),
        )
      await until(() => found().length > index)
      return found()[index]
    }

    it('a dead letter keeps its event when the log has lost it, and waits for an owner that is not there yet', async () => {
      await fresh()
      const consumer = owner.consumer(
        handling(async () => {
          throw new Error('not yet')
        }),
        FAST,
        group,
      )
      await consumer.start()
      const eventId = await ask(7)
      const [letter] = await died(1)
      await consumer.stop()
      await host.database.maintain('truncate events.log')
      await replay(letter?.deliveryId as string)
      const seen = queue<Delivered>()
      const lateTail = await openEventSpine(owner.database, {}, false)
      const next = lateTail.consumer(
        handling(async (given) => seen.push(given)),
        FAST,
        group,
      )
      await next.start()
      expect((await seen.next()).event).toMatchObject({ id: eventId, data: { n: 7 } })
      await next.stop()
      await lateTail.tail.stop()
    })

    it('a dead letter is discarded with a note, is not replayed any more, and its handler hears nothing', async () => {
      await fresh()
      const seen = queue<number>()
      const consumer = owner.consumer(
        handling(async (given) => {
          seen.push(numberOf(given))
          if (numberOf(given) === 1) throw new Error('no use')
        }),
        { ...FAST, maxAttempts: 1 },
        group,
      )
      await consumer.start()
      await ask(1)
      expect(await seen.next()).toBe(1)
      const [letter] = await died(1)
      const deliveryId = letter?.deliveryId as string
      const body = { note: 'a known duplicate' }
      expect(await host.events.deadLetters.discard(context, { params: { deliveryId }, body })).toMatchObject({
        state: 'discarded',
        resolution: { byId: 'agt_one', note: 'a known duplicate' },
      })
      await host.waitFor((record) => record.type === 'dead-letter.discarded' && record.envelope.includes(deliveryId))
      await expect(replay(deliveryId)).rejects.toMatchObject({ code: 'conflict' })
      const filter = { moduleGroup: group }
      const none = await host.events.deadLetters.replayMany(context, { body: { filter, note: 'again' } })
      expect(none).toMatchObject({ matched: 0, replayed: 0 })
      await ask(2)
      expect(await seen.next()).toBe(2)
      await consumer.stop()
    })

    it('another tenant finds, replays and discards none of them', async () => {
      await fresh()
      const consumer = owner.consumer(
        handling(async () => {
          throw new Error('never')
        }),
        { ...FAST, maxAttempts: 1 },
        group,
      )
      await consumer.start()
      await ask(1)
      const [letter] = await died(1)
      const foreign = anEventsContext('tenant-b')
      const params = { deliveryId: letter?.deliveryId as string }
      const { deadLetters } = host.events
      for (const act of [deadLetters.replay, deadLetters.discard])
        await expect(act(foreign, { params, body: { note: 'mine now' } })).rejects.toMatchObject({ code: 'not-found' })
      const body = { filter: { moduleGroup: group }, note: 'mine now' }
      expect(await deadLetters.replayMany(foreign, { body })).toMatchObject({ matched: 0, replayed: 0 })
      expect(await letters('open')).toHaveLength(1)
      await consumer.stop()
    })

    it('what is no event is shown with what is known of it and is not replayed', async () => {
      await fresh()
      const { database } = host
      const deliveryId = '0199d5a0-0000-7000-8000-000000000001'
      await database.transaction({ role: 'soma_bus' }, (session) =>
        session.execute(
          `insert into events.dead_letter (delivery_id, tenant_id, grp, topic, part, pos, segment, event_id, type, key, envelope, attempts, problem,
             first_failed_at, dead_at, state)
           values ($1, $2, $3, 'business-facts', 0, 1, 0, 'x', 'thing.done', 'k', '', '[]', '{"code": "position-trimmed", "detail": "gone"}', now(), now(), 'open')`,
          [deliveryId, context.tenantId, group],
        ),
      )
      const [letter] = await letters('open')
      expect(letter).toMatchObject({ eventId: 'x', event: { id: 'x', type: 'thing.done' }, traceparent: null })
      await expect(replay(letter?.deliveryId as string)).rejects.toMatchObject({ code: 'conflict' })
      const filter = { moduleGroup: group }
      const none = await host.events.deadLetters.replayMany(context, { body: { filter, note: 'try' } })
      expect(none).toMatchObject({ matched: 1, replayed: 0 })
    })
  })
}
