import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AgentRecord } from '../../contract/index.ts'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../../testing/index.ts'

const asked = { topic: 'action-requests', type: 'research.requested' }
const found = { topic: 'action-results', type: 'research.completed' }
const other = { topic: 'action-requests', type: 'research.requested-again' }
const context = anAgentContext('filters')

let host: RegistryHost
const register = (name: string, agentVersion: string, more: object, by = context) =>
  host.client.instances.register(by, {
    params: { name, instanceId: newUuid() },
    body: { kind: 'worker', description: `Is ${name}.`, agentVersion, ...more },
  })
const listed = async (query: object, by = context) => (await host.client.agents.list(by, { query })).items
const names = async (query: object, by = context) => (await listed(query, by)).map(({ name }) => name).toSorted()

beforeAll(async () => {
  host = await createRegistryHost()
  await register('hello', '1.0.0', { consumes: [asked], tags: ['nice'], capabilities: [{ name: 'greet' }] })
  await register('hello', '1.0.0', { consumes: [asked], tags: ['nice'], capabilities: [{ name: 'greet' }] })
  await register('hello', '1.10.0', { consumes: [asked], produces: [found], capabilities: [{ name: 'greet' }] })
  await register('hello-2', '1.0.0', { consumes: [asked], capabilities: [{ name: 'greet-all' }] })
  await register('planner', '1.0.0', { kind: 'planner', consumes: [asked, found], tags: ['nice'] })
  await register('again', '2.0.0', { consumes: [other], produces: [asked] })
  for (const { topic, type } of [asked, found])
    await host.client.events.create(context, {
      body: { topic, type, description: 'Of research.', schema: { jsonSchema: { type: 'object' } } },
    })
}, 60_000)
afterAll(() => host?.close(), 60_000)

describe('REG-R30 filters of agents', () => {
  it('match exactly, not what begins alike', async () => {
    expect(await names({ consumes: asked.type })).toEqual(['hello', 'hello-2', 'planner'])
    expect(await names({ consumes: 'research.request' })).toEqual([])
    expect(await names({ capability: 'greet' })).toEqual(['hello'])
    expect(await names({ tag: 'nic' })).toEqual([])
    expect(await names({ produces: found.type })).toEqual(['hello'])
    expect(await names({ name: 'hell' })).toEqual([])
  })

  it('all hold for each agent that is answered', async () => {
    const filters = {
      kind: ['worker', 'planner'],
      consumes: [asked.type, found.type, other.type],
      produces: [asked.type, found.type],
      capability: ['greet', 'greet-all'],
      tag: ['nice'],
      name: ['hello', 'hello@1.0.0', 'planner'],
      status: ['live', 'degraded'],
    }
    const pairs = Object.entries(filters).flatMap(([field, values]) => values.map((value) => ({ [field]: value })))
    for (const left of pairs)
      for (const right of pairs) {
        if (Object.keys(left)[0] === Object.keys(right)[0]) continue
        const both = await names({ ...left, ...right })
        const [one, two] = [await names(left), await names(right)]
        expect(both, JSON.stringify({ ...left, ...right })).toEqual(one.filter((name) => two.includes(name)))
      }
    expect(await names({ consumes: asked.type, kind: 'worker' })).toEqual(['hello', 'hello-2'])
  })

  it('take the name of an agent with and without a version, of its events too', async () => {
    expect(await names({ name: 'hello' })).toEqual(['hello'])
    expect(await names({ name: 'hello@1.10.0' })).toEqual(['hello'])
    expect(await names({ name: 'hello@1.1.0' })).toEqual([])
    const events = async (query: object) =>
      (await host.client.events.list(context, { query: { visibility: 'tenant', ...query } })).items.map(
        ({ type }) => type,
      )
    expect(await events({ producer: 'hello' })).toEqual([found.type])
    expect(await events({ producer: 'hello@1.10.0' })).toEqual([found.type])
    expect(await events({ producer: 'hello@1.0.0' })).toEqual([])
    expect(await events({ consumer: 'hello@1.0.0' })).toEqual([asked.type])
    expect(await events({ consumer: 'planner' })).toEqual([found.type, asked.type])
    for (const name of ['hello@', 'hello@1', 'hello@1.0.0@', 'Hello', '@1.0.0'])
      await expect(listed({ name }), name).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('answer replicas as one agent, and different agents each for itself', async () => {
    const [hello] = await listed({ name: 'hello' })
    expect(hello?.instances).toHaveLength(3)
    expect(hello?.versions).toEqual(['1.10.0', '1.0.0'])
    expect(await names({})).toEqual(['again', 'hello', 'hello-2', 'planner'])
    const spaces = ['one', 'two'].map((spaceId) => ({ ...context, spaceId }))
    for (const [index, by] of spaces.entries()) await register('twin', `${index}.0.0`, { description: 'Same.' }, by)
    const twins: AgentRecord[] = await listed({ name: 'twin' })
    expect(twins.map(({ versions }) => versions.join()).toSorted()).toEqual(['0.0.0', '1.0.0'])
    expect(new Set(twins.map(({ agentId }) => agentId)).size).toBe(2)
    for (const [index, by] of spaces.entries())
      expect((await listed({ name: 'twin' }, by)).map(({ versions }) => versions)).toEqual([[`${index}.0.0`]])
  })
})
