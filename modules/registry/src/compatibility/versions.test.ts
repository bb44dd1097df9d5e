import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost, problemOf } from '../../testing/index.ts'

let host: RegistryHost
let tenants = 0
const aContext = () => anAgentContext(`versions-${++tenants}`)
type Caller = ReturnType<typeof aContext>

beforeAll(async () => {
  host = await createRegistryHost({ settings: { heartbeatMs: 100 } })
}, 60_000)
afterAll(() => host?.close(), 60_000)

const order = (properties: object = {}, more: object = {}) => ({
  jsonSchema: { type: 'object', properties: { amount: { type: 'integer', maximum: 100 }, ...properties }, ...more },
})
const place = { topic: 'business-facts', type: 'order.placed' }

const define = (context: Caller, version: string, changes: object = {}) =>
  host.client.events.create(context, {
    body: { ...place, version, description: 'An order was placed.', schema: order(), ...changes },
  })
const consume = (context: Caller, name: string, range?: string, agentVersion = '1.0.0') =>
  host.client.instances.register(context, {
    params: { name, instanceId: newUuid() },
    body: {
      ...{ kind: 'worker', description: 'Takes orders.', agentVersion },
      consumes: [{ ...place, ...(range === undefined ? {} : { range }) }],
    },
  })

const typesOf = (context: Caller) =>
  host.emitted.filter((event) => event.tenantid === context.tenantId).map((event) => event.type)

describe('versions of events and schemas', () => {
  it('REG-R15 REG-R16 refuses a version that is too low for its change, with every change, its pointer, what it needs and a counterexample', async () => {
    const context = aContext()
    await define(context, '1.2.0')
    const retyped = { schema: { jsonSchema: { type: 'object', properties: { amount: { type: 'string' } } } } }
    const problem = await problemOf(define(context, '1.3.0', retyped))
    expect(problem.code).toBe('schema-incompatible')
    expect(problem.extensions.errors).toMatchObject([
      {
        pointer: '/body/schema/jsonSchema/properties/amount/type',
        code: 'retyped',
        detail: expect.stringContaining('2.0.0'),
      },
    ])
    expect(problem.extensions.reports).toMatchObject([
      {
        ...{ what: 'event order.placed on business-facts', from: '1.2.0', to: '1.3.0', needs: '2.0.0', level: 'major' },
        changes: [{ pointer: '/schema/properties/amount/type', level: 'major', counterexample: { amount: 1 } }],
      },
    ])
    await define(context, '2.0.0', retyped)
    const added = order({ note: { type: 'string' } })
    expect((await problemOf(define(context, '1.2.1', { schema: added }))).code).toBe('schema-incompatible')
    await define(context, '1.3.0', { schema: added })
    const texts = { schema: { jsonSchema: { ...added.jsonSchema, description: 'An order.' } } }
    await define(context, '1.3.1', texts)
    const defined = host.emitted.filter(
      ({ type, tenantid }) => type === 'event.defined' && tenantid === context.tenantId,
    )
    expect(defined.map(({ data }) => (data as { level: string }).level)).toEqual(['none', 'major', 'minor', 'patch'])
  })

  it('REG-R15 applies the table to replies and to what cannot be decided, and takes relaxed requests as additive', async () => {
    const context = aContext()
    const asked = (version: string, changes: object) =>
      define(context, version, {
        ...{ topic: 'action-requests', type: 'order.requested', kind: 'request', responseType: 'order.answered' },
        ...{ responseSchema: order(), schema: order() },
        ...changes,
      })
    const relaxed = { jsonSchema: { type: 'object', properties: { amount: { type: 'integer', maximum: 200 } } } }
    const undecidable = { jsonSchema: { ...order().jsonSchema, not: { required: ['void'] } } }
    await asked('1.0.0', {})
    await asked('1.1.0', { schema: relaxed })
    const reply = await problemOf(asked('1.2.0', { schema: relaxed, responseSchema: relaxed }))
    expect(reply.extensions.errors).toMatchObject([
      { pointer: '/body/responseSchema/jsonSchema/properties/amount/maximum' },
    ])
    expect((await problemOf(asked('1.2.0', { schema: undecidable }))).code).toBe('schema-incompatible')
    expect((await problemOf(asked('1.2.0', { schema: relaxed, responseType: 'order.ended' }))).code).toBe(
      'schema-incompatible',
    )
    const kept = await host.client.events.list(context, { query: { visibility: 'tenant' } })
    expect(kept.items.map((item) => item.version)).toEqual(['1.0.0', '1.1.0'])
  })

  it('REG-R16 holds a version that comes late against the one above it, too', async () => {
    const context = aContext()
    await define(context, '1.0.0')
    await define(context, '1.5.0')
    const late = await problemOf(define(context, '1.1.0', { schema: order({ note: { type: 'string' } }) }))
    expect(late.extensions.reports).toMatchObject([{ from: '1.1.0', to: '1.5.0', level: 'major' }])
  })

  it('lets one of two versions that break each other in, whichever comes first', async () => {
    const context = aContext()
    await define(context, '1.0.0')
    const both = await Promise.allSettled([
      define(context, '1.1.0', { schema: order({ a: { type: 'string' } }) }),
      define(context, '1.2.0', { schema: order({ b: { type: 'string' } }) }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  it('compares schemas by name as strictly as any of their uses asks', async () => {
    const context = aContext()
    const create = (version: string, jsonSchema: Record<string, unknown>) =>
      host.client.schemas.create(context, { body: { name: 'colour', version, jsonSchema } })
    await create('1.0.0', { enum: ['red'] })
    const problem = await problemOf(create('1.1.0', { enum: ['red', 'blue'] }))
    expect(problem.extensions.errors).toMatchObject([{ pointer: '/body/jsonSchema/enum', code: 'enum-value-added' }])
    const check = (body: object) => host.client.schemas.check(context, { body: body as never })
    expect(await check({ name: 'colour', new: { enum: ['red', 'blue'] }, kind: 'request' })).toMatchObject({
      level: 'minor',
    })
    expect(await check({ old: { enum: ['red', 'blue'] }, new: { enum: ['red'] } })).toMatchObject({
      level: 'major',
      changes: [{ change: 'enum-value-removed', counterexample: 'blue' }],
    })
    expect((await problemOf(check({ old: true, new: { type: 'objct' } }))).code).toBe('schema-invalid')
    expect((await problemOf(check({ new: true }))).code).toBe('invalid-request')
  })
})

describe('the end of a version', () => {
  it('announces it, shows what replaces it, and refuses to end what live agents consume unless forced', async () => {
    const context = aContext()
    await define(context, '1.0.0')
    await define(context, '2.0.0')
    await consume(context, 'packer', '^1')
    await consume(context, 'biller', '^2')
    const params = { ...place, version: '1.0.0' }
    const sunsetAt = '2030-01-01T00:00:00.000Z'
    const deprecated = await host.client.events.deprecate(context, {
      params,
      body: { replacedBy: '2.0.0', sunsetAt, note: 'The new one has a currency.' },
    })
    expect(deprecated).toMatchObject({ status: 'deprecated', replacedBy: '2.0.0', sunsetAt })
    const retire = (force: boolean) =>
      host.client.events.retire(context, { params, body: { force, note: 'Nobody needs it.' } })
    const problem = await problemOf(retire(false))
    expect([problem.code, problem.extensions.consumers]).toEqual(['conflict', ['packer 1.0.0']])
    expect((await retire(true)).status).toBe('retired')
    expect((await retire(true)).status).toBe('retired')
    expect(typesOf(context).filter((type) => /^event\.(deprecated|retired)$/.test(type))).toEqual([
      'event.deprecated',
      'event.retired',
    ])
    expect((await host.client.events.get(context, { params: place })).version).toBe('2.0.0')
  })

  it('is the business of its owner, and never of a tenant where the platform owns it', async () => {
    const context = aContext()
    await define(context, '1.0.0')
    const body = { note: 'mine now' }
    const other = anAgentContext(context.tenantId, 'agt_two')
    const foreign = host.client.events.deprecate(other, { params: { ...place, version: '1.0.0' }, body })
    expect((await problemOf(foreign)).code).toBe('name-owned')
    const platform = { topic: 'system-events', type: 'agent.expired', version: '1.0.0' }
    expect((await problemOf(host.client.events.deprecate(context, { params: platform, body }))).code).toBe('name-owned')
    const unknown = host.client.events.retire(context, { params: { ...place, version: '9.0.0' }, body })
    expect((await problemOf(unknown)).code).toBe('not-found')
  })
})

it('REG-R19 lists every live and recently seen consumer that a proposed schema would break, and stores nothing', async () => {
  const context = aContext()
  await define(context, '1.0.0')
  await consume(context, 'gone', '^1')
  await host.expireLeases()
  host.clock.advance(1000)
  await host.sweep()
  await consume(context, 'packer')
  await consume(context, 'packer', '^1', '1.1.0')
  await consume(context, 'future', '^2')
  const impact = (schema: Record<string, unknown>) =>
    host.client.events.impact(context, { params: place, body: { schema } })
  const breaking = await impact({ type: 'object', properties: { amount: { type: 'string' } } })
  expect(breaking.needs).toBe('2.0.0')
  expect(breaking.breaks.map(({ agent, version }) => `${agent} ${version}`)).toEqual([
    'gone 1.0.0',
    'packer 1.0.0',
    'packer 1.1.0',
  ])
  expect(breaking.breaks[0]?.why).toContain('/properties/amount/type')
  expect(await impact(order({ note: { type: 'string' } }).jsonSchema)).toMatchObject({ needs: '1.1.0', breaks: [] })
  const kept = await host.client.events.list(context, { query: { visibility: 'tenant', actionable: 'true' } })
  expect(kept.items.map((item) => item.version)).toEqual(['1.0.0'])
})
