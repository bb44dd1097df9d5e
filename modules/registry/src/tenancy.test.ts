import { isProblem, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'

const CAPABILITIES = [...anAgentContext('').principal.capabilities, 'discovery:read', 'agent:manage']
const one = anAgentContext('tenant-one', 'agt_zebra', CAPABILITIES)
const two = anAgentContext('tenant-two', 'agt_two', CAPABILITIES)
const AGENTS = 50
/** In every name and text of the one, and in no word of the platform. */
const SECRET = 'zebra'
const place = { topic: 'action-requests', type: 'zebra-0.requested' }
const instances = Array.from({ length: AGENTS }, () => newUuid())

let host: RegistryHost

beforeAll(async () => {
  host = await createRegistryHost()
  for (const [index, instanceId] of instances.entries())
    await host.client.instances.register(one, {
      params: { name: `zebra-${index}`, instanceId },
      body: {
        ...{ kind: 'worker', description: 'Counts every zebra.', agentVersion: '1.0.0', tags: ['zebra'] },
        capabilities: [{ name: 'zebra-counting', consumes: place }],
        consumes: [{ topic: 'system-events', type: 'agent.expired' }],
        schemas: [{ name: `zebra-herd-${index}`, version: '1.0.0', jsonSchema: { title: 'A zebra herd.' } }],
        events: [
          {
            ...{ ...place, type: `zebra-${index}.requested`, kind: 'request', description: 'Asks for a zebra.' },
            schema: { jsonSchema: { type: 'object', properties: { zebra: { type: 'string' } } } },
          },
        ],
      },
    })
}, 60_000)
afterAll(() => host?.close(), 60_000)

it('REG-R34 REG-A5 nothing of another tenant is in any list, answer, graph or document, and what the platform defines is read-only', async () => {
  const { agents, schemas, events, discovery, graph, asyncapi } = host.client
  const read = async (by: typeof one) =>
    JSON.stringify(
      await Promise.all([
        agents.list(by, { query: { includeExpired: 'true', limit: 200 } }),
        schemas.list(by, { query: { limit: 200 } }),
        events.list(by, { query: { limit: 200 } }),
        discovery.search(by, {
          body: { query: SECRET, want: ['event', 'agent', 'capability'], actionable: false, format: 'llm', limit: 50 },
        }),
        graph.get(by, { query: {} }),
        asyncapi.get(by, { query: {} }),
      ]),
    )
  expect(await read(one)).toContain(SECRET)
  expect(await read(two)).not.toContain(SECRET)
  expect(await read(two)).toContain('agent.expired')

  const guessed = { params: { name: 'zebra-0' } }
  const herd = { name: 'zebra-herd-0', version: '1.0.0' }
  const instance = { params: { ...guessed.params, instanceId: instances[0] as string } }
  const guesses = [
    agents.get(two, guessed),
    agents.update(two, { ...guessed, body: { description: 'Mine.' }, ifMatch: 1 }),
    agents.delete(two, guessed),
    host.client.instances.heartbeat(two, { ...instance, body: {} }),
    host.client.instances.deregister(two, { ...instance, query: {} }),
    schemas.get(two, { params: { name: herd.name } }),
    schemas.versions(two, { params: { name: herd.name } }),
    schemas.getVersion(two, { params: herd }),
    schemas.check(two, { body: { name: herd.name, new: {} } }),
    events.get(two, { params: place }),
    events.getVersion(two, { params: { ...place, version: '1.0.0' } }),
    events.impact(two, { params: place, body: { schema: {} } }),
    events.deprecate(two, { params: { ...place, version: '1.0.0' }, body: { note: 'Mine.' } }),
    events.retire(two, { params: { ...place, version: '1.0.0' }, body: { note: 'Mine.' } }),
  ]
  for (const [index, guess] of (await Promise.allSettled(guesses)).entries()) {
    const error: unknown = guess.status === 'rejected' ? guess.reason : undefined
    expect(isProblem(error) && error.code, `guess ${index}`).toBe('not-found')
    expect(isProblem(error) && (error.extensions['nearest'] ?? []), `guess ${index}`).not.toContain(place.type)
  }
  const { alive } = await host.client.heartbeats.create(two, {
    body: { instances: instances.map((instanceId) => ({ instanceId })) },
  })
  expect(alive).toEqual([])
  const refers = schemas.create(two, {
    body: { name: 'mine', version: '1.0.0', jsonSchema: { $ref: 'zebra-herd-0@1.0.0' } },
  })
  await expect(refers).rejects.toMatchObject({ code: 'schema-invalid' })

  const platform = { params: { topic: 'system-events', type: 'agent.expired', version: '1.0.0' } }
  expect(await events.getVersion(one, platform)).toMatchObject({ visibility: 'platform', consumers: AGENTS })
  expect(await events.getVersion(two, platform)).toMatchObject({ visibility: 'platform', consumers: 0 })
  await expect(events.retire(two, { ...platform, body: { note: 'No.', force: true } })).rejects.toMatchObject({
    code: 'name-owned',
  })
  const own = { name: 'zebra-0', version: '1.0.0', jsonSchema: { type: 'integer' } }
  expect((await schemas.create(two, { body: own })).ownerId).toBe('agt_two')
  expect(JSON.stringify(await agents.list(one, { query: { limit: 200 } }))).toContain('zebra-49')
})

it('REG-R34 REG-A5 every table is fenced for every role but its owner: raw SQL of a tenant sees and changes rows of its own alone', async () => {
  const tables = await host.database.asOwner((session) =>
    session.query<{ name: string; fenced: boolean }>(
      `select relname as name, relrowsecurity and relforcerowsecurity as fenced from pg_class
       where relnamespace = 'registry'::regnamespace and relkind in ('r', 'p') order by 1`,
    ),
  )
  expect(tables).toEqual(
    ['agents', 'event_definitions', 'instances', 'registrations', 'schemas'].map((name) => ({ name, fenced: true })),
  )
  for (const role of ['soma_app', 'soma_worker'] as const)
    for (const { name } of tables) {
      const seen = (tenantId: string) =>
        host.database.transaction({ role, tenantId }, (session) =>
          session.query(`select from registry.${name} where tenant_id in ('tenant-one', 'tenant-three')`),
        )
      expect((await seen('tenant-one')).length, name).toBeGreaterThanOrEqual(AGENTS)
      expect(await seen('tenant-three'), name).toEqual([])
      const changed = await host.database.transaction({ role, tenantId: 'tenant-three' }, (session) =>
        session.query(`delete from registry.${name} returning 1`),
      )
      expect(changed, name).toEqual([])
    }
})
