import { commonProblems, type Delivered, event, on, onTopic } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aGroup, type ConsumerSuiteOptions, FAST } from './a-group.ts'
import { anEnvelope, type EventSpine, openEventSpine } from './event-spine.ts'
import { queue, until } from './queue.ts'
import { allowBurials, refuseBurials } from './refused-burials.ts'

const EVERY = '*'

/** Registers the tests of retries, parking, dead letters, suspension and expiry. */
export function failureSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`handlers that fail on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    it('EVT-R34 a failing event holds back its own key alone, and the rest of the key follows in order', async () => {
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

    it('EVT-R35 after the last attempt the whole event, each problem, handler and trace and the fact of it are stored, and the key goes on', async () => {
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
      const { tenant, group, mine } = aGroup(spine)
      const done = queue<string>()
      let isDown = true
      let tries = 0
      const consumer = spine.consumer(
        [
          mine(async ({ event: given }) => {
            tries += 1
            if (isDown) throw commonProblems.unavailable.create('the store is down')
            done.push(given.id)
          }),
        ],
        { ...FAST, maxAttempts: 2, probeEveryMs: 20 },
        group,
      )
      await consumer.start()
      const sent = await spine.publish(...Array.from({ length: 10 }, (_, n) => ({ tenantId: tenant, key: `k${n}` })))
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
