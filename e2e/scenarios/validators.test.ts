import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { isProblem, silentLogger } from '@soma/kernel'
import { type Clients, createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLUSTER_SECRET, type Home, openHome } from '../homes/home.ts'

let home: Home
let second: RunningServer
let proxy: Server
let clients: Clients
/** The two nodes that publish. */
let nodes: readonly Clients[]
/** What the second node asked the registry. */
const asked: string[] = []

beforeAll(async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  home = await openHome('process-a-module', { database })
  proxy = await countingProxy((home.servers.registry as RunningServer).url)
  const urls = Object.fromEntries(Object.entries(home.servers).map(([module, { url }]) => [module, url]))
  const { events: _own, ...others } = urls
  second = await startServer({
    platform: somaPlatform,
    modules: ['events'],
    database: { ...database, close: async () => {} },
    log: silentLogger,
    sources: {
      flags: {
        ...{ mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 1000 },
        'server.moduleUrls': { ...others, registry: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` },
        'server.clusterSecret': CLUSTER_SECRET,
      },
    },
  })
  const headers = { 'x-tenant-id': 'validators', 'x-user-id': 'usr_ada' }
  const clientOf = (url: string) => createClients({ url, auth: { headers } })
  clients = clientOf(home.url)
  nodes = [clientOf(urls.events as string), clientOf(second.url)]
}, 120_000)
afterAll(async () => {
  await second?.stop()
  proxy?.close()
  await home?.stop()
}, 120_000)

async function countingProxy(target: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    asked.push(`${method} ${url}`)
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

const place = { topic: 'business-facts', type: 'order.placed' }
const define = (version: string, properties: object) =>
  clients.registry.events.create({
    body: {
      ...{ ...place, version, description: 'An order was placed.' },
      schema: { jsonSchema: { type: 'object', properties, required: ['amount'], additionalProperties: false } },
    },
  })
const publish = async (node: Clients, data: Record<string, unknown>): Promise<string> =>
  (await node.events.events.publish({ body: { ...place, data: data as never } })).eventId

const accepts = (node: Clients, data: Record<string, unknown>): Promise<string | undefined> =>
  publish(node, data).catch((error: unknown) => {
    if (isProblem(error) && error.code === 'schema-mismatch') return undefined
    throw error
  })

test('EVT-R6 compiles a validator once a version, uses a new version on all nodes within 2 s, and leaves old events their schema', async () => {
  await define('1.0.0', { amount: { type: 'integer' } })
  const old = await Promise.all(nodes.map((node) => publish(node, { amount: 1 })))
  for (let index = 0; index < 20; index++) await publish(nodes[1] as Clients, { amount: index })
  // Once, and once more where the fact of the definition came after the first look.
  expect(asked.filter((line) => line.includes('/order.placed')).length).toBeLessThanOrEqual(2)
  const noted = { amount: 1, note: 'by hand' }
  expect(await Promise.all(nodes.map((node) => accepts(node, noted)))).toEqual([undefined, undefined])

  await define('1.1.0', { amount: { type: 'integer' }, note: { type: 'string' } })
  const deadline = performance.now() + 2000
  const now = await Promise.all(
    nodes.map(async (node) => {
      for (;;) {
        const eventId = await accepts(node, noted)
        if (eventId !== undefined || performance.now() > deadline) return eventId
        await pause(20)
      }
    }),
  )
  expect(now).toEqual([expect.any(String), expect.any(String)])

  const schemaOf = async (eventId: string) =>
    (await clients.events.events.get({ params: { eventId }, query: {} })).dataschema
  for (const [ids, version] of [
    [old, '1.0.0'],
    [now as string[], '1.1.0'],
  ] as const)
    for (const eventId of ids)
      expect(await schemaOf(eventId)).toBe(`soma:/v1/registry/schemas/order.placed/versions/${version}`)
}, 60_000)
