import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../../testing/index.ts'

let host: RegistryHost
const context = anAgentContext('streams')
beforeAll(async () => {
  host = await createRegistryHost()
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = async (name: string, instanceId = newUuid()) => {
  const body = { kind: 'worker' as const, description: 'Counts sheep.', agentVersion: '1.0.0' }
  await host.client.instances.register(context, { params: { name, instanceId }, body })
  return instanceId
}
const tell = (instanceId: string, id: string, state: 'open' | 'broken', by = context) =>
  host.client.heartbeats.create(by, { body: { instances: [{ instanceId, stream: { id, state } }] } })
const agent = (name: string) => host.client.agents.get(context, { params: { name } })
const instanceOf = async (name: string, id: string) =>
  (await agent(name)).instances.find(({ instanceId }) => instanceId === id)

it('REG-R3 an open stream moves the lease, one that breaks does not: it makes the instance suspect until its next sign of life', async () => {
  const id = await register('counter')
  const before = await instanceOf('counter', id)
  expect(await tell(id, 'one', 'open')).toEqual({ alive: [id], unknown: [], heartbeatMs: 30_000 })
  const open = await instanceOf('counter', id)
  expect(Date.parse(open?.expiresAt as string)).toBeGreaterThan(Date.parse(before?.expiresAt as string))
  expect(Date.parse(open?.expiresAt as string) - Date.parse(open?.lastSeenAt as string)).toBe(90_000)
  expect(open).not.toHaveProperty('suspectSince')

  await tell(id, 'one', 'broken')
  const { suspectSince, ...broken } = (await instanceOf('counter', id)) as NonNullable<typeof open>
  expect(broken).toEqual(open)
  expect(Date.parse(suspectSince as string)).toBeGreaterThanOrEqual(Date.parse(broken.lastSeenAt))
  expect((await agent('counter')).status).toBe('suspect')
  await tell(id, 'one', 'broken')
  expect(await instanceOf('counter', id)).toMatchObject({ suspectSince })

  for (const sign of [
    () => tell(id, 'one', 'open'),
    () => host.client.instances.heartbeat(context, { params: { name: 'counter', instanceId: id }, body: {} }),
    () => register('counter', id),
  ]) {
    await tell(id, 'one', 'broken')
    expect(await instanceOf('counter', id)).toHaveProperty('suspectSince')
    await sign()
    expect(await instanceOf('counter', id)).not.toHaveProperty('suspectSince')
  }
})

it('a stream that was replaced by a newer one breaks without suspicion', async () => {
  const id = await register('moved')
  await tell(id, 'old', 'open')
  await tell(id, 'new', 'open')
  await tell(id, 'old', 'broken')
  expect((await agent('moved')).status).toBe('live')
  await tell(id, 'new', 'broken')
  expect((await agent('moved')).status).toBe('suspect')
})

it('an agent is suspect when all its instances are, and stays as good as the best of the others', async () => {
  const [first, second] = [await register('several'), await register('several')]
  await tell(first, 'one', 'open')
  await tell(first, 'one', 'broken')
  expect((await agent('several')).status).toBe('live')
  await host.client.heartbeats.create(context, { body: { instances: [{ instanceId: second, health: 'draining' }] } })
  expect((await agent('several')).status).toBe('draining')
  await tell(second, 'two', 'open')
  await tell(second, 'two', 'broken')
  expect((await agent('several')).status).toBe('suspect')
  const listed = await host.client.agents.list(context, { query: { status: 'suspect' } })
  expect(listed.items.map(({ name }) => name)).toContain('several')
})

it('nobody tells of the streams of another principal’s instance', async () => {
  const id = await register('own')
  await tell(id, 'one', 'open')
  const before = await agent('own')
  const other = anAgentContext('streams', 'agt_other')
  expect(await tell(id, 'two', 'open', other)).toMatchObject({ alive: [], unknown: [id] })
  expect(await tell(id, 'one', 'broken', other)).toMatchObject({ alive: [], unknown: [id] })
  expect(await agent('own')).toEqual(before)
})
