import { buildClient, silentLogger } from '@soma/kernel'
import { memoryContract } from '@soma/memory/contract'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onboard, type SoormaAgent, type SoormaTenant } from '../soorma/client.ts'

let server: RunningServer
let acme: SoormaTenant
let beta: SoormaTenant
let alice: SoormaAgent
let bob: SoormaAgent
beforeAll(async () => {
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: { flags: { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 } },
  })
  acme = await onboard(`${server.url}/soorma`)
  beta = await onboard(`${server.url}/soorma`)
  alice = await acme.as('agent', { serviceUserId: 'alice' })
  bob = await acme.as('agent', { serviceUserId: 'bob' })
}, 60_000)
afterAll(() => server.stop())

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
const M = '/v1/memory'
const soma = () => buildClient(memoryContract, server.transport)
const inSoma = (userId: string, more: readonly string[] = []) =>
  testContext({ tenantId: acme.tenantId, userId, capabilities: ['memory:read', 'memory:write', ...more] })
const contentsOf = ({ body }: { body: readonly { content: string }[] }) => body.map(({ content }) => content)

describe('semantic', () => {
  test('knowledge is stored once by its id or its content, found by words with falling scores, and seen in Soma', async () => {
    const store = (body: object) => alice.ask(`POST ${M}/semantic`, body)
    const made = await store({
      ...{ content: 'The capital of Peru is Lima.', external_id: 'peru', metadata: { page: 1 } },
      ...{ tags: ['geography'], source: 'atlas', unknown: true },
    })
    expect([made.status, made.body]).toEqual([
      201,
      {
        ...{ id: expect.stringMatching(/^fact_/), tenantId: acme.tenantId, userId: 'alice' },
        ...{ content: 'The capital of Peru is Lima.', externalId: 'peru', isPublic: false, score: null },
        ...{ metadata: { page: 1, tags: ['geography'], source: 'atlas' }, createdAt: TIME, updatedAt: TIME },
      },
    ])
    const same = await store({ content: 'The capital of Peru is Lima.', externalId: 'peru', metadata: { page: 2 } })
    expect(same.body).toMatchObject({ id: made.body.id, metadata: { page: 2 } })
    await store({ content: 'Lima lies at the sea.' })
    await store({ content: 'Lima lies at the sea.' })
    await store({ content: 'The capital is Lima, not Cusco.', externalId: 'peru' })
    const found = await alice.get(`${M}/semantic/search?q=the%20capital%20Lima`)
    expect(found.status).toBe(200)
    expect(contentsOf(found)).toEqual(['The capital is Lima, not Cusco.', 'Lima lies at the sea.'])
    const scores = found.body.map(({ score }: { score: number }) => score)
    expect(scores[0]).toBeLessThanOrEqual(1)
    expect(scores[0]).toBeGreaterThan(scores[1])
    expect(scores[1]).toBeGreaterThan(0)
    const { items } = await soma().facts.list(inSoma('alice'), { query: { externalId: 'peru', status: 'live' } })
    expect(items.map(({ content }) => content)).toEqual(['The capital is Lima, not Cusco.'])
    await soma().facts.create(inSoma('alice'), { body: { content: 'The river of Lima is the Rimac.' } })
    const query = await alice.ask(`POST ${M}/semantic/query?query=river&include_public=false`)
    expect(contentsOf(query)).toEqual(['The river of Lima is the Rimac.'])
  })

  test("public knowledge is the tenant's, its key its owner's, and private and public are one row", async () => {
    const gate = { content: 'The gate closes at ten.', externalId: 'gate' }
    await alice.ask(`POST ${M}/semantic`, gate)
    expect((await bob.get(`${M}/semantic/search?q=gate`)).body).toEqual([])
    const open = await alice.ask(`POST ${M}/semantic`, { ...gate, isPublic: true })
    expect(open.body).toMatchObject({ isPublic: true, userId: 'alice' })
    expect((await alice.get(`${M}/semantic/search?q=gate`)).body).toHaveLength(1)
    expect((await bob.get(`${M}/semantic/search?q=gate`)).body).toMatchObject([{ userId: 'alice', isPublic: true }])
    expect((await bob.ask(`POST ${M}/semantic/query?query=gate&include_public=false`)).body).toEqual([])
    const taken = await bob.ask(`POST ${M}/semantic`, { ...gate, content: 'Open all night.', isPublic: true })
    expect(taken.status).toBe(409)
    await alice.ask(`POST ${M}/semantic`, gate)
    expect((await bob.get(`${M}/semantic/search?q=gate`)).body).toEqual([])
    expect((await alice.get(`${M}/semantic/search?q=gate`)).body).toMatchObject([{ isPublic: false }])
  })
})

test("what was said is listed newest first and found by words, each user's own and each agent's", async () => {
  const log = (by: SoormaAgent, content: string, more: object = {}) =>
    by.ask(`POST ${M}/episodic`, { agentId: 'cook', role: 'user', content, ...more })
  const first = await log(alice, 'I like mangoes', { metadata: { mood: 'good' } })
  expect([first.status, first.body]).toEqual([
    201,
    {
      ...{ id: expect.stringMatching(/^epi_/), tenantId: acme.tenantId, userId: 'alice', createdAt: TIME, score: null },
      ...{ agentId: 'cook', role: 'user', content: 'I like mangoes', metadata: { mood: 'good' } },
    },
  ])
  await log(alice, 'Noted: mangoes', { role: 'assistant' })
  await log(alice, 'Something else', { agentId: 'other' })
  await log(bob, 'Bob says mangoes')
  expect(contentsOf(await alice.get(`${M}/episodic/recent?agent_id=cook`))).toEqual([
    'Noted: mangoes',
    'I like mangoes',
  ])
  expect(contentsOf(await alice.get(`${M}/episodic/recent?agent_id=cook&limit=1`))).toEqual(['Noted: mangoes'])
  expect(contentsOf(await alice.get(`${M}/episodic/search?agent_id=cook&q=noted`))).toEqual(['Noted: mangoes'])
  expect(contentsOf(await bob.get(`${M}/episodic/search?agent_id=cook&q=mangoes`))).toEqual(['Bob says mangoes'])
  expect((await log(alice, 'x', { role: 'robot' })).status).toBe(422)
})

test('procedures that Soma activated are found by what an agent is about to do', async () => {
  const by = inSoma('alice', ['procedure:activate'])
  const fields = { agentId: 'clerk', trigger: 'money back', content: 'Ask for the receipt.' }
  for (const [name, type] of [
    ['ask', 'few-shot'],
    ['greet', 'system-prompt'],
  ] as const) {
    const draft = await soma().procedures.create(by, { body: { ...fields, name, type } })
    await soma().procedures.activate(by, { params: { procedureId: draft.id } })
  }
  const { body } = await alice.get(`${M}/procedural/context?agent_id=clerk&q=they%20want%20money%20back&limit=1`)
  expect(body).toEqual([
    {
      ...{ id: expect.stringMatching(/^proc_/), tenantId: acme.tenantId, userId: 'alice', agentId: 'clerk' },
      ...{ triggerCondition: 'money back', content: 'Ask for the receipt.', createdAt: TIME },
      ...{ procedureType: expect.stringMatching(/^(few_shot_example|system_prompt)$/), score: expect.any(Number) },
    },
  ])
  expect((await bob.get(`${M}/procedural/context?agent_id=clerk&q=money`)).body).toEqual([])
})

describe('working', () => {
  const at = (planId: string, key = '') =>
    `${M}/working/${encodeURIComponent(planId)}${key === '' ? '' : `/${encodeURIComponent(key)}`}`

  test("SOO-R13 values of no plan and of unknown plans are the user's, those of a known plan go with it", async () => {
    const none = '00000000-0000-0000-0000-000000000000'
    for (const value of [null, 0, 'text', { a: [1] }])
      expect((await alice.ask(`PUT ${at(none, 'any')}`, { value })).body).toMatchObject({
        value,
        planId: none,
        key: 'any',
      })
    expect((await bob.get(at(none, 'any'))).body).toEqual({ detail: `Working memory not found: ${none}/any` })
    const ofUser = await soma().working.list(inSoma('alice'), {
      params: { scopeType: 'user', scopeId: 'me' },
      query: {},
    })
    expect(ofUser.items).toMatchObject([{ value: { a: [1] } }])
    expect(ofUser.items[0]).not.toHaveProperty('expiresAt')

    const early = await alice.ask(`PUT ${at('trip 1', '_soorma:goal:trip 1')}`, { value: { goal: 'Rome' } })
    expect([early.status, early.body]).toEqual([
      200,
      {
        ...{ id: expect.any(String), tenantId: acme.tenantId, planId: 'trip 1', key: '_soorma:goal:trip 1' },
        ...{ value: { goal: 'Rome' }, updatedAt: TIME },
      },
    ])
    const unknown = await soma().working.list(inSoma('alice'), {
      params: { scopeType: 'user', scopeId: 'me' },
      query: { prefix: 'soorma/trip' },
    })
    expect(Date.parse(unknown.items[0]?.expiresAt ?? '')).toBeGreaterThan(Date.now() + 29 * 86_400_000)
    await alice.ask(`POST ${M}/plans`, { planId: 'trip 1', goalEvent: 'trip.requested' })
    await alice.ask(`PUT ${at('trip 1', 'hotel')}`, { value: 'Ritz' })
    expect((await alice.get(at('trip 1', '_soorma:goal:trip 1'))).body).toMatchObject({ value: { goal: 'Rome' } })
    expect((await bob.get(at('trip 1', 'hotel'))).status).toBe(404)
    await alice.ask(`PUT ${M}/plans/trip%201`, { status: 'completed' })
    await expect.poll(async () => (await alice.get(at('trip 1', 'hotel'))).status, { timeout: 30_000 }).toBe(404)
    expect((await alice.get(at('trip 1', '_soorma:goal:trip 1'))).status).toBe(404)
    const left = await soma().working.list(inSoma('alice'), {
      params: { scopeType: 'user', scopeId: 'me' },
      query: { prefix: 'soorma/trip' },
    })
    expect(left.items).toEqual([])
  }, 60_000)

  test('keys of any text are kept apart, deleted one by one and all at once', async () => {
    const long = 'k'.repeat(300)
    const places = [
      ['a', 'b/c'],
      ['a/b', 'c'],
      ['a', '%'],
      ['a', long],
      ['a', `${long}x`],
      ['~a', '~x'],
      ['__proto__', 'constructor'],
    ] as const
    for (const [index, [planId, key]] of places.entries())
      expect(
        (await alice.ask(`PUT ${at(planId, key)}`, { value: index })).status,
        `${planId} ${key}`.slice(0, 20),
      ).toBe(200)
    for (const [index, [planId, key]] of places.entries())
      expect((await alice.get(at(planId, key))).body).toMatchObject({ planId, key, value: index })
    const gone = await alice.ask(`DELETE ${at('a', '%')}`)
    expect(gone.body).toMatchObject({ success: true, deleted: true })
    expect((await alice.ask(`DELETE ${at('a', '%')}`)).body).toMatchObject({ success: true, deleted: false })
    expect((await alice.ask(`DELETE ${at('a')}`)).body).toMatchObject({ success: true, countDeleted: 3 })
    expect((await alice.get(at('a/b', 'c'))).status).toBe(200)
    expect((await alice.ask(`PUT ${at('p', 'k')}`, {})).body).toMatchObject({
      detail: [{ type: 'missing', loc: ['body', 'value'], msg: 'Field required' }],
    })
  })
})

test("sessions are each user's own, once, and move with what happens in them", async () => {
  const made = await alice.ask(`POST ${M}/sessions`, { session_id: 's 1', name: 'First', metadata: { a: 1 } })
  const session = {
    ...{ tenantId: acme.tenantId, userId: 'alice', sessionId: 's 1', name: 'First', metadata: { a: 1 } },
    ...{ createdAt: TIME, lastInteraction: TIME },
  }
  expect([made.status, made.body]).toEqual([201, session])
  expect((await alice.ask(`POST ${M}/sessions`, { sessionId: 's 1' })).status).toBe(409)
  expect((await alice.ask(`POST ${M}/sessions`, { sessionId: 'x'.repeat(101) })).status).toBe(422)
  await alice.ask(`POST ${M}/sessions`, { sessionId: 's 2' })
  expect((await alice.get(`${M}/sessions`)).body.map((one: { sessionId: string }) => one.sessionId)).toEqual([
    's 2',
    's 1',
  ])
  await alice.ask(`POST ${M}/plans`, { planId: 'in s 1', goalEvent: 'x.requested', sessionId: 's 1' })
  const listed = (await alice.get(`${M}/sessions?limit=1`)).body
  expect(listed).toMatchObject([{ sessionId: 's 1' }])
  expect(listed[0].lastInteraction > made.body.lastInteraction).toBe(true)
  expect((await bob.get(`${M}/sessions/s%201`)).body).toEqual({ detail: 'Session not found: s 1' })
  expect((await alice.ask(`DELETE ${M}/sessions/s%201`)).status).toBe(204)
  expect((await alice.ask(`DELETE ${M}/sessions/s%201`)).status).toBe(404)
})

test('another tenant, with the same users and words, finds nothing of it', async () => {
  const other = await beta.as('agent', { serviceUserId: 'alice' })
  for (const path of [
    'semantic/search?q=capital%20gate%20Lima',
    'episodic/recent?agent_id=cook',
    'episodic/search?agent_id=cook&q=mangoes',
    'procedural/context?agent_id=clerk&q=money',
    'sessions',
  ])
    expect((await other.get(`${M}/${path}`)).body, path).toEqual([])
  expect((await other.get(`${M}/working/00000000-0000-0000-0000-000000000000/any`)).status).toBe(404)
  const inEast = await acme.as('agent', { serviceUserId: 'alice', serviceTenantId: 'east' })
  for (const path of ['semantic/search?q=capital%20gate%20Lima', 'episodic/recent?agent_id=cook', 'sessions'])
    expect((await inEast.get(`${M}/${path}`)).body, path).toEqual([])
})

test('bad input is refused field by field', async () => {
  for (const [request, body] of [
    [`POST ${M}/semantic`, {}],
    [`POST ${M}/semantic`, { content: 'a\0' }],
    [`POST ${M}/semantic`, { content: '' }],
    [`POST ${M}/semantic`, { content: 'x', metadata: [] }],
    [`POST ${M}/semantic`, { content: 'x', metadata: { big: 'x'.repeat(20_000) } }],
    [`POST ${M}/semantic/query`, undefined],
    [`POST ${M}/semantic/query?query=a&limit=51`, undefined],
    [`POST ${M}/semantic/query?query=a&include_public=maybe`, undefined],
    [`GET ${M}/semantic/search?q=a&limit=0`, undefined],
    [`GET ${M}/episodic/recent?limit=5`, undefined],
    [`GET ${M}/episodic/recent?agent_id=a&limit=101`, undefined],
    [`GET ${M}/procedural/context?agent_id=a&q=b&limit=21`, undefined],
    [`PUT ${M}/working/p/k`, { value: 'x'.repeat(262_145) }],
    [`POST ${M}/sessions`, { sessionId: 's', metadata: { big: 'x'.repeat(20_000) } }],
  ] as const)
    expect((await alice.ask(request, body)).status, `${request} ${JSON.stringify(body)?.slice(0, 40)}`).toBe(422)
})

test('erasing takes what a user, a space and a tenant said, for who has the key and acts in the tenant alone', async () => {
  const tenant = await onboard(`${server.url}/soorma`)
  const pt = tenant.tenantId
  const key = { 'X-Memory-Admin-Key': 'dev-memory-admin' }
  const erase = (path: string, headers: object, by: SoormaAgent = tenant) =>
    fetch(`${by.base}${M}/admin/${path}`, { method: 'DELETE', headers: { ...by.headers, ...headers } })
  const fill = async (by: SoormaAgent, content: string) => {
    await by.ask(`POST ${M}/semantic`, { content })
    await by.ask(`POST ${M}/semantic`, { content: `Public: ${content}`, isPublic: true })
    await by.ask(`POST ${M}/episodic`, { agentId: 'cook', role: 'user', content })
    await by.ask(`PUT ${M}/working/p/k`, { value: content })
    await by.ask(`POST ${M}/sessions`, { sessionId: 's' })
    await by.ask(`POST ${M}/plans`, { planId: 'plan', goalEvent: 'x.requested' })
  }
  const rest = async (by: SoormaAgent) => [
    (await by.get(`${M}/episodic/recent?agent_id=cook`)).body.length,
    (await by.ask(`POST ${M}/semantic/query?query=melon&include_public=false`)).body.length,
    (await by.get(`${M}/sessions`)).body.length,
    (await by.get(`${M}/plans`)).body.length,
    (await by.get(`${M}/working/p/k`)).status,
  ]
  const all = [1, 1, 1, 1, 200]
  const nothing = [0, 0, 0, 0, 404]
  const as = (serviceUserId: string, more: object = {}) => tenant.as('agent', { serviceUserId, ...more })
  const [ann, ben, annInEast] = await Promise.all([as('ann'), as('ben'), as('ann', { serviceTenantId: 'east' })])
  for (const by of [ann, ben, annInEast]) await fill(by, `melon ${by.principalId}`)
  const user = `user/${pt}/${pt}/ann`
  const aUser = await tenant.as('user', { serviceUserId: 'ann' })
  for (const [path, headers, by] of [
    [user, {}, tenant],
    [user, { 'X-Memory-Admin-Key': 'wrong' }, tenant],
    [user, key, beta],
    [user, key, aUser],
    [`platform/${pt}`, key, beta],
  ] as const) {
    const refused = await erase(path, headers, by)
    expect([refused.status, await refused.json()], path).toEqual([403, { detail: 'Admin authorization required' }])
  }
  expect((await fetch(`${tenant.base}${M}/admin/${user}`, { method: 'DELETE', headers: key })).status).toBe(401)
  expect((await erase(user, key)).status).toBe(204)
  expect([await rest(ann), await rest(ben), await rest(annInEast)]).toEqual([nothing, all, all])
  const published = (await ben.get(`${M}/semantic/search?q=public%20melon`)).body
  expect(
    published
      .filter((one: { isPublic: boolean }) => one.isPublic)
      .map((one: { userId: string }) => one.userId)
      .toSorted(),
  ).toEqual(['ann', 'ben'])
  expect((await erase(`tenant/${pt}/east`, key)).status).toBe(204)
  expect([await rest(ben), await rest(annInEast)]).toEqual([all, nothing])
  expect((await erase(`platform/${pt}`, key)).status).toBe(204)
  expect(await rest(ben)).toEqual(nothing)
  expect((await ben.get(`${M}/semantic/search?q=melon`)).body).toEqual([])
}, 60_000)
