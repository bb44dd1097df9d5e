import { newUuid, buildClient, silentLogger } from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type SoormaAgent, type SoormaTenant, onboard } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
let beta: SoormaTenant
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
}, 60_000)
beforeEach(async () => {
  acme = await onboard(`${server.url}/soorma`)
  beta = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

const registry = () => buildClient(registryContract, server.transport)
const somaContext = ({ tenantId }: SoormaAgent, principalId = 'prn_native') =>
  testContext({
    tenantId,
    principalId,
    capabilities: [
      ...['agent:read', 'agent:register', 'event-definition:read', 'event-definition:write'],
      ...['schema:read', 'schema:write'],
    ],
  })
const anEvent = (eventName: string, more: object = {}) => ({
  eventName,
  topic: 'action-requests',
  description: `Asks for ${eventName}.`,
  ...more,
})
const anAgent = (agentId: string, more: object = {}) => ({
  agent: {
    agentId,
    name: 'Calculator',
    description: 'Adds.',
    capabilities: [
      {
        taskName: 'add_numbers',
        description: 'Adds numbers.',
        consumedEvent: anEvent('math.add_numbers', { payloadSchemaName: 'sum_v1' }),
        producedEvents: [anEvent('math.added', { topic: 'action-results' })],
      },
    ],
    ...more,
  },
})
const namesOf = async (agent: SoormaAgent, query = '') =>
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever members the wire has
  (await agent.get(`/v1/agents${query}`)).body.agents.map(({ agentId, name }: any) => `${agentId} ${name}`)

test('SOO-R12 an agent is registered, found by each filter as it was said, kept alive for 300 s a sign of life, and ended', async () => {
  const made = await acme.ask('POST /v1/agents', anAgent('calc-1'))
  expect([made.status, made.body]).toEqual([
    200,
    { agentId: 'calc-1', success: true, message: "Agent 'calc-1' registered successfully." },
  ])
  const nothing = { payloadSchemaName: null, responseSchemaName: null, payloadSchema: null, responseSchema: null }
  const expected = {
    agentId: 'calc-1',
    name: 'Calculator:1.0.0',
    description: 'Adds.',
    capabilities: [
      {
        taskName: 'add_numbers',
        description: 'Adds numbers.',
        consumedEvent: { ...nothing, ...anEvent('math.add_numbers'), payloadSchemaName: 'sum_v1' },
        producedEvents: [{ ...nothing, ...anEvent('math.added'), topic: 'action-results' }],
      },
    ],
    consumedEvents: ['math.add_numbers'],
    producedEvents: ['math.added'],
  }
  const found = ['agent_id=calc-1', 'name=Calculator', 'name=Calculator:1.0.0', 'produced_event=math.added', '']
  for (const query of found)
    expect((await acme.get(`/v1/agents?${query}`)).body).toEqual({ agents: [expected], count: 1 })
  const missed = [
    'agent_id=calc-2',
    'name=Calc',
    'name=Calculator:2.0.0',
    'produced_event=x',
    'consumed_event=math.added',
  ]
  for (const query of missed) expect((await acme.get(`/v1/agents?${query}`)).body).toEqual({ agents: [], count: 0 })
  expect(await namesOf(acme, '/discover?consumed_event=math.add_numbers')).toEqual(['calc-1 Calculator:1.0.0'])

  for (const method of ['PUT', 'POST']) {
    const beat = await acme.ask(`${method} /v1/agents/calc-1/heartbeat`)
    expect([beat.status, beat.body.success]).toEqual([200, true])
  }
  const [agent] = (await registry().agents.list(somaContext(acme), { query: {} })).items
  const { expiresAt = '', lastSeenAt = '' } = agent?.instances[0] ?? {}
  expect(Date.parse(expiresAt) - Date.parse(lastSeenAt)).toBe(300_000)
  expect(agent?.consumes).toEqual([{ topic: 'action-requests', type: 'soorma.math.add--numbers' }])

  const again = await acme.ask('POST /v1/agents', anAgent('calc-1', { consumedEvents: ['other'] }))
  expect(again.body.message).toBe("Agent 'calc-1' updated successfully.")
  expect(await namesOf(acme, '?consumed_event=other')).toEqual(['calc-1 Calculator:1.0.0'])
  expect((await acme.ask('DELETE /v1/agents/calc-1')).status).toBe(204)
  for (const request of ['DELETE /v1/agents/calc-1', 'PUT /v1/agents/calc-1/heartbeat']) {
    const gone = await acme.ask(request)
    expect([gone.status, gone.body]).toEqual([404, { detail: "Agent 'calc-1' not found." }])
  }
  expect(await namesOf(acme)).toEqual([])
})

test('of one name the agent that gave a sign of life last is listed; each is there by its id; whoever starts anew is another principal', async () => {
  const restarted = await acme.as('worker')
  await acme.ask('POST /v1/agents', anAgent('calc-1', { version: '2.0.0' }))
  expect((await restarted.ask('POST /v1/agents', anAgent('calc-2', { version: '2.0.0' }))).status).toBe(200)
  expect((await restarted.ask('POST /v1/agents', anAgent('calc-3'))).status).toBe(200)
  await restarted.ask('PUT /v1/agents/calc-1/heartbeat')
  expect((await namesOf(acme)).toSorted()).toEqual(['calc-1 Calculator:2.0.0', 'calc-3 Calculator:1.0.0'])
  expect(await namesOf(acme, '?agent_id=calc-2')).toEqual(['calc-2 Calculator:2.0.0'])
  await acme.ask('POST /v1/agents', anAgent('calc-1', { name: 'Renamed' }))
  expect((await namesOf(acme)).toSorted()).toEqual([
    'calc-1 Renamed:1.0.0',
    'calc-2 Calculator:2.0.0',
    'calc-3 Calculator:1.0.0',
  ])
})

test('two tenants with agents, events and schemas of one name never meet', async () => {
  const schema = { schemaName: 'sum_v1', version: '1.0.0', jsonSchema: { title: 'acme' } }
  await acme.ask('POST /v1/agents', anAgent('calc-1'))
  await acme.ask('POST /v1/events', { event: anEvent('math.add') })
  await acme.ask('POST /v1/schemas', { schema })
  for (const list of ['agents', 'agents?include_expired=true', 'events', 'schemas'])
    expect((await beta.get(`/v1/${list}`)).body.count).toBe(0)
  for (const request of ['PUT /v1/agents/calc-1/heartbeat', 'DELETE /v1/agents/calc-1', 'GET /v1/schemas/sum_v1'])
    expect((await beta.ask(request)).status).toBe(404)
  const registered = await beta.ask('POST /v1/agents', anAgent('calc-1', { description: 'Of beta.' }))
  expect(registered.body.message).toContain('registered')
  const event = anEvent('math.add', { description: 'Of beta.' })
  expect((await beta.ask('POST /v1/events', { event })).body.message).toContain('registered')
  expect((await beta.ask('POST /v1/schemas', { schema: { ...schema, jsonSchema: {} } })).status).toBe(200)
  expect((await acme.get('/v1/agents?agent_id=calc-1')).body.agents[0].description).toBe('Adds.')
  expect((await acme.get('/v1/events')).body.events[0].description).toBe('Asks for math.add.')
  expect((await acme.get('/v1/schemas/sum_v1')).body.jsonSchema).toEqual({ title: 'acme' })
})

test('agents, events and schemas of Soma are listed in the words of the dialect, and their names are not taken', async () => {
  const instanceId = newUuid()
  // Owners that identity knows, and one that it does not.
  for (const [name, owner] of [
    ['teller', acme.adminId],
    ['stranger', 'prn_native'],
  ] as const) {
    await registry().instances.register(somaContext(acme, owner), {
      params: { name, instanceId: newUuid() },
      body: { kind: 'worker', description: 'Of Soma.', agentVersion: '1.0.0', capabilities: [] },
    })
    expect((await acme.ask('POST /v1/agents', anAgent('calc-1', { name }))).status).toBe(400)
  }
  const place = { topic: 'action-requests', type: 'count.requested' }
  const jsonSchema = { type: 'object' }
  await registry().instances.register(somaContext(acme), {
    params: { name: 'counter', instanceId },
    body: {
      ...{ kind: 'worker', description: 'Counts.', agentVersion: '3.0.0' },
      capabilities: [{ name: 'counting', description: 'Counts sheep.', consumes: place }],
      events: [{ ...place, description: 'Counts.', schema: { name: 'sheep', version: '1.0.0' } }],
      schemas: [{ name: 'sheep', version: '1.0.0', jsonSchema }],
    },
  })
  const { agents } = (await acme.get('/v1/agents?consumed_event=count.requested')).body
  expect(agents).toMatchObject([
    {
      agentId: instanceId,
      name: 'counter:3.0.0',
      capabilities: [
        { taskName: 'counting', consumedEvent: { eventName: 'count.requested', payloadSchemaName: null } },
      ],
    },
  ])
  for (const request of [`PUT /v1/agents/${instanceId}/heartbeat`, `DELETE /v1/agents/${instanceId}`])
    expect((await acme.ask(request)).status).toBe(404)
  const taken = await acme.ask('POST /v1/agents', anAgent('calc-1', { name: 'counter' }))
  expect([taken.status, taken.body]).toEqual([
    400,
    { detail: "Agent name 'counter' belongs to an agent of another kind." },
  ])
  expect((await acme.get('/v1/events?event_name=count.requested')).body).toMatchObject({
    count: 1,
    events: [{ description: 'Counts.', payloadSchemaName: 'sheep' }],
  })
  await acme.ask('POST /v1/events', { event: anEvent('count.requested') })
  const { items } = await registry().events.list(somaContext(acme), { query: { visibility: 'tenant' } })
  expect(items.map(({ description, version }) => [description, version])).toEqual([['Counts.', '1.0.0']])
  expect((await acme.get('/v1/schemas/sheep')).body.jsonSchema).toEqual(jsonSchema)
  const schema = { schemaName: 'sheep', version: '2.0.0', jsonSchema: {} }
  expect((await acme.ask('POST /v1/schemas', { schema })).status).toBe(409)
})

test('SOO-R5 an event definition is taken as it is said, on any topic and of any name; one that breaks readers gets the next major version here', async () => {
  const restarted = await acme.as('worker')
  const payloadSchema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }
  const define = async (agent: SoormaAgent, event: object) => {
    const { status, body } = await agent.ask('POST /v1/events', { event })
    return `${status} ${body.message}`
  }
  expect(await define(acme, anEvent('math.add', { payload_schema: payloadSchema }))).toBe(
    "200 Event 'math.add' registered successfully.",
  )
  const changed = { ...payloadSchema, properties: { a: { type: 'string' } } }
  expect(await define(restarted, anEvent('math.add', { payloadSchema: changed }))).toBe(
    "200 Event 'math.add' updated successfully.",
  )
  expect(await define(acme, anEvent('math.add', { topic: 'business-facts' }))).toContain('registered')
  expect(await define(acme, anEvent('Free Text', { topic: 'their-own-topic' }))).toContain('registered')
  const { events, count } = (await acme.get('/v1/events')).body
  expect(count).toBe(3)
  expect(events.map((event: { eventName: string; topic: string }) => `${event.topic} ${event.eventName}`)).toEqual([
    'their-own-topic Free Text',
    'action-requests math.add',
    'business-facts math.add',
  ])
  expect((await acme.get('/v1/events?event_name=math.add')).body.count).toBe(2)
  expect((await acme.get('/v1/events?topic=action-requests')).body.events[0].payloadSchema).toEqual(changed)
  const query = { topic: 'action-requests', visibility: 'tenant' as const }
  const { items } = await registry().events.list(somaContext(acme), { query })
  expect(items.map(({ type, version }) => `${type} ${version}`).toSorted()).toEqual([
    'math.add 1.0.0',
    'math.add 2.0.0',
  ])
})

test('SOO-R5 a schema is registered once a version; the latest is the highest version, and one of a form of its own is kept', async () => {
  const register = (schemaName: string, version: string, key = 'schema') =>
    acme.ask('POST /v1/schemas', {
      [key]: { schema_name: schemaName, version, json_schema: { title: version }, ownerAgentId: 'calc-1' },
    })
  const made = await register('sum_v1', '1.2.0')
  expect([made.status, made.body]).toEqual([
    200,
    {
      schemaName: 'sum_v1',
      version: '1.2.0',
      success: true,
      message: "Schema 'sum_v1@1.2.0' registered successfully.",
    },
  ])
  const again = await register('sum_v1', '1.2.0')
  expect([again.status, again.body]).toEqual([409, { detail: "Schema 'sum_v1@1.2.0' already exists for this tenant" }])
  for (const version of ['1.10.0', '1.9.0', '1.10.0-rc.1', 'draft'])
    expect((await register('sum_v1', version, 'payload_schema')).status).toBe(200)
  expect((await register('A name of theirs', 'v1')).status).toBe(200)
  expect((await acme.get('/v1/schemas/sum_v1')).body).toEqual({
    schemaName: 'sum_v1',
    version: '1.10.0',
    jsonSchema: { title: '1.10.0' },
    description: null,
    ownerAgentId: 'calc-1',
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: expect.stringMatching(/Z$/),
  })
  expect((await acme.get('/v1/schemas/sum_v1/versions/draft')).body.jsonSchema).toEqual({ title: 'draft' })
  expect((await acme.get('/v1/schemas/A%20name%20of%20theirs')).body.version).toBe('v1')
  expect((await acme.get('/v1/schemas')).body.count).toBe(6)
  expect((await acme.get('/v1/schemas?owner_agent_id=calc-1')).body.count).toBe(6)
  expect((await acme.get('/v1/schemas?owner_agent_id=calc-2')).body.count).toBe(0)
  expect((await acme.get('/v1/schemas/other')).body).toEqual({ detail: "Schema 'other' not found" })
  expect((await acme.get('/v1/schemas/sum_v1/versions/9.0.0')).body).toEqual({
    detail: "Schema 'sum_v1@9.0.0' not found",
  })
})

test('what is no definition is refused in the words of the dialect, and a user registers nothing', async () => {
  const refused = async (request: string, body: unknown) => {
    const answer = await acme.ask(request, body)
    return [answer.status, answer.body.detail[0]?.loc?.join('.')]
  }
  const bare = anAgent('calc-1', { capabilities: ['add'] })
  expect(await refused('POST /v1/agents', bare)).toEqual([422, 'body.agent.capabilities.0'])
  expect(await refused('POST /v1/agents', { agent: {} })).toEqual([422, 'body.agent.agentId'])
  expect(await refused('POST /v1/agents', undefined)).toEqual([422, 'body'])
  expect(await refused('POST /v1/agents', anAgent('x'.repeat(256)))).toEqual([422, 'body.agent.agentId'])
  expect(await refused('POST /v1/agents', anAgent('nul\0'))).toEqual([422, 'body.agent.agentId'])
  expect(await refused('POST /v1/events', { event: anEvent('a', { topic: 'x'.repeat(101) }) })).toEqual([
    422,
    'body.event.topic',
  ])
  const schema = { schemaName: 'deep', version: '1', jsonSchema: {} }
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
  const text = JSON.stringify({ schema }).replace('"jsonSchema":{}', `"jsonSchema":${deep}`)
  expect((await acme.ask('POST /v1/schemas', text)).status).toBe(422)
  expect((await refused('POST /v1/schemas', { schema: { ...schema, jsonSchema: 'x' } }))[0]).toBe(422)
  expect((await acme.ask('PUT /v1/agents/%00/heartbeat')).status).toBe(422)
  expect((await acme.get('/v1/agents?include_expired=maybe')).status).toBe(422)
  expect((await refused('POST /v1/schemas', { schema: { ...schema, version: '1@2' } }))[1]).toBe('body.schema.version')
  const user = await acme.as('user')
  expect((await acme.ask('POST /v1/agents', anAgent('calc-0'))).status).toBe(200)
  for (const [request, body] of [
    ['POST /v1/agents', anAgent('calc-1')],
    ['POST /v1/events', { event: anEvent('math.add') }],
    ['POST /v1/schemas', { schema }],
    ['PUT /v1/agents/calc-0/heartbeat', undefined],
    ['DELETE /v1/agents/calc-0', undefined],
  ] as const) {
    const { status, body: answer } = await user.ask(request, body)
    expect([request, status, answer]).toEqual([request, 403, { detail: 'Trust policy denied' }])
  }
  expect((await acme.get('/v1/agents?include_expired=true')).body.count).toBe(1)
})
