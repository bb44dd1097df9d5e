import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, defineWorker } from './index.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServerOfTests()
}, 60_000)
afterAll(() => server?.stop(), 60_000)

const place = { type: 'note.kept', topic: 'business-facts', description: 'A note.' } as const
const noted = defineEvent({ ...place, data: z.object({ text: z.string() }) })
const numbered = defineEvent({ ...place, version: '2.1.0', data: z.object({ text: z.number() }) })
const asked = defineEvent({
  type: 'note.requested',
  topic: 'action-requests',
  description: 'Asks for a note.',
  data: z.object({}),
})

it('REG-R7 an agent understands the majors of the events that its handlers name, and no others, as its group and the registry say', async () => {
  const user = testContext({ tenantId: 'versions' })
  const agent = testContext({ tenantId: 'versions', kind: 'agent', principalId: 'agt-one' })
  const tenant = aTenantOn(server, { home: 'in process', agent, user, log: silentLogger })
  const aReader = () => defineWorker({ name: 'reader', description: 'Reads.' })
  const versions = async () => (await tenant.clients.events.subscriptions.list(user, { query: {} })).items[0]?.versions
  const first = aReader()
  first.onTask(asked, (task) => task.complete({}))
  first.onEvent(noted, () => undefined)
  await tenant.start(first)
  expect(await versions()).toEqual({ 'note.requested': '^1', 'note.kept': '^1' })
  await first.stop()

  const second = aReader()
  second.onEvent(numbered, () => undefined)
  await tenant.start(second)
  expect(await versions()).toEqual({ 'note.kept': '^2' })
  const { consumes } = await tenant.clients.registry.agents.get(user, { params: { name: 'reader' } })
  expect(consumes).toEqual([{ topic: place.topic, type: place.type, range: '^2' }])
  await second.stop()
}, 60_000)
