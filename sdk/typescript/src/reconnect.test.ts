import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn, until } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, defineWorker } from './index.ts'

let server: TestServer
let tenants = 0
const open: { stop: () => Promise<void> }[] = []

beforeAll(async () => {
  server = await startServerOfTests({ 'registry.heartbeatMs': 200 })
}, 60_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map((tenant) => tenant.stop()))
})
afterAll(() => server?.stop(), 60_000)

const workCompleted = defineEvent({
  type: 'work.completed',
  topic: 'action-results',
  description: 'Work is done.',
  data: z.object({ said: z.unknown() }),
})
const workRequested = defineEvent({
  type: 'work.requested',
  topic: 'action-requests',
  description: 'Asks for work.',
  data: z.object({ name: z.string() }),
  response: workCompleted,
})

/** Resolves from outside. */
function aGate() {
  let pass: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    pass = resolve
  })
  return { passed, pass }
}

describe('an agent whose server goes away or refuses it', () => {
  it('comes back as the same member, keeps its work in hand, and settles it then', async () => {
    const tenantId = `life-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const tenant = aTenantOn(server, { home: 'over HTTP', agent, user: testContext({ tenantId }), log: silentLogger })
    open.push(tenant)
    const [begun, gate] = [aGate(), aGate()]
    let runs = 0
    const members = new Set<string | null>()
    const streams: AbortController[] = []
    let isAway = false
    const fetchThroughCuts: typeof fetch = async (input, init) => {
      const url = new URL(String(input))
      if (isAway) throw new TypeError('network is down')
      if (!/\/subscriptions\/.+\/stream$/.test(url.pathname)) return fetch(input, init)
      members.add(url.searchParams.get('memberId'))
      const cut = new AbortController()
      streams.push(cut)
      return fetch(input, { ...init, signal: AbortSignal.any([cut.signal, init?.signal as AbortSignal]) })
    }
    const worker = defineWorker({ name: 'traveller', description: 'Loses its way.' })
    worker.onTask(workRequested, async (task) => {
      runs += 1
      begun.pass()
      await gate.passed
      task.complete({ said: task.attempt })
    })
    await tenant.start(worker, { fetch: fetchThroughCuts })
    await tenant.request('work', { name: 'a' }, 'corr-1')
    await begun.passed
    isAway = true
    streams[0]?.abort()
    gate.pass()
    await new Promise((resolve) => setTimeout(resolve, 300))
    isAway = false
    expect((await tenant.reply('work.completed', 'corr-1')).data).toEqual({ said: 1 })
    await until(async () => (streams.length > 1 ? true : undefined))
    await tenant.request('work', { name: 'b' }, 'corr-2')
    expect((await tenant.reply('work.completed', 'corr-2')).data).toEqual({ said: 1 })
    expect([members.size, runs]).toEqual([1, 2])
  })

  it('ends with the problem when its credential is refused twice in a row', async () => {
    const tenantId = `life-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    let isRevoked = false
    const worker = defineWorker({ name: 'revoked', description: 'Loses its key.', graceMs: 0 })
    worker.onTask(workRequested, (task) => task.complete({ said: 1 }))
    const cut = new AbortController()
    const running = await worker.start({
      url: server.url,
      headers: server.headersOf(agent),
      fetch: async (input, init) => {
        const signal = AbortSignal.any([cut.signal, init?.signal as AbortSignal])
        return isRevoked ? fetch(input, { ...init, headers: {} }) : fetch(input, { ...init, signal })
      },
    })
    isRevoked = true
    cut.abort()
    expect(await running.failed).toMatchObject({ code: 'unauthenticated', status: 401 })
    await worker.stop()
  })

  it('refuses to start without a registration when it is asked to', async () => {
    const tenantId = `life-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const tenant = aTenantOn(server, { home: 'over HTTP', agent, user: testContext({ tenantId }), log: silentLogger })
    const owner = testContext({
      tenantId: tenant.user.tenantId,
      principalId: 'agt-other',
      capabilities: ['agent:register'],
    })
    await tenant.clients.registry.instances.register(owner, {
      params: { name: 'taken', instanceId: crypto.randomUUID() },
      body: { kind: 'worker', description: 'First.', agentVersion: '1.0.0' },
    })
    const worker = defineWorker({ name: 'taken', description: 'Second.', requireRegistration: true })
    worker.onTask(workRequested, (task) => task.complete({ said: 1 }))
    const headers = server.headersOf({
      ...tenant.agent,
      principal: { ...tenant.agent.principal, capabilities: ['agent:register'] },
    })
    await expect(worker.start({ ...tenant.connection(), headers })).rejects.toMatchObject({
      code: 'registration-failed',
      message: expect.stringContaining('agt-other'),
    })
  })
})
