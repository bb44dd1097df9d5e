import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'

/** Room to make a database on a busy server. */
const OPENING_MS = 60_000

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const context = anAgentContext('postgres', 'agt_one', [...anAgentContext('').principal.capabilities, 'discovery:read'])
const asked = { topic: 'action-requests', type: 'count.requested' }

let postgres: PostgresForTests
/** Two processes on Postgres. */
const hosts: RegistryHost[] = []
let embedded: RegistryHost
beforeAll(async () => {
  postgres = await openPostgres(server, [])
  for (let index = 0; index < 2; index++) hosts.push(await createRegistryHost({ database: await postgres.connect() }))
  embedded = await createRegistryHost()
}, OPENING_MS)
afterAll(async () => {
  for (const host of [...hosts, embedded]) await host?.close()
  await postgres?.drop()
}, OPENING_MS)

/** What an agent does in its life, and what is answered: without times, and with one id for all. */
async function aLife({ client, expireLeases, sweep, clock }: RegistryHost) {
  const instanceId = newUuid()
  const instances = (more: object) => [{ instanceId, ...more }]
  const params = { name: 'counter', instanceId }
  const answers: unknown[] = []
  const look = async () => {
    answers.push(await client.agents.list(context, { query: { name: 'counter@1.0.0', includeExpired: 'true' } }))
    answers.push(await client.events.list(context, { query: { visibility: 'tenant', consumer: 'counter' } }))
    const { asOf: _asOf, ...found } = await client.discovery.search(context, { body: { query: 'how many sheep' } })
    answers.push(found, await client.graph.get(context, { query: {} }))
  }
  const body = {
    ...{ kind: 'worker' as const, description: 'Counts sheep.', agentVersion: '1.0.0' },
    capabilities: [{ name: 'counting', consumes: asked }],
    events: [{ ...asked, kind: 'request' as const, description: 'Counts sheep.', schema: { jsonSchema: true } }],
  }
  await client.instances.register(context, { params, body })
  await look()
  for (const sign of [
    { load: { inFlight: 1, credits: 9 } },
    { stream: { id: 'one', state: 'open' as const } },
    { stream: { id: 'one', state: 'broken' as const } },
    { health: 'degraded' as const },
  ]) {
    answers.push(await client.heartbeats.create(context, { body: { instances: instances(sign) } }))
    await look()
  }
  await expireLeases()
  await look()
  clock.advance(60_000)
  await sweep()
  await look()
  return JSON.parse(
    JSON.stringify(answers)
      .replaceAll(/reg_\w+/g, 'reg')
      .replaceAll(instanceId, 'instance')
      .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"'),
  ) as unknown
}

test('the registry answers on Postgres as on the embedded engine, with the same statements', async () => {
  const [onPostgres, onEmbedded] = [await aLife(hosts[0] as RegistryHost), await aLife(embedded)]
  expect(onPostgres).toEqual(onEmbedded)
}, 60_000)

test('signs of the same instances from two processes at once never wait for each other for ever', async () => {
  const ids = Array.from({ length: 100 }, () => newUuid())
  const body = { kind: 'worker' as const, description: 'Beats.', agentVersion: '1.0.0' }
  for (const instanceId of ids)
    await hosts[0]?.client.instances.register(context, { params: { name: 'many', instanceId }, body })
  const beat = (host: RegistryHost, order: readonly string[]) =>
    host.client.heartbeats.create(context, { body: { instances: order.map((instanceId) => ({ instanceId })) } })
  for (let round = 0; round < 10; round++) {
    const [first, second] = hosts as [RegistryHost, RegistryHost]
    const answers = await Promise.all([beat(first, ids), beat(second, ids.toReversed())])
    expect(answers.map(({ alive, unknown }) => [alive.length, unknown])).toEqual([
      [ids.length, []],
      [ids.length, []],
    ])
  }
}, 60_000)
