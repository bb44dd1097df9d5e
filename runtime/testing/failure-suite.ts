import { commonProblems, type Delivered, event, on, onTopic } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aGroup, type ConsumerSuiteOptions, FAST } from './a-group.ts'
import { anEnvelope, type EventSpine, openEventSpine } from './event-spine.ts'
import { queue, until } from './queue.ts'

const EVERY = '*'

/** Registers the tests of retries, parking, dead letters, suspension and expiry. */
export function failureSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`handlers that fail on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    it('EVT-R34 EVT-R58 a failing event holds back its own key alone, and the rest of the key follows in order', async () => {
      const { tenant, group, mine, deliveries } = aGroup(spine)
      const done = queue<string>()
      let failures = 0
      const consumer = spine.consumer(
        [
          mine(async (given) => {
            if (given.event.id === `${tenant}-bad` && failures < 2) {
              failures += 1
              throw new Error('not yet')
            }
            await spine.effect(given)
            done.push(given.event.id)
          }),
        ],
        { ...FAST, backoff: { baseMs: 400, factor: 1, maxMs: 400 } },
        group,
      )
      await consumer.start()
      await spine.publish(
        { tenantId: tenant, key: 'sick', id: `${tenant}-bad` },
        ...Array.from({ length: 5 }, (_, n) => ({ tenantId: tenant, key: 'sick', id: `${tenant}-behind-${n}` })),
        ...Array.from({ length: 10 }, (_, n) => ({ tenantId: tenant, key: `well-${n}`, id: `${tenant}-well-${n}` })),
      )
      const order: string[] = []
      for (let n = 0; n < 16; n++) order.push(await done.next())
      expect(order.slice(0, 10).every((id) => id.includes('-well-'))).toBe(true)
      expect(order.slice(10)).toEqual([
        `${tenant}-bad`,
        ...Array.from({ length: 5 }, (_, n) => `${tenant}-behind-${n}`),
      ])
      await consumer.stop()
      expect(await deliveries()).toEqual([])
    })

    it('EVT-R33 a problem that is not retryable goes to the dead letters at once', async () => {
      const { tenant, group, mine, deadLetters } = aGroup(spine)
      const tries = queue<number>()
      const consumer = spine.consumer(
        [
          mine(async ({ attempt, event: given }) => {
            tries.push(attempt)
            if (given.id === `${tenant}-no`) throw commonProblems.notFound.create('no such thing')
          }),
        ],
        { ...FAST, maxAttempts: 5, backoff: { baseMs: 60_000, factor: 1, maxMs: 60_000 } },
        group,
      )
      await consumer.start()
      await spine.publish({ tenantId: tenant, key: 'a', id: `${tenant}-no` }, { tenantId: tenant, key: 'a' })
      expect(await tries.next()).toBe(1)
      expect(await tries.next()).toBe(1)
      await consumer.stop()
      const letters = await deadLetters()
      expect(letters.map((letter) => letter.problem.code)).toEqual(['not-found'])
    })

    it('EVT-R38 a request that dies yields one failed reply of its response type', async () => {
      const { tenant, group } = aGroup(spine)
      const replies = queue<Delivered>()
      const request = event({
        type: 'thing.make.requested',
        topic: 'action-requests',
        data: z.looseObject({}),
        summary: 'Make it.',
      })
      const consumer = spine.consumer(
        [
          on(request, async () => {
            throw commonProblems.notFound.create('cannot')
          }),
          onTopic('action-requests', EVERY, async () => undefined),
          onTopic('action-results', EVERY, async (given) => {
            if (given.event.tenantid === tenant) replies.push(given)
          }),
        ],
        FAST,
        group,
      )
      await consumer.start()
      const [sent] = await spine.publish({
        tenantId: tenant,
        topic: 'action-requests',
        type: 'thing.make.requested',
        attributes: { responsetype: 'thing.made', responsetopic: 'action-results' as const },
      })
      const reply = await replies.next()
      expect(reply.event).toMatchObject({
        type: 'thing.made',
        outcome: 'failed',
        correlationid: sent?.correlationid,
        causationid: sent?.id,
        data: { problem: { code: 'not-found', detail: 'cannot' } },
      })
      await consumer.stop()
    })

    it('EVT-R12 an event whose expirytime has passed is not handled, and a request gets one failed reply', async () => {
      const { tenant, group } = aGroup(spine)
      const handled = queue<string>()
      const replies = queue<Delivered>()
      const request = event({
        type: 'thing.late.requested',
        topic: 'action-requests',
        data: z.looseObject({}),
        summary: 'Make it soon.',
      })
      const consumer = spine.consumer(
        [
          on(request, async (given) => handled.push(given.event.id)),
          onTopic('action-results', EVERY, async (given) => {
            if (given.event.tenantid === tenant) replies.push(given)
          }),
        ],
        FAST,
        group,
      )
      const asked = (expirytime: string) => ({
        tenantId: tenant,
        topic: 'action-requests' as const,
        type: 'thing.late.requested',
        key: 'k',
        attributes: { responsetype: 'thing.made', expirytime },
      })
      const [late, early] = await spine.publish(
        asked(new Date(Date.now() - 1).toISOString()),
        asked(new Date(Date.now() + 60_000).toISOString()),
      )
      await consumer.start()
      expect(await handled.next()).toBe(early?.id)
      const reply = await replies.next()
      expect(reply.event).toMatchObject({
        causationid: late?.id,
        outcome: 'failed',
        data: { problem: { code: 'expired' } },
      })
      await consumer.stop()
    })

    it('EVT-R36 failures of a dependency over five keys suspend the group without dead letters, and it resumes by itself', async () => {
      const { tenant, group } = aGroup(spine)
      const done = queue<string>()
      let isDown = true
      let tries = 0
      const consumer = spine.consumer(
        [
          onTopic('business-facts', 'store.needed', async ({ event: given }) => {
            tries += 1
            // No key is tried twice before five have failed, however late the fifth comes.
            if (isDown) throw commonProblems.unavailable.create('the store is down', { retryAfterMs: 3_000 })
            done.push(given.id)
          }),
        ],
        { ...FAST, maxAttempts: 2, probeEveryMs: 20 },
        group,
      )
      await consumer.start()
      const sent = await spine.publish(
        ...Array.from({ length: 10 }, (_, n) => ({ tenantId: tenant, key: `k${n}`, type: 'store.needed' })),
      )
      await until(() => consumer.state().state === 'suspended')
      // More than all of their attempts.
      await until(() => tries > 2 * sent.length)
      expect(consumer.state()).toMatchObject({ state: 'suspended' })
      expect(consumer.state().inHand).toBeLessThanOrEqual(1)
      isDown = false
      const ids: string[] = []
      for (let n = 0; n < sent.length; n++) ids.push(await done.next())
      expect(ids.toSorted()).toEqual(sent.map((each) => each.id).toSorted())
      expect(consumer.state().state).toBe('active')
      await consumer.stop()
      const letters = await spine.asBus((session) =>
        session.query('select from events.dead_letter where grp = $1', [group]),
      )
      expect(letters).toHaveLength(0)
    })

    it('EVT-R40 a handler that hangs ends as a failed attempt, and the loop goes on', async () => {
      const { tenant, group, mine } = aGroup(spine)
      const done = queue<string>()
      const aborted = queue<boolean>()
      const consumer = spine.consumer(
        [
          mine(async ({ event: given, signal, attempt, tx }) => {
            if (given.id === `${tenant}-hangs` && attempt === 1) {
              signal.addEventListener('abort', () => aborted.push(true))
              for (;;) await tx.query('select pg_sleep(0.01)')
            }
            done.push(given.id)
          }),
        ],
        { ...FAST, handlerTimeoutMs: 150 },
        group,
      )
      await consumer.start()
      await spine.publish({ tenantId: tenant, key: 'h', id: `${tenant}-hangs` }, { tenantId: tenant, key: 'other' })
      expect(await aborted.next()).toBe(true)
      expect([await done.next(), await done.next()]).toContain(`${tenant}-hangs`)
      await consumer.stop()
    })

    it('a failure whose message no database can store is recorded all the same', async () => {
      const { tenant, group, mine, deadLetters } = aGroup(spine)
      const done = queue<string>()
      const consumer = spine.consumer(
        [
          mine(async ({ event: given }) => {
            if (given.id === `${tenant}-odd`) throw new Error('NUL \0 and half a \ud83e fox')
            done.push(given.id)
          }),
        ],
        { ...FAST, maxAttempts: 2 },
        group,
      )
      await consumer.start()
      await spine.publish(
        { tenantId: tenant, key: 'o', id: `${tenant}-odd` },
        { tenantId: tenant, key: 'o', id: `${tenant}-next` },
      )
      expect(await done.next()).toBe(`${tenant}-next`)
      await consumer.stop()
      const letters = await deadLetters()
      expect(letters.map((letter) => letter.problem.detail)).toEqual(['NUL \ufffd and half a \ufffd fox'])
    })

    it('text that is no event becomes a dead letter and the loop goes on', async () => {
      const { tenant, group, mine, deadLetters } = aGroup(spine)
      const done = queue<string>()
      const consumer = spine.consumer([mine(async ({ event: given }) => done.push(given.id))], FAST, group)
      await consumer.start()
      const { topic, tenantid } = anEnvelope({ tenantId: tenant })
      const broken = { topic, part: 0, tenantId: tenantid, type: 'thing.done', key: 'k', userId: null }
      const texts = ['{"no', '"text"', '{"specversion":"1.0","type":"thing.done"}']
      const records = texts.map((envelope, index) => ({ ...broken, eventId: `x${index}`, envelope }))
      const scope = { role: 'soma_app', tenantId: tenant } as const
      if (spine.bus.flags.transactionalWithDatabase)
        await spine.database.transaction(scope, (session) => spine.bus.append(records, session))
      else await spine.bus.append(records)
      const [good] = await spine.publish({ tenantId: tenant, key: 'k' })
      expect(await done.next()).toBe(good?.id)
      await spine.tail.poll()
      await until(async () => {
        const letters = await deadLetters()
        return letters.length === 3 && letters.every((letter) => letter.problem.code === 'envelope-invalid')
      })
      await consumer.stop()
    })
  })
}
