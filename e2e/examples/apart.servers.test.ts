import { createClients } from '@soma/sdk/clients'
import { somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, openBackend } from '../backends.ts'
import { type Cluster, startCluster } from '../cluster/cluster.ts'
import { CLUSTER_SECRET } from '../homes/home.ts'
import { playableExamples, playReadme } from './play-readme.ts'

let backend: Backend
let cluster: Cluster | undefined
let apiKey: string

beforeAll(async () => {
  backend = await openBackend('nats', process.env.DATABASE_URL)
  apiKey = await keyOfDeveloper(backend)
  const setting = (name: string) => String(backend.settings[name])
  cluster = await startCluster({
    databaseUrl: setting('server.databaseUrl'),
    dataDirectory: setting('server.dataDirectory'),
    environment: {
      SOMA_IDENTITY_AUTHENTICATION: 'strict',
      SOMA_EVENTS_BUS: 'nats',
      SOMA_EVENTS_NATS_URL: setting('events.natsUrl'),
    },
  })
}, 300_000)
afterAll(async () => {
  await cluster?.stop()
  await backend.end()
}, 60_000)

/** Into the cluster. */
const way = () => (cluster as Cluster).url()

/** A server that lets the developer in makes the key; those of the test let nobody in without one. */
async function keyOfDeveloper({ settings }: Backend): Promise<string> {
  const own = { 'server.port': 0, 'server.logLevel': 'silent', 'server.clusterSecret': CLUSTER_SECRET }
  const flags = { mode: 'developer-light', ...own, ...settings }
  const server = await startServer({ platform: somaPlatform, sources: { flags } })
  try {
    const { identity } = createClients({ url: server.url })
    const { capabilities } = await identity.me.get()
    return (await identity.keys.create({ body: { name: 'examples', scopes: capabilities } })).secret
  } finally {
    await server.stop()
  }
}

test('nobody is let in without a credential', async () => {
  await expect(createClients({ url: way() }).registry.agents.list()).rejects.toMatchObject({ status: 401 })
})

test.each(playableExamples())(
  'the README of %s shows what it prints: strict authentication, a process a module, Postgres and NATS',
  async (example) => {
    const played = await playReadme(example, { url: way(), apiKey, show: () => undefined })
    expect(played.length).toBeGreaterThan(0)
    for (const { command, printed, expected } of played) expect(printed, command).toBe(expected)
  },
  180_000,
)
