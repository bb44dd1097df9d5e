import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registryContract } from '../../contract/index.ts'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../../testing/index.ts'

const asked = { topic: 'action-requests', type: 'count.requested' }
const CAPABILITIES = [...anAgentContext('').principal.capabilities, 'discovery:read']
const HOUR_MS = 3_600_000

let host: RegistryHost
let tenants = 0
const aContext = () => anAgentContext(`expiry-${++tenants}`, 'agt_one', CAPABILITIES)
type Caller = ReturnType<typeof aContext>

beforeAll(async () => {
  host = await createRegistryHost()
  host.clock.advance(60_000)
}, 60_000)
afterAll(() => host?.close(), 60_000)

const register = async (context: Caller, name: string, leaseMs?: number) => {
  const instanceId = newUuid()
  await host.client.instances.register(context, {
    params: { name, instanceId },
    body: {
      ...{ kind: 'worker', description: 'Counts sheep.', agentVersion: '1.0.0' },
      capabilities: [{ name: 'counting', consumes: asked }],
      events: [{ ...asked, kind: 'request', description: 'Counts sheep.', schema: { jsonSchema: { type: 'object' } } }],
      leaseMs,
    },
  })
  return instanceId
}
const facts = ({ tenantId }: Caller, type: string) =>
  host.emitted.filter((event) => event.type === type && event.tenantid === tenantId).map(({ data }) => data)
const listed = async (context: Caller, query: object = {}) =>
  (await host.client.agents.list(context, { query })).items.map(({ name, status }) => `${name} ${status}`)
const found = async (context: Caller) => {
  const { items } = await host.client.discovery.search(context, {
    body: { query: 'count sheep', want: ['event', 'agent', 'capability'] },
  })
  return items.map(({ kind, name }) => `${kind} ${name}`).toSorted()
}
const TABLES = ['agents', 'instances', 'registrations']
/** Without its fences every role sees and changes the rows of every tenant. */
const fences = (state: 'enable' | 'disable') =>
  host.database.asOwner(async (session) => {
    for (const table of TABLES) await session.execute(`alter table registry.${table} ${state} row level security`)
  })
const update = async (sql: string, ...values: unknown[]) => {
  await fences('disable')
  await host.database.asOwner((session) => session.execute(sql, values))
  await fences('enable')
}
const expire = (instanceId: string) =>
  update(`update registry.instances set expires_at = now() where instance_id = $1`, instanceId)

it('REG-R4 looks for ended leases often enough to notice each within 10 s', () => {
  expect(host.module.jobs.map(({ name, everyMs }) => [name, everyMs])).toEqual([['sweep-expired-instances', 5000]])
  expect(registryContract.settings.sweepMs.type.safeParse(10_000).success).toBe(false)
})

it('REG-R3 an instance that asked for a lease of its own gets it with its registration, each sign of life and each repeat', async () => {
  const context = aContext()
  const lengthOf = async () => {
    const [agent] = (await host.client.agents.list(context, { query: {} })).items
    const { expiresAt = '', lastSeenAt = '' } = agent?.instances[0] ?? {}
    return Date.parse(expiresAt) - Date.parse(lastSeenAt)
  }
  const instanceId = await register(context, 'counter', 300_000)
  expect(await lengthOf()).toBe(300_000)
  await update(
    `update registry.instances set expires_at = now() + interval '1 second' where instance_id = $1`,
    instanceId,
  )
  await host.client.heartbeats.create(context, { body: { instances: [{ instanceId }] } })
  expect(await lengthOf()).toBe(300_000)
  await update(
    `update registry.instances set expires_at = now() + interval '1 second' where instance_id = $1`,
    instanceId,
  )
  await host.client.instances.heartbeat(context, {
    params: { name: 'counter', instanceId },
    body: { health: 'degraded' },
  })
  expect(await lengthOf()).toBe(300_000)
})

it('REG-R4 REG-R6 an instance is out of discovery the moment its lease ends, and its end is told once, however many sweeps see it', async () => {
  const context = aContext()
  const instanceId = await register(context, 'counter')
  expect(await found(context)).toEqual(['agent counter', 'capability counting', 'event count.requested'])
  await expire(instanceId)
  expect(await found(context)).toEqual([])
  expect(await listed(context)).toEqual([])
  expect(
    (await host.client.events.list(context, { query: { visibility: 'tenant', actionable: 'true' } })).items,
  ).toEqual([])
  expect(facts(context, 'agent.expired')).toEqual([])
  await Promise.all([host.sweep(), host.sweep()])
  await host.sweep()
  expect(facts(context, 'agent.expired')).toMatchObject([{ name: 'counter' }])
  expect(facts(context, 'agent.instance-stopped')).toMatchObject([{ instanceId, reason: 'expired' }])
  const { status, instances } = await host.client.agents.get(context, { params: { name: 'counter' } })
  expect({ status, instances }).toEqual({ status: 'expired', instances: [] })
})

it('REG-R4 leaves the agent of an expired instance with the instances that live, and a renewed lease alone', async () => {
  const context = aContext()
  const [gone, stays, renewed] = [
    await register(context, 'counter'),
    await register(context, 'counter'),
    await register(context, 'other'),
  ]
  await expire(gone)
  await expire(renewed)
  await host.client.heartbeats.create(context, { body: { instances: [{ instanceId: renewed }] } })
  await host.sweep()
  expect(facts(context, 'agent.instance-stopped')).toMatchObject([{ instanceId: gone, name: 'counter' }])
  expect(facts(context, 'agent.expired')).toEqual([])
  const { items } = await host.client.agents.list(context, { query: {} })
  expect(items.flatMap(({ instances }) => instances.map(({ instanceId }) => instanceId)).toSorted()).toEqual(
    [stays, renewed].toSorted(),
  )
})

it('REG-R4 ends nothing of another tenant and nothing that lives, even where the database role of the sweep is held by no fence', async () => {
  const [one, two] = [aContext(), aContext()]
  for (const context of [one, two]) {
    await register(context, 'lives')
    await expire(await register(context, 'ends'))
  }
  await fences('disable')
  await host.sweep()
  await fences('enable')
  for (const context of [one, two]) {
    expect(facts(context, 'agent.expired')).toMatchObject([{ name: 'ends' }])
    expect(await listed(context)).toEqual(['lives live'])
  }
})

it('REG-R4 an expired agent stays listed for 24 h, on demand', async () => {
  const context = aContext()
  await expire(await register(context, 'counter'))
  await host.sweep()
  const endedAgo = (ms: number) =>
    update(
      `update registry.agents set ended_at = now() - $1 * interval '1 millisecond' where tenant_id = $2`,
      ...[ms, context.tenantId],
    )
  await endedAgo(24 * HOUR_MS - 60_000)
  expect(await listed(context)).toEqual([])
  expect(await listed(context, { includeExpired: 'true' })).toEqual(['counter expired'])
  await endedAgo(24 * HOUR_MS)
  expect(await listed(context, { includeExpired: 'true' })).toEqual([])
})
