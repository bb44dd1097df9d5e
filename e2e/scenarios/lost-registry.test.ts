import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { defineEvent, defineWorker } from '@soma/sdk'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Home, openHome } from '../homes/home.ts'

const counted = defineEvent({
  type: 'sheep.counted',
  topic: 'action-results',
  description: 'How many sheep there are.',
  data: z.strictObject({ sheep: z.number() }),
})
const count = defineEvent({
  type: 'count.requested',
  topic: 'action-requests',
  description: 'Counts sheep.',
  data: z.strictObject({ field: z.string() }),
  response: counted,
})
const TABLES = ['schemas', 'event_definitions', 'agents', 'registrations', 'instances']

let database: Database
let home: Home
let clients: Clients

beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  home = await openHome('one-process', { database, settings: { mode: 'developer-light', 'registry.heartbeatMs': 200 } })
  clients = createClients({ url: home.url })
}, 60_000)
afterAll(() => home?.stop(), 120_000)

/** What agents said, without what the registry adds: ids and times. */
async function known() {
  const [agents, events, schemas] = await Promise.all([
    clients.registry.agents.list({ query: {} }),
    clients.registry.events.list({ query: { visibility: 'tenant' } }),
    clients.registry.schemas.list({ query: { ownerId: 'developer' } }),
  ])
  return {
    agents: agents.items.map(
      ({ agentId: _id, createdAt: _created, lastSeenAt: _seen, instances, version: _version, ...agent }) => ({
        ...agent,
        instances: instances.map(({ instanceId, digest }) => ({ instanceId, digest })),
      }),
    ),
    events: events.items.map(({ createdAt: _created, ...event }) => event),
    schemas: schemas.items.map(({ schemaId: _id, createdAt: _created, ...schema }) => schema),
  }
}

test('REG-R5 agents restore the registry after all of its data is lost, and go on with their work', async () => {
  const worker = defineWorker({ name: 'shepherd', description: 'Counts sheep.', capabilities: ['counting'] })
  worker.onTask(count, (task) => task.complete({ sheep: task.data.field.length }))
  await worker.start({ url: home.url })
  const before = await known()
  expect(before).toMatchObject({
    agents: [{ name: 'shepherd' }],
    events: [{ type: count.type }, { type: counted.type }],
  })

  await database.asOwner((session) => session.execute(`truncate ${TABLES.map((table) => `registry.${table}`).join()}`))
  expect(await known()).toEqual({ agents: [], events: [], schemas: [] })
  await expect.poll(known, { timeout: 15_000, interval: 50 }).toEqual(before)
  const { type, topic } = count
  const asked = { type, topic, data: { field: 'meadow' }, responseType: counted.type }
  expect((await clients.events.events.request({ body: asked })).data).toEqual({ sheep: 6 })
  await worker.stop()
}, 60_000)
