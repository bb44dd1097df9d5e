import { eventsContract } from '@soma/events/contract'
import { governanceContract } from '@soma/governance/contract'
import { identityContract } from '@soma/identity/contract'
import { isProblem, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'

/** What modules below and beside the registry say in their contracts. */
const platformEvents = [eventsContract, identityContract, governanceContract].flatMap(({ events }) => events)

let host: RegistryHost
const context = anAgentContext('audited')
const place = { topic: 'business-facts', type: 'order.placed' }

beforeAll(async () => {
  host = await createRegistryHost({ platformEvents })
}, 60_000)
afterAll(() => host?.close(), 60_000)

const schema = (properties: object) => ({ jsonSchema: { type: 'object', properties } })
const define = (version: string, changes: object = {}) =>
  host.client.events.create(context, {
    body: {
      ...place,
      version,
      description: 'An order was placed.',
      schema: schema({ a: { type: 'string' } }),
      ...changes,
    },
  })
const recorded = () =>
  host.emitted.filter(({ type }) => type === 'change.recorded').map(({ data }) => data as Record<string, unknown>)

it('REG-R22 keeps the nouns of the platform, which its visibility lists, from tenants, alone and in a registration', async () => {
  const query = { visibility: 'platform' as const, limit: 200 }
  const { items } = await host.client.events.list(context, { query })
  expect(items.map(({ type }) => type).toSorted()).toEqual(platformEvents.map(({ type }) => type).toSorted())
  for (const noun of new Set(items.map(({ type }) => type.slice(0, type.indexOf('.'))))) {
    const event = { ...place, type: `${noun}.wanted`, description: 'It is wanted.', schema: schema({}) }
    const calls = [
      host.client.events.create(context, { body: event }),
      host.client.instances.register(context, {
        params: { name: 'wanting', instanceId: newUuid() },
        body: { kind: 'worker', description: 'Wants.', agentVersion: '1.0.0', events: [event] },
      }),
    ]
    for (const call of calls) {
      const error = await call.catch((reason: unknown) => reason)
      expect(isProblem(error) && error.code, noun).toBe('type-reserved')
    }
  }
  expect(recorded()).toEqual([])
})

it('REG-R22 writes for the audit who wrote which definition and schema, and what differs from the version below', async () => {
  await define('1.0.0')
  await define('1.0.0')
  const changed = schema({ a: { type: 'string' }, b: { type: 'integer' } })
  await define('1.1.0', { schema: changed, description: 'An order was placed at last.' })
  const actor = { type: 'agent', id: 'agt_one' }
  const id = 'business-facts/order.placed@1.1.0'
  expect(recorded().map(({ action, resource }) => [action, (resource as { id: string }).id])).toEqual([
    ['schema.create', 'order.placed@1.0.0'],
    ['event-definition.create', 'business-facts/order.placed@1.0.0'],
    ['schema.create', 'order.placed@1.1.0'],
    ['event-definition.create', id],
  ])
  const [, , ofSchema, ofDefinition] = recorded()
  expect(ofSchema).toMatchObject({
    actor,
    outcome: 'success',
    diff: [
      { member: '/version', before: '1.0.0', after: '1.1.0' },
      { member: '/description', before: 'An order was placed.', after: 'An order was placed at last.' },
      { member: '/digest' },
      { member: '/jsonSchema/properties/b', after: { type: 'integer' } },
    ],
  })
  expect(ofDefinition).toMatchObject({
    actor,
    diff: [
      { member: '/version' },
      { member: '/description', before: 'An order was placed.', after: 'An order was placed at last.' },
      { member: '/schema/version', before: '1.0.0', after: '1.1.0' },
    ],
  })
  await host.client.events.deprecate(context, { params: { ...place, version: '1.0.0' }, body: { note: 'Old.' } })
  expect(recorded().at(-1)).toMatchObject({
    ...{ action: 'event-definition.deprecate', actor, reason: 'Old.' },
    resource: { type: 'event-definition', id: 'business-facts/order.placed@1.0.0' },
    diff: [{ member: '/status', before: 'active', after: 'deprecated' }],
  })
})

it('tells a change of very many members by the first of them', async () => {
  const many = (type: string) => Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`p${index}`, { type }]))
  await define('2.0.0', { type: 'order.filled', schema: schema(many('string')) })
  await define('3.0.0', { type: 'order.filled', schema: schema(many('integer')) })
  const { diff } = recorded().find(({ resource }) => (resource as { id: string }).id === 'order.filled@3.0.0') ?? {}
  expect((diff as object[]).length).toBe(101)
  expect((diff as object[]).at(-1)).toEqual({ member: '…', after: '22 further members' })
})
