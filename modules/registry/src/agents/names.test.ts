import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost, problemOf } from '../../testing/index.ts'

const asked = { topic: 'action-requests', type: 'count.requested' }

let host: RegistryHost
let tenants = 0
const aTenant = () => `names-${++tenants}`
type Caller = ReturnType<typeof anAgentContext>
const params = { name: 'counter' }

beforeAll(async () => {
  host = await createRegistryHost()
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = (context: Caller, changes: { version?: string; description?: string; instanceId?: string } = {}) =>
  host.client.instances.register(context, {
    params: { ...params, instanceId: changes.instanceId ?? newUuid() },
    body: {
      ...{ kind: 'worker', description: changes.description ?? 'Counts.', agentVersion: '1.0.0', tags: ['sheep'] },
      events: [
        {
          ...{ ...asked, kind: 'request', description: 'Counts sheep.', version: changes.version ?? '1.0.0' },
          schema: { jsonSchema: { type: 'object' } },
        },
      ],
    },
  })
const manager = (tenantId: string) => anAgentContext(tenantId, 'usr_boss', ['agent:read', 'agent:manage'])
const get = (context: Caller) => host.client.agents.get(context, { params })
const update = async (context: Caller, body: object, by = context) =>
  host.client.agents.update(by, { params, body, ifMatch: (await get(context)).version })
const codeOf = async (call: Promise<unknown>) => (await problemOf(call)).code

it('REG-R2 a name belongs to the principal that registers it first, also when two come at once', async () => {
  const tenant = aTenant()
  const callers = ['agt_one', 'agt_two'].map((id) => anAgentContext(tenant, id))
  const [one, two] = callers as [Caller, Caller]
  const results = await Promise.allSettled([register(one), register(two)])
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const winner = results[0]?.status === 'fulfilled' ? one : two
  const loser = winner === one ? two : one
  const problem = await problemOf(register(loser))
  expect([problem.code, problem.message]).toEqual(['name-owned', expect.stringContaining(winner.principal.id)])
  expect(await codeOf(update(winner, { description: 'Mine.' }, loser))).toBe('name-owned')
  expect(await codeOf(host.client.agents.delete(loser, { params }))).toBe('name-owned')
  expect(await get(one)).toMatchObject({ ownerId: winner.principal.id, instances: [{}], description: 'Counts.' })
  const managing = anAgentContext(tenant, 'agt_three', ['agent:read', 'agent:register', 'agent:manage'])
  expect((await register(managing)).agent).toMatchObject({ ownerId: winner.principal.id, instances: [{}, {}] })
})

it('REG-R2 its owner, or who manages agents, transfers it with the events that it defined', async () => {
  const tenant = aTenant()
  const [old, next] = [anAgentContext(tenant, 'agt_old'), anAgentContext(tenant, 'agt_next')]
  await register(old)
  expect(await update(old, { ownerId: 'agt_next' })).toMatchObject({ ownerId: 'agt_next' })
  expect(await codeOf(register(old))).toBe('name-owned')
  await register(next, { version: '1.1.0' })
  const definition = await host.client.events.get(next, { params: asked })
  expect(definition).toMatchObject({ version: '1.1.0', ownerId: 'agt_next' })
  const schema = { params: { name: asked.type, version: '1.0.0' } }
  expect((await host.client.schemas.getVersion(next, schema)).ownerId).toBe('agt_next')
  await update(next, { ownerId: 'agt_old' }, manager(tenant))
  expect(await codeOf(register(next))).toBe('name-owned')
  const audited = host.emitted.filter(
    ({ type, data }) => type === 'change.recorded' && JSON.stringify(data).includes('agent.update'),
  )
  expect(audited.filter(({ tenantid }) => tenantid === tenant).map(({ data }) => data)).toMatchObject([
    { actor: { id: 'agt_old' }, diff: [{ member: '/ownerId', before: 'agt_old', after: 'agt_next' }] },
    { actor: { id: 'usr_boss' }, diff: [{ member: '/ownerId', before: 'agt_next', after: 'agt_old' }] },
  ])
})

it('REG-R2 agents of one name in two spaces are two agents, and none hides the other', async () => {
  const tenant = aTenant()
  const inSpace = (spaceId: string, id: string) => ({ ...anAgentContext(tenant, id), spaceId })
  const [north, south] = [inSpace('north', 'agt_north'), inSpace('south', 'agt_south')]
  await register(north, { description: 'In the north.' })
  await register(south, { description: 'In the south.' })
  expect([(await get(north)).description, (await get(south)).description]).toEqual(['In the north.', 'In the south.'])
  const wide = anAgentContext(tenant)
  const { items } = await host.client.agents.list(wide, { query: {} })
  expect(items.map(({ description }) => description).toSorted()).toEqual(['In the north.', 'In the south.'])
  expect(await codeOf(get(wide))).toBe('conflict')
})

it('words an agent anew until it says something else itself', async () => {
  const context = anAgentContext(aTenant())
  const instanceId = newUuid()
  await register(context, { instanceId })
  const words = { description: 'Counts goats.', tags: ['goats'] }
  expect(await update(context, words)).toMatchObject(words)
  expect(await codeOf(host.client.agents.update(context, { params, body: words, ifMatch: 1 }))).toBe('version-conflict')
  const names = async (query: object) =>
    (await host.client.agents.list(context, { query })).items.map(({ name }) => name)
  expect([await names({ tag: 'goats' }), await names({ tag: 'sheep' }), await names({ query: 'goats' })]).toEqual([
    ['counter'],
    [],
    ['counter'],
  ])
  expect((await register(context, { instanceId })).agent).toMatchObject(words)
  expect((await register(context, { instanceId, description: 'Counts cows.' })).agent).toMatchObject({
    description: 'Counts cows.',
    tags: ['sheep'],
  })
})

it('forgets an agent that has ended and frees its name, never one that lives', async () => {
  const tenant = aTenant()
  const [one, two] = [anAgentContext(tenant, 'agt_one'), anAgentContext(tenant, 'agt_two')]
  const instanceId = newUuid()
  await register(one, { instanceId })
  expect(await codeOf(host.client.agents.delete(one, { params }))).toBe('conflict')
  await host.client.instances.deregister(one, { params: { ...params, instanceId } })
  await host.client.agents.delete(one, { params })
  expect(await codeOf(get(one))).toBe('not-found')
  expect(await codeOf(host.client.agents.delete(one, { params }))).toBe('not-found')
  expect((await register(two)).agent.ownerId).toBe('agt_two')
})
