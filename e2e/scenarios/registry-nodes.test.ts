import { createPgliteDatabase } from '@soma/adapter-pglite'
import { newUuid, silentLogger } from '@soma/kernel'
import { type Clients, createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLUSTER_SECRET, type Home, openHome } from '../homes/home.ts'

const asked = { topic: 'action-requests', type: 'count.requested' }
const ROUNDS = 5

let home: Home
let second: RunningServer
/** The two nodes of the registry. */
let nodes: readonly [Clients, Clients]

beforeAll(async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  home = await openHome('process-a-module', { database, settings: { mode: 'test' } })
  const { registry: own, ...others } = Object.fromEntries(
    Object.entries(home.servers).map(([module, { url }]) => [module, url]),
  )
  second = await startServer({
    platform: somaPlatform,
    modules: ['registry'],
    database: { ...database, close: async () => {} },
    log: silentLogger,
    sources: {
      flags: {
        ...{ mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 1000 },
        ...{ 'server.moduleUrls': others, 'server.clusterSecret': CLUSTER_SECRET },
      },
    },
  })
  const headers = { 'x-tenant-id': 'nodes', 'x-user-id': 'usr_ada' }
  const clientOf = (url: string) => createClients({ url, auth: { headers } })
  nodes = [clientOf(own as string), clientOf(second.url)]
}, 120_000)
afterAll(async () => {
  await second?.stop()
  await home?.stop()
}, 120_000)

const consumers = async ({ registry }: Clients) =>
  (await registry.discovery.search({ body: { query: 'count sheep' } })).items.flatMap((item) =>
    item.kind === 'event' ? item.consumers : [],
  )

test('what one node of the registry changes another one shows', async () => {
  const [first, other] = nodes
  const seen = async (wanted: readonly string[]) => {
    await expect.poll(() => consumers(other), { timeout: 30_000, interval: 10 }).toEqual(wanted)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const params = { name: 'counter', instanceId: newUuid() }
    expect(await consumers(other)).toEqual([])
    await first.registry.instances.register({
      params,
      body: {
        ...{ kind: 'worker', description: 'Counts sheep.', agentVersion: '1.0.0', consumes: [asked] },
        events: [
          { ...asked, kind: 'request', description: 'Counts sheep.', schema: { jsonSchema: { type: 'object' } } },
        ],
      },
    })
    expect(await consumers(first)).toEqual(['counter'])
    await seen(['counter'])
    await first.registry.instances.deregister({ params })
    await seen([])
  }
}, 120_000)
