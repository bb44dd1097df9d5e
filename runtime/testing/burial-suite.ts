import { commonProblems, type Delivered, event, on, onTopic } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aGroup, type ConsumerSuiteOptions, FAST } from './a-group.ts'
import { type EventSpine, openEventSpine } from './event-spine.ts'
import { queue, until } from './queue.ts'
import { allowBurials, refuseBurials } from './refused-burials.ts'

const EVERY = '*'

/** Registers the tests of what becomes of an event that is given up, and of the rest of its key. */
export function burialSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`what handlers give up on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    it('EVT-R35 EVT-R58 after the last attempt the whole event, each problem, handler and trace and the fact of it are stored, and the key goes on', async () => {
      const { tenant, group, mine, deliveries, deadLetters } = aGroup(spine)
      const done = queue<string>()
      const facts = queue<Delivered>()
      const consumer = spine.consumer(
        [
          mine(async ({ event: given, attempt }) => {
            if (given.id === `${tenant}-poison`) throw new Error(`attempt ${attempt} failed`)
            done.push(given.id)
          }),
          onTopic('dead-letter', EVERY, async (given) => facts.push(given)),
        ],
        { ...FAST, maxAttempts: 3 },
        group,
      )
      await consumer.start()
      const [poison] = await spine.publish(
        { tenantId: tenant, key: 'p', id: `${tenant}-poison`, data: { secret: 'kept' } },
        { tenantId: tenant, key: 'p', id: `${tenant}-after` },
      )
      expect(await done.next()).toBe(`${tenant}-after`)
      const fact = await facts.next()
      expect(fact.event).toMatchObject({ type: 'delivery.dead-lettered', tenantid: tenant, causationid: poison?.id })
      expect(fact.data).toMatchObject({ group, eventId: poison?.id, attempts: 3, problem: { code: 'internal' } })
      await consumer.stop()
      const letters = await deadLetters()
      expect(letters).toHaveLength(1)
      expect(letters[0]).toMatchObject({ event_id: poison?.id, state: 'open', tenant_id: tenant, handler: group })
      const envelope = JSON.parse(letters[0]?.['envelope'] as string)
      expect(envelope).toMatchObject({ ...poison, data: { secret: 'kept' } })
      expect(envelope.traceparent).toMatch(/^00-/)
      const attempts = letters[0]?.['attempts'] as { problem: { detail: string } }[]
      expect(attempts.map((each) => each.problem.detail)).toEqual([1, 2, 3].map((n) => `attempt ${n} failed`))
      for (const attempt of attempts)
        expect(attempt).toMatchObject({
          at: expect.any(String),
          memberId: expect.any(String),
          durationMs: expect.any(Number),
        })
      expect(await deliveries()).toEqual([])
    })

    it('EVT-R35 while the dead letter cannot be written the cursor and the key wait, and other keys go on', async () => {
      const { tenant, group, mine, cursors, deadLetters } = aGroup(spine)
      const done = queue<string>()
      const consumer = spine.consumer(
        [
          mine(async ({ event: given }) => {
            if (given.id === `${tenant}-poison`) throw commonProblems.notFound.create('no such thing')
            done.push(given.id)
          }),
        ],
        FAST,
        group,
      )
      await spine.asBus((session) => refuseBurials(session, group))
      await consumer.start()
      const others = Array.from({ length: 20 }, (_, n) => ({ tenantId: tenant, key: `k${n}`, id: `${tenant}-${n}` }))
      await spine.publish({ tenantId: tenant, key: 'p', id: `${tenant}-poison` }, ...others, {
        tenantId: tenant,
        key: 'p',
        id: `${tenant}-behind`,
      })
      const handled: string[] = []
      while (handled.length < others.length) handled.push(await done.next())
      expect(handled).not.toContain(`${tenant}-behind`)
      await until(async () => (await cursors()).some(({ pos }) => pos > 0))
      const places = await cursors()
      expect(await deadLetters()).toEqual([])
      await spine.asBus((session) => allowBurials(session, group))
      expect(await done.next()).toBe(`${tenant}-behind`)
      const [letter] = await deadLetters()
      const { part, pos } = letter as unknown as { part: number; pos: number }
      expect(places.find((place) => place.part === part)?.pos ?? 0).toBeLessThan(pos)
      await until(async () => (await cursors()).some((place) => place.part === part && place.pos >= pos))
      await consumer.stop()
    })

    it('EVT-A3 poison of one key delays no other by a second; its 50 followers come in order after the dead letter, and the requester gets one failed reply', async () => {
      const { tenant, group, deadLetters } = aGroup(spine)
      const others = queue<string>()
      const followers = queue<string>()
      const replies: Delivered[] = []
      const attempts: number[] = []
      const asked = event({
        type: 'thing.poison.requested',
        topic: 'action-requests',
        data: z.looseObject({}),
        summary: 'Make it.',
      })
      const consumer = spine.consumer(
        [
          on(asked, async ({ event: given, attempt }) => {
            if (given.tenantid !== tenant) return
            if (given.id === `${tenant}-poison`) {
              attempts.push(attempt)
              throw new Error('poison')
            }
            if (given.partitionkey === 'plan-7') followers.push(given.id)
            else others.push(given.id)
          }),
          onTopic('action-results', EVERY, async (given) => {
            if (given.event.tenantid === tenant) replies.push(given)
          }),
        ],
        { ...FAST, backoff: { baseMs: 300, factor: 1, maxMs: 300 } },
        group,
      )
      const of = (key: string, name: string) => ({
        tenantId: tenant,
        topic: 'action-requests' as const,
        type: asked.type,
        key,
        id: `${tenant}-${name}`,
        attributes: { responsetype: 'thing.made', responsetopic: 'action-results' as const },
      })
      await consumer.start()
      const behind = Array.from({ length: 50 }, (_, n) => of('plan-7', `behind-${n}`))
      await spine.publish(of('plan-7', 'poison'), ...behind)
      const delays: number[] = []
      for (let n = 0; n < 99; n++) {
        const sentAt = performance.now()
        await spine.publish(of(`well-${n}`, `well-${n}`))
        await others.next()
        delays.push(performance.now() - sentAt)
      }
      expect(Math.max(...delays)).toBeLessThan(1000)
      const order: string[] = []
      while (order.length < behind.length) order.push(await followers.next())
      expect(order).toEqual(behind.map(({ id }) => id))
      expect(attempts).toEqual([1, 2, 3, 4, 5])
      expect(await deadLetters()).toMatchObject([{ event_id: `${tenant}-poison`, state: 'open' }])
      await until(() => replies.length > 0)
      await consumer.stop()
      expect(replies.map(({ event: { causationid, outcome } }) => [causationid, outcome])).toEqual([
        [`${tenant}-poison`, 'failed'],
      ])
    })
  })
}
