import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { registration } from '../contract/index.ts'
import { anAgentContext, createRegistryHost, type RegistryHost, problemOf } from '../testing/index.ts'
import type * as z from 'zod'

type Body = z.input<typeof registration>

const research = { topic: 'action-requests', type: 'research.requested' }
const researched = { topic: 'action-results', type: 'research.completed' }

const aDefinition = (changes: object = {}) => ({
  ...research,
  version: '1.0.0',
  kind: 'request' as const,
  description: 'Asks for research.',
  schema: { jsonSchema: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] } },
  responseType: researched.type,
  responseTopic: researched.topic,
  examples: [{ topic: 'owls' }],
  ...changes,
})

const aRegistration = (changes: Partial<Body> = {}): Body => ({
  kind: 'worker',
  description: 'Finds things out.',
  agentVersion: '1.0.0',
  capabilities: [{ name: 'research', consumes: research, produces: [researched] }],
  events: [aDefinition()],
  ...changes,
})

let host: RegistryHost
let tenants = 0
const aTenant = () => `ten-${++tenants}`
const types = (tenantId: string) =>
  host.emitted.filter((event) => event.tenantid === tenantId && event.topic !== 'audit').map((event) => event.type)

beforeAll(async () => {
  host = await createRegistryHost({ settings: { heartbeatMs: 100 } })
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = (
  tenantId: string,
  options: { name?: string; instanceId?: string; principal?: string; body?: Body } = {},
) =>
  host.client.instances.register(anAgentContext(tenantId, options.principal), {
    params: { name: options.name ?? 'researcher', instanceId: options.instanceId ?? newUuid() },
    body: options.body ?? aRegistration(),
  })

describe('registration', () => {
  it('REG-R1 stores schemas, definitions, agent, capabilities and instance at once, and the same again changes nothing but the time', async () => {
    const tenant = aTenant()
    const instanceId = newUuid()
    const first = await register(tenant, { instanceId })
    expect(types(tenant)).toEqual(['schema.registered', 'event.defined', 'agent.registered', 'agent.instance-started'])
    const again = await register(tenant, { instanceId })
    expect(types(tenant)).toHaveLength(4)
    expect(again.agent.version).toBe(first.agent.version)
    expect(again.instance.lastSeenAt >= first.instance.lastSeenAt).toBe(true)

    const wrong = aRegistration({
      events: [
        aDefinition({ type: 'first.requested', schema: { jsonSchema: { type: 'objct' } }, examples: [] }),
        aDefinition({ type: 'second.requested', topic: 'action-request' }),
      ],
    })
    const problem = await problemOf(register(tenant, { name: 'other', body: wrong }))
    const errors = problem.extensions.errors ?? []
    expect(new Set(errors.map((error) => error.pointer.split('/').slice(0, 5).join('/')))).toEqual(
      new Set(['/body/events/0/schema', '/body/events/1/topic']),
    )
    expect((await problemOf(host.client.agents.get(anAgentContext(tenant), { params: { name: 'other' } }))).code).toBe(
      'not-found',
    )
    const known = await host.client.events.list(anAgentContext(tenant), { query: { visibility: 'tenant' } })
    expect(known.items.map((item) => item.type)).toEqual(['research.requested'])
  })

  it('keeps a name for the principal that registered first, unless the other manages agents', async () => {
    const tenant = aTenant()
    await register(tenant, { principal: 'agt_one' })
    const problem = await problemOf(register(tenant, { principal: 'agt_two' }))
    expect(problem.code).toBe('name-owned')
    expect(problem.message).toContain('agt_one')
    const manager = anAgentContext(tenant, 'agt_two', ['agent:register', 'agent:manage'])
    const taken = await host.client.instances.register(manager, {
      params: { name: 'researcher', instanceId: newUuid() },
      body: aRegistration(),
    })
    expect(taken.agent.ownerId).toBe('agt_one')
  })

  it('REG-R5 answers an unknown instance with not-found and another digest with known: false', async () => {
    const tenant = aTenant()
    const instanceId = newUuid()
    const { instance } = await register(tenant, { instanceId })
    const context = anAgentContext(tenant)
    const beat = (body: object, id = instanceId) =>
      host.client.instances.heartbeat(context, { params: { name: 'researcher', instanceId: id }, body })
    expect((await beat({ digest: instance.digest })).known).toBe(true)
    expect((await beat({ digest: 'other' })).known).toBe(false)
    const unknown = await problemOf(beat({}, newUuid()))
    expect([unknown.code, unknown.status]).toEqual(['not-found', 404])
  })

  it('REG-R6 takes the best of its instances as the status of an agent', async () => {
    const tenant = aTenant()
    const [one, two] = [newUuid(), newUuid()]
    await register(tenant, { instanceId: one })
    await register(tenant, { instanceId: two })
    const context = anAgentContext(tenant)
    const beat = (instanceId: string, health: 'healthy' | 'degraded' | 'unhealthy' | 'draining') =>
      host.client.instances.heartbeat(context, { params: { name: 'researcher', instanceId }, body: { health } })
    const status = async () => (await host.client.agents.get(context, { params: { name: 'researcher' } })).status
    await beat(one, 'unhealthy')
    expect(await status()).toBe('live')
    await beat(two, 'unhealthy')
    expect(await status()).toBe('degraded')
    await beat(one, 'degraded')
    expect(await status()).toBe('degraded')
    await beat(two, 'draining')
    expect(await status()).toBe('degraded')
    await beat(one, 'draining')
    expect(await status()).toBe('draining')
    for (const instanceId of [one, two]) {
      await host.client.instances.deregister(context, { params: { name: 'researcher', instanceId } })
    }
    expect(await status()).toBe('deregistered')
    expect(types(tenant).filter((type) => type === 'agent.deregistered')).toHaveLength(1)
  })

  it('REG-R8 joins declared events with those of capabilities and warns of bare names and silent requests', async () => {
    const tenant = aTenant()
    const body = aRegistration({
      capabilities: ['greeting', { name: 'research', consumes: research, produces: [researched] }],
      consumes: [{ topic: 'business-facts', type: 'order.placed' }],
      events: [aDefinition({ responseType: undefined, responseTopic: undefined })],
    })
    const { agent, warnings } = await register(tenant, { body })
    expect(agent.consumes).toEqual([{ topic: 'business-facts', type: 'order.placed' }, research])
    expect(agent.produces).toEqual([researched])
    expect(agent.capabilities.map((capability) => capability.name)).toEqual(['greeting', 'research'])
    expect(warnings.map((warning) => warning.code)).toEqual(['request-without-reply', 'capability-without-event'])
  })

  it('REG-R9 gives back what was registered whole', async () => {
    const tenant = aTenant()
    await register(tenant)
    const definition = await host.client.events.get(anAgentContext(tenant), { params: research })
    const { pointer: _pointer, ...declared } = { pointer: '', ...aDefinition() }
    expect(definition).toMatchObject({
      ...declared,
      schema: { name: 'research.requested', version: '1.0.0' },
      jsonSchema: declared.schema.jsonSchema,
      ownerAgent: 'researcher',
      consumers: 1,
      producers: 0,
    })
    const agent = await host.client.agents.get(anAgentContext(tenant), { params: { name: 'researcher' } })
    expect(agent.capabilities[0]).toMatchObject({ consumes: research, produces: [researched], versions: ['1.0.0'] })
  })

  it('REG-R7 lists the versions that offer a capability while replicas differ', async () => {
    const tenant = aTenant()
    await register(tenant)
    await register(tenant, { body: aRegistration({ agentVersion: '1.10.0' }) })
    const { agent } = await register(tenant, { body: aRegistration({ agentVersion: '1.9.0' }) })
    expect(agent.versions).toEqual(['1.10.0', '1.9.0', '1.0.0'])
    expect(agent.capabilities[0]?.versions).toEqual(['1.10.0', '1.9.0', '1.0.0'])
    expect(types(tenant).filter((type) => type === 'agent.updated')).toHaveLength(2)
  })
})

describe('expiry', () => {
  it('ends what gave no sign of life once, leaves others alone, and lists it on demand', async () => {
    const tenant = aTenant()
    await register(tenant)
    await host.expireLeases()
    const kept = newUuid()
    await register(tenant, { name: 'kept', instanceId: kept, body: aRegistration({ events: [] }) })
    const context = anAgentContext(tenant)
    const names = async (includeExpired: 'true' | 'false') =>
      (await host.client.agents.list(context, { query: { includeExpired } })).items.map((agent) => agent.name)
    expect(await names('false')).toEqual(['kept'])
    host.clock.advance(1000)
    await host.sweep()
    await host.sweep()
    expect(types(tenant).filter((type) => type === 'agent.expired')).toHaveLength(1)
    expect(types(tenant).filter((type) => type === 'agent.instance-stopped')).toHaveLength(1)
    expect((await names('true')).sort()).toEqual(['kept', 'researcher'])
    expect((await host.client.agents.get(context, { params: { name: 'researcher' } })).status).toBe('expired')
    await register(tenant)
    expect(types(tenant)).toContain('agent.revived')
  })

  it('ends the instances of a principal that is disabled, and no other', async () => {
    const tenant = aTenant()
    await register(tenant, { principal: 'agt_bad' })
    await register(tenant, { name: 'kept', body: aRegistration({ events: [] }) })
    await host.deliver(tenant, 'principal.disabled', { principalId: 'agt_bad' })
    const page = await host.client.agents.list(anAgentContext(tenant), { query: {} })
    expect(page.items.map((agent) => agent.name)).toEqual(['kept'])
    expect(types(tenant)).toContain('agent.deregistered')
  })

  it('answers heartbeats of many instances with those that are unknown', async () => {
    const tenant = aTenant()
    const [known, unknown] = [newUuid(), newUuid()]
    await register(tenant, { instanceId: known })
    const answer = await host.client.heartbeats.create(anAgentContext(tenant), {
      body: { instances: [{ instanceId: known }, { instanceId: unknown }] },
    })
    expect(answer).toEqual({ alive: [known], unknown: [unknown], heartbeatMs: 100 })
  })
})

describe('definitions and schemas', () => {
  it('REG-R13 never changes a registered version and answers the highest one', async () => {
    const tenant = aTenant()
    const context = anAgentContext(tenant)
    const create = (version: string, jsonSchema: object = { type: 'string' }) =>
      host.client.schemas.create(context, { body: { name: 'note', version, jsonSchema: { ...jsonSchema } } })
    const first = await create('2.0.0')
    expect((await create('2.0.0')).schemaId).toBe(first.schemaId)
    expect((await problemOf(create('2.0.0', { type: 'number' }))).code).toBe('schema-exists')
    await create('10.0.0')
    await create('11.0.0-beta.1')
    expect((await host.client.schemas.get(context, { params: { name: 'note' } })).version).toBe('10.0.0')
    const versions = await host.client.schemas.versions(context, { params: { name: 'note' } })
    expect(versions.items.map((item) => item.version)).toEqual(['11.0.0-beta.1', '10.0.0', '2.0.0'])
  })

  it('REG-A7 keeps one type on two topics apart, each with its own description and schema, also after a restart', async () => {
    const tenant = aTenant()
    const context = anAgentContext(tenant)
    const places = { 'action-results': 'integer', 'business-facts': 'string' }
    const of = (topic: string, type: string) => ({
      ...{ topic, type: 'analysis.done', version: '1.0.0', description: `Of ${topic}.` },
      schema: { jsonSchema: { type: 'object', properties: { result: { type } } } },
    })
    for (const [topic, type] of Object.entries(places))
      await host.client.events.create(context, { body: of(topic, type) })
    const restarted = await createRegistryHost({ database: host.database })
    for (const { client } of [host, restarted]) {
      for (const [topic, type] of Object.entries(places)) {
        const { jsonSchema, ...own } = await client.events.get(context, { params: { topic, type: 'analysis.done' } })
        expect({ ...own, jsonSchema }).toMatchObject({
          ...{ topic, description: `Of ${topic}.`, jsonSchema: of(topic, type).schema.jsonSchema },
        })
      }
      const { items } = await client.events.list(context, { query: { type: 'analysis.done' } })
      expect(items.map(({ topic }) => topic)).toEqual(Object.keys(places))
    }
  })

  it('REG-R14 keeps one type on two topics apart and refuses examples that do not fit', async () => {
    const tenant = aTenant()
    const context = anAgentContext(tenant)
    const define = (changes: object) => host.client.events.create(context, { body: aDefinition(changes) })
    await define({ type: 'analysis.done', topic: 'action-results' })
    const other = { jsonSchema: { type: 'object', properties: { score: { type: 'number' } } } }
    await define({ type: 'analysis.done', topic: 'business-facts', schema: other, examples: [{ score: 1 }] })
    const get = (topic: string) => host.client.events.get(context, { params: { topic, type: 'analysis.done' } })
    expect((await get('action-results')).jsonSchema).toMatchObject({ required: ['topic'] })
    expect((await get('business-facts')).jsonSchema).toEqual(other.jsonSchema)
    const problem = await problemOf(define({ type: 'other.done', examples: [{ topic: 1 }] }))
    expect(problem.code).toBe('schema-invalid')
    expect(problem.extensions.errors?.[0]?.pointer).toBe('/body/examples/0/topic')
  })

  it('names the nearest types when one is unknown', async () => {
    const tenant = aTenant()
    await register(tenant)
    const params = { topic: 'action-requests', type: 'research.requestd' }
    const problem = await problemOf(host.client.events.get(anAgentContext(tenant), { params }))
    expect(problem.code).toBe('not-found')
    expect(problem.extensions.nearest).toEqual(['research.requested'])
  })

  it('refuses topics that do not exist and nouns of the platform', async () => {
    const context = anAgentContext(aTenant())
    const define = (changes: object) => host.client.events.create(context, { body: aDefinition(changes) })
    const topic = await problemOf(define({ topic: 'busines-facts' }))
    expect([topic.code, topic.message]).toEqual(['unknown-topic', expect.stringContaining('business-facts')])
    expect((await problemOf(define({ type: 'agent.praised' }))).code).toBe('type-reserved')
    expect((await problemOf(define({ type: 'note.kept', topic: 'audit' }))).code).toBe('type-reserved')
  })

  it('shows the events of the platform to every tenant, read-only', async () => {
    const context = anAgentContext(aTenant())
    const params = { topic: 'system-events', type: 'agent.expired' }
    expect((await host.client.events.get(context, { params })).visibility).toBe('platform')
    const page = await host.client.events.list(context, { query: { visibility: 'platform' } })
    expect(page.items.map((item) => item.type)).toContain('schema.registered')
  })
})

describe('lists and tenants', () => {
  it('combines filters with AND, matches exactly and shows replicas as one agent', async () => {
    const tenant = aTenant()
    const context = anAgentContext(tenant)
    await register(tenant)
    await register(tenant)
    await register(tenant, {
      name: 'planner',
      body: aRegistration({ kind: 'planner', capabilities: [], produces: [research], events: [] }),
    })
    const list = async (query: object) =>
      (await host.client.agents.list(context, { query })).items.map((agent) => agent.name)
    expect(await list({ consumes: 'research.requested', kind: 'worker' })).toEqual(['researcher'])
    expect(await list({ consumes: 'research.requested', kind: 'planner' })).toEqual([])
    expect(await list({ produces: 'research.requested' })).toEqual(['planner'])
    expect(await list({ consumes: 'research.request' })).toEqual([])
    expect(await list({ capability: 'research' })).toEqual(['researcher'])
  })

  it('pages through agents without a hole', async () => {
    const tenant = aTenant()
    for (const name of ['a', 'b', 'c']) await register(tenant, { name, body: aRegistration({ events: [] }) })
    const context = anAgentContext(tenant)
    const first = await host.client.agents.list(context, { query: { limit: 2 } })
    const second = await host.client.agents.list(context, { query: { limit: 2, cursor: first.nextCursor as string } })
    expect([...first.items, ...second.items].map((agent) => agent.name)).toEqual(['c', 'b', 'a'])
    expect(second.nextCursor).toBeNull()
  })

  it('refuses a filter field that does not exist', async () => {
    const problem = await problemOf(
      host.client.agents.list(anAgentContext(aTenant()), { query: { kinds: 'worker' } as never }),
    )
    expect([problem.status, problem.extensions.errors?.[0]?.pointer]).toEqual([422, '/query/kinds'])
  })

  it('hides agents, definitions and schemas of another tenant', async () => {
    const [owner, stranger] = [aTenant(), aTenant()]
    await register(owner)
    const context = anAgentContext(stranger)
    expect((await host.client.agents.list(context, { query: {} })).items).toEqual([])
    expect((await problemOf(host.client.agents.get(context, { params: { name: 'researcher' } }))).code).toBe(
      'not-found',
    )
    const problem = await problemOf(host.client.events.get(context, { params: research }))
    expect(problem.extensions.nearest).toEqual([])
    expect((await host.client.events.list(context, { query: { visibility: 'tenant' } })).items).toEqual([])
    expect((await problemOf(host.client.schemas.get(context, { params: { name: 'research.requested' } }))).code).toBe(
      'not-found',
    )
    const taken = await host.client.instances.register(context, {
      params: { name: 'researcher', instanceId: newUuid() },
      body: aRegistration(),
    })
    expect(taken.agent.instances).toHaveLength(1)
  })
})
