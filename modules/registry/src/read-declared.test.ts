import { type Context, type ModuleDatabase, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'
import { createDeclaredReader } from './read-declared.ts'

const LEASE_MS = 2000
const place = { topic: 'business-facts', type: 'note.kept' }
const params = { ...place, version: '1.0.0' }

let host: RegistryHost
let tenants = 0
const aTenant = (): Context => anAgentContext(`kept-${++tenants}`)
const aReader = (database: ModuleDatabase = host.module.database) =>
  createDeclaredReader({ database, reader: host.reader })

beforeAll(async () => {
  host = await createRegistryHost({ settings: { leaseMs: LEASE_MS } })
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = async (context: Context, name: string, instanceId = newUuid()) => {
  const body = { kind: 'worker' as const, description: 'Keeps notes.', agentVersion: '1.0.0' }
  await host.client.instances.register(context, { params: { name, instanceId }, body })
  return { name, instanceId }
}
const define = (context: Context, version = '1.0.0', more: object = {}) =>
  host.client.events.create(context, {
    body: { ...place, version, description: 'A note was kept.', schema: { jsonSchema: { type: 'object' } }, ...more },
  })

describe('what is declared', () => {
  it('is kept until a fact tells that it has changed, whatever has changed', async () => {
    const context = aTenant()
    const { read, close } = aReader()
    const [other, space] = [aTenant(), { ...context, spaceId: 'one' }]
    const before = [await read(other), await read(space)]
    let last = await read(context)
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      'an event is defined': () => define(context),
      'another version is': () => define(context, '1.0.1', { description: 'A note was kept again.' }),
      'one is deprecated': () => host.client.events.deprecate(context, { params, body: { note: 'old' } }),
      'one is retired': () => host.client.events.retire(context, { params, body: { note: 'over', force: true } }),
      'a schema is registered': () =>
        host.client.schemas.create(context, { body: { name: 'a', version: '1.0.0', jsonSchema: true } }),
      'an agent starts': () => register(context, 'one'),
      'its health changes': async () => {
        const [instance] = (await host.client.agents.get(context, { params: { name: 'one' } })).instances
        const instances = [{ instanceId: instance?.instanceId as string, health: 'degraded' as const }]
        await host.client.heartbeats.create(context, { body: { instances } })
      },
      'its last instance ends': async () => {
        const { instances } = await host.client.agents.get(context, { params: { name: 'one' } })
        for (const { instanceId } of instances)
          await host.client.instances.deregister(context, { params: { name: 'one', instanceId } })
      },
    }
    for (const [what, change] of Object.entries(changes)) {
      expect(await read(context), what).toBe(last)
      await change()
      const next = await read(context)
      expect(next, what).not.toBe(last)
      last = next
    }
    expect(last).toEqual(
      await createDeclaredReader({ database: host.module.database, reader: undefined }).read(context),
    )
    expect([await read(other)]).toEqual([before[0]])
    expect(await read(other)).toBe(before[0])
    expect(await read(space)).not.toBe(before[1])
    close()
    await register(context, 'unheard')
    expect(await read(context)).toBe(last)
  })

  it('is read anew by whoever asks while an answer of before is on its way', async () => {
    const context = aTenant()
    const held: (() => void)[] = []
    let isSlow = true
    const { read, close } = aReader({
      ...host.module.database,
      transaction: async (of, work) => {
        const answer = await host.module.database.transaction(of, work)
        if (isSlow) await new Promise<void>((resolve) => held.push(resolve))
        return answer
      },
    })
    const first = read(context)
    await expect.poll(() => held.length, { timeout: 30_000 }).toBe(1)
    isSlow = false
    await register(context, 'new')
    const names = async () => (await read(context)).agents.map(({ name }) => name)
    expect(await names()).toEqual(['new'])
    held[0]?.()
    expect((await first).agents).toEqual([])
    expect(await names()).toEqual(['new'])
    close()
  })

  it('shows no instance whose lease has ended though nobody told, and each whose lease was renewed', async () => {
    const context = aTenant()
    const { read, close } = aReader()
    await register(context, 'dies')
    const lives = await register(context, 'lives')
    const facts = () => host.emitted.filter(({ tenantid }) => tenantid === context.tenantId).length
    await read(context)
    const told = facts()
    const endsAt = Date.now() + 2 * LEASE_MS
    while (Date.now() < endsAt) {
      await host.client.heartbeats.create(context, { body: { instances: [{ instanceId: lives.instanceId }] } })
      const before = Date.now()
      const { agents } = await read(context)
      for (const { instances } of agents)
        for (const { expiresAt } of instances) expect(Date.parse(expiresAt)).toBeGreaterThan(before)
    }
    expect((await read(context)).agents.map(({ name }) => name)).toEqual(['lives'])
    expect(facts()).toBe(told)
    close()
  })
})
