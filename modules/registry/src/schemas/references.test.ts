import { newUuid, schemaUri } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost, problemOf } from '../../testing/index.ts'

type Schema = Record<string, unknown>

let host: RegistryHost
let tenants = 0
const aContext = () => anAgentContext(`references-${++tenants}`)
type Caller = ReturnType<typeof aContext>

beforeAll(async () => {
  host = await createRegistryHost()
}, 60_000)
afterAll(() => host?.close(), 60_000)

const object = (properties: Schema, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const money = object(
  { amount: { type: 'integer' }, currency: { $ref: '#/$defs/code' } },
  {
    $id: 'https://example.org/money/1.0.0',
    $defs: { code: { $anchor: 'code', type: 'string', maxLength: 3 } },
  },
)

const create = (context: Caller, name: string, jsonSchema: Schema, version = '1.0.0') =>
  host.client.schemas.create(context, { body: { name, version, jsonSchema } })
const register = (context: Caller, body: { schemas?: object[]; events?: object[] }) =>
  host.client.instances.register(context, {
    params: { name: 'seller', instanceId: newUuid() },
    body: { kind: 'worker', description: 'Sells.', agentVersion: '1.0.0', ...body } as never,
  })

const errorsOf = async (call: Promise<unknown>) => {
  const problem = await problemOf(call)
  expect(problem.code).toBe('schema-invalid')
  return (problem.extensions.errors ?? []).map(({ pointer, code }) => `${code} ${pointer}`)
}

const namesOf = async (context: Caller) => {
  const { items } = await host.client.schemas.list(context, { query: { ownerId: context.principal.id } })
  return items.map(({ name }) => name)
}

describe('a schema of the registry', () => {
  it('REG-R12 is compiled strictly: keywords, references, patterns, depth and size that do not hold are refused with their places, notes are taken', async () => {
    const context = aContext()
    const nested = (levels: number): Schema =>
      levels === 1 ? { type: 'string' } : { type: 'array', items: nested(levels - 1) }
    const wrong = object({
      a: { type: 'objct' },
      b: { tpye: 'string' },
    })
    expect(await errorsOf(create(context, 'wrong', wrong))).toEqual(['keyword /body/jsonSchema/properties/b/tpye'])
    expect(await errorsOf(create(context, 'wrong', object({ a: { type: 'objct' } })))).toEqual([
      'schema /body/jsonSchema/properties/a/type',
    ])
    const several = object({
      a: { $ref: 'https://elsewhere.example.org/schema' },
      b: { $ref: '#/$defs/absent' },
      c: { type: 'string', pattern: '(a+)+$' },
      d: { type: 'string', pattern: '(?=a)b' },
      e: { type: 'string', format: 'telepathy' },
      f: nested(32),
      g: { $ref: 'absent@1.0.0' },
    })
    const deep = `depth /body/jsonSchema/properties/f${'/items'.repeat(31)}`
    expect((await errorsOf(create(context, 'wrong', several))).toSorted()).toEqual([
      deep,
      'format /body/jsonSchema/properties/e/format',
      'pattern /body/jsonSchema/properties/c/pattern',
      'pattern /body/jsonSchema/properties/d/pattern',
      'ref /body/jsonSchema/properties/a/$ref',
      'ref /body/jsonSchema/properties/b/$ref',
      'ref /body/jsonSchema/properties/g/$ref',
    ])
    const large = { description: 'a'.repeat(131_072) }
    expect(await errorsOf(create(context, 'wrong', large))).toEqual(['too-large /body/jsonSchema'])
    await create(context, 'right', { ...nested(32), 'x-owner': { $ref: 'anything', tpye: 1 } })
    expect(await namesOf(context)).toEqual(['right'])
  })

  it('REG-R12 refers to registered ones by name and version or URI, whole or in part, and holds them inside where it is read', async () => {
    const context = aContext()
    await create(context, 'money', money)
    const order = object({
      price: { $ref: 'money@1.0.0' },
      tax: { $ref: schemaUri('money', '1.0.0'), description: 'Of the price.' },
      currency: { $ref: 'money@1.0.0#/$defs/code' },
      other: { $ref: 'money@1.0.0#code' },
    })
    const made = await create(context, 'order', order)
    expect(made.jsonSchema).toEqual(order)
    expect(made.bundled).toMatchObject({
      properties: {
        price: { $ref: '#/$defs/money@1.0.0' },
        tax: { $ref: '#/$defs/money@1.0.0', description: 'Of the price.' },
        currency: { $ref: '#/$defs/money@1.0.0/$defs/code' },
        other: { $ref: '#/$defs/money@1.0.0/$defs/code' },
      },
      $defs: { 'money@1.0.0': { properties: { currency: { $ref: '#/$defs/money@1.0.0/$defs/code' } } } },
    })
    expect((await create(context, 'order', order)).schemaId).toBe(made.schemaId)
    expect(await host.client.schemas.getVersion(context, { params: { name: 'order', version: '1.0.0' } })).toEqual(made)
    const lead = (jsonSchema: Schema) => errorsOf(create(context, 'nowhere', jsonSchema))
    expect(await lead({ $ref: 'money@1.0.0#/$defs/absent' })).toEqual(['ref /body/jsonSchema/$ref'])
    expect(await lead({ items: { $ref: 'money@2.0.0' } })).toEqual(['ref /body/jsonSchema/items/$ref'])
    const stranger = aContext()
    expect(await errorsOf(create(stranger, 'order', order))).toHaveLength(4)
    await create(stranger, 'note', { $ref: 'agent.expired@1.0.0' })
  })

  it('REG-R12 comes with those that it refers to in one registration, in any order and in a circle', async () => {
    const schemas = [
      {
        name: 'tree',
        version: '1.0.0',
        jsonSchema: object({ forest: { $ref: 'forest@1.0.0' }, up: { $ref: 'tree@1.0.0' } }),
      },
      { name: 'forest', version: '1.0.0', jsonSchema: { type: 'array', items: { $ref: 'tree@1.0.0' } } },
    ]
    const place = { topic: 'business-facts', type: 'forest.planted' }
    const event = {
      ...{ ...place, version: '1.0.0', description: 'A forest was planted.' },
      schema: { jsonSchema: object({ trees: { $ref: 'forest@1.0.0' } }, { required: ['trees'] }) },
      examples: [{ trees: [{ forest: [{ up: {} }] }] }],
    }
    const bundles: unknown[] = []
    for (const ordered of [schemas, schemas.toReversed()]) {
      const context = aContext()
      await register(context, { schemas: ordered, events: [event] })
      const { bundled, jsonSchema } = await host.client.events.get(context, { params: place })
      expect(jsonSchema).toEqual(event.schema.jsonSchema)
      bundles.push(bundled)
    }
    expect(bundles[0]).toEqual(bundles[1])
    expect(Object.keys((bundles[0] as { $defs: Schema }).$defs).toSorted()).toEqual(['forest@1.0.0', 'tree@1.0.0'])

    const context = aContext()
    const wrong = { ...event, examples: [{ trees: [{ forest: 1 }] }] }
    expect(await errorsOf(register(context, { schemas, events: [wrong] }))).toEqual([
      'type /body/events/0/examples/0/trees/0/forest',
    ])
    const lonely = [...schemas.slice(1), { name: 'park', version: '1.0.0', jsonSchema: { $ref: 'pond@1.0.0' } }]
    expect(await errorsOf(register(context, { schemas: lonely, events: [event] }))).toEqual([
      'ref /body/schemas/0/jsonSchema/items/$ref',
      'ref /body/schemas/1/jsonSchema/$ref',
    ])
    expect(await namesOf(context)).toEqual([])
  })

  it('REG-R12 is refused where moving it would change what it means, or where it is too large or deep with what it refers to', async () => {
    const context = aContext()
    await create(context, 'node', { $dynamicAnchor: 'node', items: { $dynamicRef: '#node' } })
    await create(context, 'resource', { items: { $id: 'https://example.org/inner', type: 'string' } })
    for (const name of ['node', 'resource'])
      expect(await errorsOf(create(context, 'moved', { $ref: `${name}@1.0.0` }))).toEqual(['ref /body/jsonSchema/$ref'])
    await create(context, 'long', { description: 'a'.repeat(131_000) })
    await create(context, 'long', { description: 'b'.repeat(131_000) }, '1.0.1')
    const both = { anyOf: [{ $ref: 'long@1.0.0' }, { $ref: 'long@1.0.1' }] }
    expect(await errorsOf(create(context, 'both', both))).toEqual(['too-large /body/jsonSchema'])
    expect(await errorsOf(create(context, 'longer', { $ref: 'long@1.0.0', title: 'b'.repeat(100) }))).toEqual([
      'too-large /body/jsonSchema',
    ])
    const many = { anyOf: Array.from({ length: 501 }, (_, index) => ({ $ref: `absent@1.0.${index}` })) }
    expect((await problemOf(create(context, 'many', many))).code).toBe('payload-too-large')
    let deep: Schema = { type: 'string' }
    for (let level = 1; level < 32; level++) deep = { items: deep }
    await create(context, 'deep', deep)
    expect(await errorsOf(create(context, 'deeper', { $ref: 'deep@1.0.0' }))).toEqual(['depth /body/jsonSchema'])
  })

  it('REG-R12 REG-R15 is compared with what it refers to', async () => {
    const context = aContext()
    await create(context, 'money', money)
    await create(
      context,
      'money',
      object({ ...(money.properties as Schema), note: { type: 'string' } }, { $defs: money.$defs }),
      '1.1.0',
    )
    await create(context, 'money', { type: 'string' }, '2.0.0')
    const order = (version: string): Schema => object({ price: { $ref: `money@${version}` } })
    await create(context, 'order', order('1.0.0'))
    const { reports } = (await problemOf(create(context, 'order', order('2.0.0'), '1.1.0'))).extensions
    expect(reports).toMatchObject([
      {
        needs: '2.0.0',
        changes: [{ pointer: '/properties/price/type', change: 'retyped', counterexample: { price: {} } }],
      },
    ])
    await create(context, 'order', order('1.1.0'), '1.1.0')
    const check = (version: string) =>
      host.client.schemas.check(context, { body: { name: 'order', new: order(version) } })
    expect((await check('1.1.0')).level).toBe('none')
    expect((await check('2.0.0')).level).toBe('major')
    const asked = (version: string, schema: Schema) =>
      host.client.events.create(context, {
        body: {
          ...{ topic: 'action-requests', type: 'price.requested', kind: 'request', description: 'Asks for a price.' },
          ...{
            version,
            schema: { jsonSchema: {} },
            responseType: 'price.told',
            responseSchema: { jsonSchema: schema },
          },
        },
      })
    expect((await asked('1.0.0', order('1.0.0'))).responseSchema).toEqual({ jsonSchema: order('1.0.0') })
    const reply = await problemOf(asked('1.1.0', order('2.0.0')))
    expect(reply.extensions.errors).toMatchObject([
      { pointer: '/body/responseSchema/jsonSchema/properties/price/type', code: 'retyped' },
    ])
    expect(await errorsOf(asked('1.1.0', { $ref: 'absent@1.0.0' }))).toEqual([
      'ref /body/responseSchema/jsonSchema/$ref',
    ])
  })
})
