import { type AppendRecord, type Topic } from '@soma/kernel'
import { freshPostgres } from '@soma/runtime/testing'
import { afterAll, expect, it } from 'vitest'
import { openSubject } from '../testing/subject.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
const postgres = freshPostgres(server)
afterAll(() => postgres.drop())

const ROUNDS = 8
const WRITERS = 12
const TOPICS_WRITTEN: readonly Topic[] = ['business-facts', 'plan-events', 'task-events']

it('segments are made, raised and dropped while writers append, and nobody waits in a circle', async () => {
  const { bus, transaction, closeSegment, partitions, close } = await openSubject(await postgres.open())
  let isOver = false
  let written = 0
  const aBatch = (): AppendRecord[] =>
    Array.from({ length: 6 }, (_, n) => {
      const eventId = `event-${(written += 1)}`
      const place = {
        topic: TOPICS_WRITTEN[written % TOPICS_WRITTEN.length] as Topic,
        part: (written + n) % partitions,
      }
      return { ...place, tenantId: 'a', eventId, type: 'a.b', key: eventId, userId: null, envelope: '{}' }
    })
  const write = async () => {
    while (!isOver)
      await transaction('a', async (session) => {
        await session?.query('select count(*) from events.log')
        await bus.append(aBatch(), session)
      })
  }
  const tend = async () => {
    for (let round = 0; round < ROUNDS; round++)
      for (const topic of TOPICS_WRITTEN) {
        await closeSegment?.(topic)
        await bus.trim(topic, new Date())
      }
  }
  const writers = Array.from({ length: WRITERS }, write)
  await Promise.all([tend().finally(() => void (isOver = true)), ...writers])
  const states = await bus.partitions()
  expect(states.reduce((sum, { position }) => sum + position, 0)).toBe(written)
  await close()
}, 60_000)
