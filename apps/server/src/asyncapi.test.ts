import specification from '@asyncapi/specs/schemas/3.1.0.json' with { type: 'json' }
import { TOPICS } from '@soma/kernel'
import { documentedEvents, toAsyncApi } from '@soma/registry/contract'
import { Ajv, type ValidateFunction } from 'ajv'
import { beforeAll, describe, expect, it } from 'vitest'
import { contractsOf } from './platform.ts'
import { somaPlatform } from './soma-platform.ts'

const EVENTS = contractsOf(somaPlatform).flatMap(({ events }) => events)
const url = 'https://soma.example.org/base'
let validate: ValidateFunction

beforeAll(() => {
  const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false, validateFormats: false })
  validate = ajv.compile(specification)
}, 60_000)

interface Document {
  readonly channels: Readonly<Record<string, { readonly messages: object; readonly bindings?: unknown }>>
  readonly operations: Readonly<
    Record<string, { readonly bindings?: unknown; readonly reply?: { messages: unknown[] } }>
  >
  readonly servers: { readonly http: unknown }
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: { readonly schema: { properties: object } } }>>
  }
}

const aTree = {
  type: 'object',
  properties: { children: { type: 'array', items: { $ref: '#' } }, leaf: { $ref: '#/$defs/leaf' } },
  $defs: { leaf: { type: 'string' } },
}
const TENANT = [
  ...documentedEvents(EVENTS),
  {
    ...{ topic: 'action-requests', type: 'tree.requested', version: '1.0.0', kind: 'request' as const, tags: ['wood'] },
    ...{ description: 'Asks.', jsonSchema: aTree, responseType: 'tree.grown', examples: [{ leaf: 'a' }] },
  },
  {
    topic: 'action-results',
    type: 'tree.grown',
    version: '1.0.0',
    kind: 'reply' as const,
    description: 'Answers.',
    jsonSchema: aTree,
  },
]

describe.each(['postgres', 'nats', 'kafka'] as const)('the AsyncAPI document of an installation on %s', (bus) => {
  const document = toAsyncApi({ events: TENANT }, { version: '1.2.3', url, bus }) as unknown as Document

  it('is valid by the schema of AsyncAPI 3.1, and each of its references leads somewhere', () => {
    validate(document)
    expect(validate.errors).toBeNull()
    expect(referencesOf(document).filter((reference) => !leads(document, reference))).toEqual([])
  })

  it('has every topic as a channel and every event as a message with its schema, its security and the bindings of the bus', () => {
    expect(Object.keys(document.channels)).toEqual([...TOPICS])
    const messages = Object.values(document.channels).flatMap(({ messages: own }) => Object.keys(own))
    expect(messages.toSorted()).toEqual(
      TENANT.map(({ topic, type, version }) => `${topic}.${type}.${version}`).toSorted(),
    )
    const { version } = EVENTS.find(({ type }) => type === 'plan.created') ?? {}
    const created = document.components.messages[`plan-events.plan.created.${version}`]
    expect(created?.payload.schema.properties).toHaveProperty('planId')
    expect(document.servers.http).toMatchObject({ host: 'soma.example.org', pathname: '/base', security: [{}, {}] })
    const kafka = { kafka: { topic: 'soma.audit', bindingVersion: '0.5.0' } }
    expect(document.channels.audit?.bindings).toEqual(bus === 'kafka' ? kafka : undefined)
    expect(document.operations['send.audit']?.bindings).toEqual(
      bus === 'nats' ? { nats: { bindingVersion: '0.1.0' } } : undefined,
    )
    expect(document.operations['receive.action-requests.tree.requested.1.0.0']?.reply?.messages).toHaveLength(1)
  })
})

it('gives equal bytes for equal events in any order', () => {
  const options = { version: '1', url, bus: 'postgres' } as const
  expect(JSON.stringify(toAsyncApi({ events: TENANT.toReversed() }, options))).toBe(
    JSON.stringify(toAsyncApi({ events: TENANT }, options)),
  )
})

function referencesOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value] : referencesOf(value),
  )
}

function leads(document: Document, reference: string): boolean {
  let node: unknown = document
  for (const step of reference.replace(/^#\/?/, '').split('/'))
    node = (node as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  return reference.startsWith('#/') && node !== undefined
}
