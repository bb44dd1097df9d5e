import { type Context, type ModuleDatabase, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../../testing/index.ts'
import { createHeartbeatBatch } from './heartbeat-batch.ts'

const LEASE_MS = 3_600_000
let host: RegistryHost
/** Statements that were written, and how many of the next ones are lost. */
let statements = 0
let losses = 0
const asScheduler: ModuleDatabase['asScheduler'] = (work) => {
  statements += 1
  if (losses-- > 0) return Promise.reject(new Error('the connection broke'))
  return host.module.database.asScheduler(work)
}
const aSign = (instanceId: string, more: object = {}) => ({
  ...{ instanceId, health: null, healthDetail: null, load: null, stream: null },
  ...more,
})
const aBatch = () => createHeartbeatBatch({ database: { asScheduler }, leaseMs: LEASE_MS })

beforeAll(async () => {
  host = await createRegistryHost()
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = async (context: Context, name = 'counter') => {
  const instanceId = newUuid()
  const body = { kind: 'worker' as const, description: 'Counts sheep.', agentVersion: '1.0.0' }
  await host.client.instances.register(context, { params: { name, instanceId }, body })
  return instanceId
}
const leaseLeftMs = async (context: Context, instanceId: string, name = 'counter') => {
  const { instances } = await host.client.agents.get(context, { params: { name } })
  return Date.parse(instances.find((one) => one.instanceId === instanceId)?.expiresAt as string) - Date.now()
}

describe('signs of life of a node', () => {
  const tenants = [anAgentContext('beats-a'), anAgentContext('beats-b')] as const

  it('are one statement a quarter of a second, whoever gives them', async () => {
    const batch = aBatch()
    const ids = await Promise.all(
      tenants.flatMap((context) => [1, 2, 3].map(async () => [context, await register(context)] as const)),
    )
    statements = 0
    const startedAtMs = performance.now()
    const told: Promise<unknown>[] = []
    for (let round = 0; round < 30; round++) {
      for (const [context, id] of ids) told.push(batch.touch(context, aSign(id), context.principal.id))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const within = statements
    expect(within).toBeLessThanOrEqual(1 + (performance.now() - startedAtMs) / 250)
    // A statement has an instance once, so what came again waits for the next.
    expect((await Promise.all(told)).every((row) => row !== undefined)).toBe(true)
    for (const [context, id] of ids) expect(await leaseLeftMs(context, id)).toBeGreaterThan(LEASE_MS - 60_000)
  }, 60_000)

  it('that are lost are written again with the next statement, and given up after the third', async () => {
    const batch = aBatch()
    const [context] = tenants
    const id = await register(context)
    losses = 2
    await expect(batch.touch(context, aSign(id), null)).resolves.toMatchObject({ name: 'counter' })
    expect(await leaseLeftMs(context, id)).toBeGreaterThan(LEASE_MS - 60_000)
    losses = 3
    await expect(batch.touch(context, aSign(id), null)).rejects.toThrow('the connection broke')
    losses = 0
    await expect(batch.touch(context, aSign(id), null)).resolves.toMatchObject({ name: 'counter' })
  })

  it('reach no instance of another tenant, space or principal', async () => {
    const batch = aBatch()
    const [context, foreign] = tenants
    const space = { ...context, spaceId: 'one' }
    const [id, inSpace] = [await register(context), await register(space, 'spaced')]
    const left = await leaseLeftMs(context, id)
    expect(await batch.touch(foreign, aSign(id), null)).toBeUndefined()
    expect(await batch.touch(context, aSign(id), 'agt_other')).toBeUndefined()
    expect(await batch.touch({ ...context, spaceId: 'two' }, aSign(inSpace), null)).toBeUndefined()
    expect(await leaseLeftMs(context, id)).toBeLessThanOrEqual(left)
    expect(await batch.touch(space, aSign(inSpace), null)).toMatchObject({ name: 'spaced' })
    expect(await batch.touch(context, aSign(inSpace), null)).toMatchObject({ name: 'spaced' })
  })

  it('keep what they do not say, and leave a change of health to a transaction of the tenant', async () => {
    const batch = aBatch()
    const [context] = tenants
    const id = await register(context)
    const load = { inFlight: 1, credits: 2 }
    expect(await batch.touch(context, aSign(id, { load }), null)).toMatchObject({ changes_health: false })
    expect(await batch.touch(context, aSign(id, { health: 'healthy' }), null)).toMatchObject({ changes_health: false })
    const degraded = aSign(id, { health: 'degraded', healthDetail: 'slow' })
    expect(await batch.touch(context, degraded, null)).toMatchObject({ changes_health: true, expires_at: null })
    const { instances } = await host.client.agents.get(context, { params: { name: 'counter' } })
    expect(instances.find(({ instanceId }) => instanceId === id)).toMatchObject({ health: 'healthy', load })
  })

  it('of 10,000 instances of one agent, a call each, cost a lookup each: no statement walks them all', async () => {
    const [context] = tenants
    const first = await register(context, 'crowd')
    await host.database.asOwner(async (session) => {
      await session.execute('alter table registry.instances disable row level security')
      await session.execute(
        `insert into registry.instances (tenant_id, agent_id, instance_id, digest, agent_version, principal_id, expires_at, health)
         select tenant_id, agent_id, gen_random_uuid(), digest, agent_version, principal_id, expires_at, health
         from registry.instances, generate_series(2, 10000) where instance_id = $1`,
        [first],
      )
      await session.execute('alter table registry.instances enable row level security')
    })
    const { instances } = await host.client.agents.get(context, { params: { name: 'crowd' } })
    expect(instances).toHaveLength(10_000)
    const answers = await Promise.all(
      instances.map(({ instanceId }) =>
        host.client.instances.heartbeat(context, { params: { name: 'crowd', instanceId }, body: {} }),
      ),
    )
    expect(answers.every(({ known }) => known)).toBe(true)
  }, 120_000)
})
