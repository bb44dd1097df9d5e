import { plansContract } from '@soma/plans/contract'
import { createClients } from '@soma/sdk/clients'
import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import { trackerContract } from '@soma/tracker/contract'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { openHome } from '../homes/home.ts'

const context = testContext()
let server: TestServer
beforeAll(async () => {
  server = await createTestServer({
    modules: somaPlatform.modules,
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
  })
}, 60_000)
afterAll(() => server.stop())

/** Calls until the answer is as wanted; the time limit of the test ends it. */
async function until<T>(read: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await read()
    if (isWanted(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it('TRK-R5 the models of a server at work are rebuilt from its log, and equal what serves', {
  timeout: 60_000,
}, async () => {
  const [plans, tracker] = [server.client(plansContract), server.client(trackerContract)]
  const work = async (title: string) => {
    const { planId } = await plans.plans.create(context, { body: { title } })
    const specs = [{ type: 'check.requested' }, { type: 'check.requested' }]
    const { taskIds } = await plans.plans.delegate(context, { params: { planId }, body: { specs } })
    for (const taskId of taskIds) await plans.tasks.complete(context, { params: { taskId }, body: { output: title } })
    return planId
  }
  const first = await work('before')
  const { rebuildId } = await tracker.rebuilds.create(context, { body: {} })
  const made = [first]
  let isDone = false
  const ended = until(
    () => tracker.rebuilds.get(context, { params: { rebuildId } }),
    ({ status }) => status === 'completed',
  ).finally(() => (isDone = true))
  while (!isDone) made.push(await work(`live ${made.length}`))
  const rebuilt = await ended
  expect(rebuilt).toMatchObject({ status: 'completed', failed: 0 })
  expect(rebuilt.applied).toBeGreaterThan(0)
  for (const planId of made)
    await until(
      async () => (await tracker.plans.list(context, { query: { limit: 200 } })).items,
      (items) => items.some((plan) => plan.planId === planId && plan.counts.completed === 2),
    )
  const verification = await tracker.rebuilds.verify(context, { body: {} })
  const { models } = await until(
    () => tracker.rebuilds.get(context, { params: { rebuildId: verification.rebuildId } }),
    ({ status }) => status === 'completed',
  )
  expect(models.map(({ model, isEqual }) => [model, isEqual])).toEqual(
    ['plans', 'tasks', 'timeline', 'correlations', 'gates', 'agents'].map((model) => [model, true]),
  )
  expect(models.find(({ model }) => model === 'tasks')?.rows).toBe(2 * made.length)
})

it('TRK-R5 every scenario in a home ends with a verification, which fails when a row is not what the log says', {
  timeout: 180_000,
}, async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const home = await openHome('one-process', { database, settings: { mode: 'developer-light' } })
  const clients = createClients({ url: home.url })
  const { planId } = await clients.plans.plans.create({ body: { title: 'True' } })
  const { items } = await clients.events.events.list({ query: { planId, limit: 1 } })
  await clients.tracker.plans.get({ params: { planId }, query: { waitFor: items[0]?.id as string } })
  await database.transaction({ role: 'soma_worker', tenantId: 'default' }, (session) =>
    session.execute(`update tracker.plans set doc = doc || '{"name":"False"}'`),
  )
  await expect(home.stop()).rejects.toThrow("the tracker's plans of default differ from the log")
})
