import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { registryContract } from '@soma/registry/contract'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Home, openHome } from '../homes/home.ts'

const SCRIPT = fileURLToPath(new URL('./hello-worker.ts', import.meta.url))
const PATIENCE = { timeout: 45_000, interval: 20 }

const LEASE_MS = 5000
const HEARTBEAT_MS = 1500
let home: Home
let clients: Clients
const processes: ChildProcess[] = []

beforeAll(async () => {
  home = await openHome('one-process', {
    settings: {
      mode: 'developer-light',
      'registry.leaseMs': LEASE_MS,
      'registry.heartbeatMs': HEARTBEAT_MS,
      'registry.sweepMs': 200,
    },
  })
  clients = createClients({ url: home.url })
}, 60_000)
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL')
  await home?.stop()
}, 120_000)

async function aReplica() {
  const child = spawn(process.execPath, ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), SCRIPT], {
    env: { ...process.env, SOMA_URL: home.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  processes.push(child)
  const exited = once(child, 'exit')
  const [instanceId] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    instanceId,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
      return Date.now()
    },
  }
}
const agent = () => clients.registry.agents.get({ params: { name: 'hello-worker' } })
const instances = async () => (await agent()).instances.map(({ instanceId }) => instanceId).toSorted()
const suspects = async () =>
  (await agent()).instances.filter(({ suspectSince }) => suspectSince !== undefined).map((one) => one.instanceId)
const facts = async (type: string) =>
  (await clients.events.events.list({ query: { type } })).items.map(({ data }) => data)
const found = async () =>
  (
    await clients.registry.discovery.search({
      body: { query: 'greeting of somebody', want: ['event', 'agent', 'capability'] },
    })
  ).items.map(({ kind, name }) => `${kind} ${name}`)

test('REG-A2 REG-R3 a replica that is killed is suspect at once and expired when its lease is over, its agent goes on; with the last one the agent ends, once', async () => {
  const [first, ...others] = await Promise.all([aReplica(), aReplica(), aReplica()])
  const ids = [first, ...others].map(({ instanceId }) => instanceId).toSorted()
  await expect.poll(instances, PATIENCE).toEqual(ids)
  const before = await agent()

  const killedAtMs = await first.kill()
  await expect.poll(suspects, PATIENCE).toEqual([first.instanceId])
  const dying = (await agent()).instances.find(({ instanceId }) => instanceId === first.instanceId)
  // By its stream, long before its lease says so; a second is what a machine needs that does nothing else.
  expect(Date.parse(dying?.suspectSince as string) - killedAtMs).toBeLessThan(LEASE_MS - HEARTBEAT_MS)
  await expect.poll(instances, PATIENCE).toEqual(others.map(({ instanceId }) => instanceId).toSorted())
  const stopped = () => facts('agent.instance-stopped')
  await expect.poll(stopped, PATIENCE).toMatchObject([{ instanceId: first.instanceId, reason: 'expired' }])
  const after = await agent()
  expect([after.status, after.capabilities, after.versions]).toEqual(['live', before.capabilities, before.versions])
  expect(await facts('agent.expired')).toEqual([])
  expect(await found()).toContain('event greeting.requested')

  await Promise.all(others.map((replica) => replica.kill()))
  await expect.poll(async () => (await stopped()).length, PATIENCE).toBe(3)
  expect(await found()).toEqual([])
  expect(await facts('agent.expired')).toMatchObject([{ name: 'hello-worker' }])
  // With the settings as they are shipped: the lease runs from the last sign of life, and the sweep comes soon after its end.
  const { leaseMs, sweepMs } = registryContract.settings
  expect(leaseMs.default + sweepMs.default).toBeLessThanOrEqual(100_000)
}, 120_000)
