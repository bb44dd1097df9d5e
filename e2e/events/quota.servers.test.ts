import { afterAll, expect, it } from 'vitest'
import { createInstallation, eventsAt, type Installation, prepare, TYPE } from './nodes.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const none = undefined as never
const PER_SECOND = 50
const BATCH = 25
let installation: Installation
afterAll(() => installation.close())

it('EVT-R48 two processes on one Postgres that are flooded together take the quota of a tenant a second once', async () => {
  installation = await createInstallation(server, { 'events.quotaEventsPerSecond': PER_SECOND })
  const urls = (await Promise.all([installation.start(), installation.start()])).map(({ url }) => url)
  await prepare(urls[0] as string)
  const startedAt = performance.now()
  const accepted = await Promise.all(urls.map(flood))
  const seconds = (performance.now() - startedAt) / 1000
  const total = accepted.reduce((sum, count) => sum + count, 0)
  // Nothing comes on top that they held: they had not published.
  expect(total).toBeLessThanOrEqual(PER_SECOND * (1 + seconds))
  expect(total).toBeGreaterThanOrEqual(PER_SECOND)
})

/** Answers how many events were accepted of ten times the quota, sent at once. */
async function flood(url: string): Promise<number> {
  const events = Array.from({ length: BATCH }, () => ({ type: TYPE, topic: 'business-facts', data: {} }))
  const batches = Array.from({ length: (10 * PER_SECOND) / BATCH }, () =>
    eventsAt(url).events.publishBatch(none, { body: { events } }),
  )
  const answers = await Promise.allSettled(batches)
  const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
  expect(refused).toMatchObject(refused.map(() => ({ code: 'rate-limited', status: 429 })))
  return (answers.length - refused.length) * BATCH
}
