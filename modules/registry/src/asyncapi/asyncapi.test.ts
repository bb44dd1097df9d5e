import { Parser } from '@asyncapi/parser'
import { type Context, newUuid, TOPICS } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventDefinitionInput } from '../../contract/index.ts'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../../testing/index.ts'

let host: RegistryHost
let tenants = 0
const aTenant = (): Context => anAgentContext(`ten-${++tenants}`)

beforeAll(async () => {
  host = await createRegistryHost()
}, 60_000)
afterAll(() => host?.close(), 60_000)

const REQUESTED = { topic: 'action-requests', type: 'research.requested' }
const COMPLETED = { topic: 'action-results', type: 'research.completed' }
const KEPT = { topic: 'business-facts', type: 'note.kept' }

const define = (context: Context, event: Partial<EventDefinitionInput> & { topic: string; type: string }) =>
  host.client.events.create(context, {
    body: { description: `Of ${event.type}.`, schema: { jsonSchema: { type: 'object', title: 'T' } }, ...event },
  })
const register = async (
  context: Context,
  name: string,
  does: { consumes?: object[]; produces?: object[] },
): Promise<() => Promise<unknown>> => {
  const params = { name, instanceId: newUuid() }
  const body = { kind: 'worker', description: `Is ${name}.`, agentVersion: '1.0.0', ...does }
  await host.client.instances.register(context, { params, body: body as never })
  return () => host.client.instances.deregister(context, { params })
}
const research = async (context: Context) => {
  await define(context, { ...REQUESTED, kind: 'request', responseType: COMPLETED.type, responseTopic: COMPLETED.topic })
  await define(context, { ...COMPLETED, kind: 'reply' })
  await define(context, KEPT)
  await register(context, 'researcher', { consumes: [REQUESTED], produces: [COMPLETED, { ...KEPT, range: '^1' }] })
  await register(context, 'desk-planner', { consumes: [COMPLETED], produces: [REQUESTED] })
}

interface Document {
  readonly channels: Readonly<Record<string, { readonly messages: object }>>
  readonly operations: Readonly<Record<string, object>>
  readonly components: { readonly messages: Readonly<Record<string, object>> }
}
const documentOf = async (context: Context, query: { agent?: string; topic?: string } = {}) =>
  (await host.client.asyncapi.get(context, { query })) as unknown as Document

async function parse(document: Document) {
  const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document))
  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
  if (parsed === undefined) throw new Error('the document was not read')
  return parsed
}

describe('the AsyncAPI document of a registry', () => {
  it('REG-R32 is valid for the official parser: topics, definitions, what each agent sends and receives, replies, CloudEvents headers', async () => {
    const context = aTenant()
    await research(context)
    const parsed = await parse(await documentOf(context))
    expect(
      parsed
        .channels()
        .all()
        .map((channel) => channel.address()),
    ).toEqual([...TOPICS])
    const operations = parsed.operations().all()
    expect(operations.map((operation) => [operation.id(), operation.action()])).toEqual([
      ['desk-planner.receive.action-results', 'receive'],
      ['desk-planner.send.action-requests.research.requested.1.0.0', 'send'],
      ['researcher.receive.action-requests.research.requested.1.0.0', 'receive'],
      ['researcher.send.action-results', 'send'],
      ['researcher.send.business-facts', 'send'],
    ])
    const [asked] = operations.filter((operation) => operation.id()?.startsWith('researcher.receive'))
    expect(asked?.reply()?.channel()?.address()).toBe(COMPLETED.topic)
    expect(
      asked
        ?.reply()
        ?.messages()
        .all()
        .map((message) => message.name()),
    ).toEqual([COMPLETED.type])
    const [message] = asked?.messages().all() ?? []
    expect(message?.payload()?.json()).toMatchObject({ schema: { type: 'object', title: 'T' } })
    expect(message?.headers()?.json()).toMatchObject({ properties: { specversion: { const: '1.0' } } })
  }, 30_000)

  it('REG-R32 shows what its caller may see, and on demand what one agent or topic touches', async () => {
    const context = aTenant()
    await research(context)
    const foreign = JSON.stringify(await documentOf(aTenant()))
    for (const word of ['research', 'note.kept', 'desk-planner']) expect(foreign).not.toContain(word)
    expect(foreign).toContain('agent.expired')
    const planner = await documentOf(context, { agent: 'desk-planner' })
    await parse(planner)
    expect(Object.keys(planner.components.messages)).toEqual([
      'action-requests.research.requested.1.0.0',
      'action-results.research.completed.1.0.0',
    ])
    const facts = await documentOf(context, { topic: 'business-facts' })
    await parse(facts)
    expect([Object.keys(facts.channels), Object.keys(facts.operations)]).toEqual([
      ['business-facts'],
      ['researcher.send.business-facts'],
    ])
    await expect(documentOf(context, { agent: 'nobody' })).rejects.toMatchObject({ code: 'not-found' })
    await expect(documentOf(context, { topic: 'busines-facts' })).rejects.toMatchObject({ code: 'unknown-topic' })
  }, 30_000)

  it('REG-R32 has equal bytes for equal registries, in whatever order they came to be', async () => {
    const [one, two] = [aTenant(), aTenant()]
    await research(one)
    await register(two, 'desk-planner', { produces: [REQUESTED], consumes: [COMPLETED] })
    await define(two, KEPT)
    await register(two, 'researcher', { produces: [{ ...KEPT, range: '^1' }, COMPLETED], consumes: [REQUESTED] })
    await define(two, { ...COMPLETED, kind: 'reply' })
    await define(two, { ...REQUESTED, kind: 'request', responseType: COMPLETED.type, responseTopic: COMPLETED.topic })
    expect(JSON.stringify(await documentOf(two))).toBe(JSON.stringify(await documentOf(one)))
  })

  it('REG-R32 differs from an earlier one exactly where the registry does', async () => {
    const context = aTenant()
    await research(context)
    let before = await documentOf(context)
    const step = async (change: () => Promise<unknown>) => {
      const result = await change()
      const after = await documentOf(context)
      const messages = differences(before.components.messages, after.components.messages)
      const operations = differences(before.operations, after.operations)
      before = after
      return { messages, operations, result }
    }
    const version = (number: string) => `business-facts.note.kept.${number}`
    const [first, second, third] = [version('1.0.0'), version('1.1.0'), version('2.0.0')]
    expect(await step(() => define(context, { ...KEPT, version: '1.1.0' }))).toMatchObject({
      messages: [second],
      operations: ['researcher.send.business-facts'],
    })
    expect(await step(() => define(context, { ...KEPT, version: '2.0.0' }))).toMatchObject({
      messages: [third],
      operations: [],
    })
    const keeper = await step(() => register(context, 'keeper', { consumes: [{ ...KEPT, range: '>=2' }] }))
    expect(keeper).toMatchObject({ messages: [], operations: ['keeper.receive.business-facts'] })
    const params = { ...KEPT, version: '1.0.0' }
    const body = { replacedBy: '2.0.0', sunsetAt: '2030-01-01T00:00:00.000Z', note: 'over' }
    expect(await step(() => host.client.events.deprecate(context, { params, body }))).toMatchObject({
      messages: [first],
      operations: [],
    })
    const retired = () => host.client.events.retire(context, { params, body: { force: true, note: 'gone' } })
    expect(await step(retired)).toMatchObject({ messages: [first], operations: ['researcher.send.business-facts'] })
    expect(await step(keeper.result as () => Promise<unknown>)).toMatchObject({
      messages: [],
      operations: ['keeper.receive.business-facts'],
    })
  })
})

const differences = (before: Readonly<Record<string, object>>, after: Readonly<Record<string, object>>): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
