import { newId, newUuid, silentLogger } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { defineEvent, defineWorker } from '@soma/sdk'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type SoormaTenant, onboard, openStream } from '../soorma/client.ts'

const LIMIT_MS = 60_000
let server: RunningServer
let acme: SoormaTenant
const start = (settings: Readonly<Record<string, unknown>> = {}) =>
  startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: {
        ...{ mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3000 },
        ...settings,
      },
    },
  })
beforeAll(async () => {
  server = await start()
  acme = await onboard(`${server.url}/soorma`)
}, 60_000)
afterAll(() => server.stop())

/** The key of a tenant's administrator, as Soma writes it. */
const apiKeyOf = (tenant: SoormaTenant): string => {
  const [, id = '', secret = ''] = /^idadm\.key_(\w+)\.(\w+)$/.exec(tenant.admin['X-Identity-Admin-Key'] ?? '') ?? []
  return `soma_${id}_${secret}`
}
const clientsOf = (tenant: SoormaTenant) => createClients({ url: server.url, auth: { apiKey: apiKeyOf(tenant) } })
const asked = (more: object) => ({
  ...{ source: 'planner', type: 'sum.requested', topic: 'action-requests', tenant_id: acme.tenantId, user_id: 'alice' },
  ...more,
})

const summed = defineEvent({
  type: 'sum.computed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.looseObject({ sum: z.number() }),
})
const sum = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum.',
  data: z.looseObject({ values: z.array(z.number()) }),
  response: summed,
})

test(
  'SOO-R19 what fails for good in an agent of Soma is answered in the words of the dialect, with the ids of the request',
  async () => {
    const worker = defineWorker({ name: 'summer', description: 'Sums.', capabilities: ['sums'] })
    worker.onTask(sum, (task) =>
      task.data.values.length === 0
        ? task.fail({ code: 'no-numbers', detail: 'there are no numbers' })
        : task.complete({ sum: 5 }),
    )
    const running = await worker.start({ url: server.url, apiKey: apiKeyOf(acme) })
    const caller = await openStream(acme, 'topics=action-results&agent_id=caller-1&agent_name=caller')
    try {
      const request = (id: string, values: number[], data: object = {}) =>
        acme.publish(
          asked({
            correlation_id: id,
            response_event: 'sum.computed',
            response_topic: 'action-results',
            data: { values, ...data },
          }),
        )
      await request('good', [2, 3])
      await request('bad', [], { task_id: 'task 7', action_id: 'action 9' })
      await request('bare', [])
      await caller.waitForMessages(3)
      const replyTo = (id: string) => caller.messages().find(({ correlation_id }) => correlation_id === id)
      expect(replyTo('good')).toMatchObject({ type: 'sum.computed', data: { sum: 5 } })
      expect(replyTo('bad')).toMatchObject({ type: 'sum.computed', topic: 'action-results', user_id: 'alice' })
      expect(replyTo('bad').data).toEqual({
        ...{ task_id: 'task 7', action_id: 'action 9', status: 'failed', success: false },
        error: 'there are no numbers',
      })
      expect(replyTo('bare').data).toEqual({
        ...{ task_id: expect.any(String), action_id: null, status: 'failed', success: false },
        error: 'there are no numbers',
      })
    } finally {
      caller.close()
      await running.stop()
    }
  },
  LIMIT_MS,
)

test(
  'SOO-R19 what fails in an agent of Soorma fails for a requester of Soma, and replies reach requesters of Soorma as they were sent',
  async () => {
    for (const [eventName, topic] of [
      ['total.requested', 'action-requests'],
      ['total.computed', 'action-results'],
    ])
      await acme.ask('POST /v1/events', { event: { eventName, topic, description: 'A total.' } })
    const worker = await openStream(acme, 'topics=action-requests&agent_id=totals-1&agent_name=totals')
    const reader = await openStream(acme, 'topics=action-results&agent_id=reader-1&agent_name=reader')
    const failure = { task_id: 't', action_id: 'a', status: 'failed', success: false, error: 'boom' }
    const answers = [
      failure,
      { task_id: 't', action_id: 'a', status: 'completed', result: { total: 5 } },
      { request_id: 'r', success: true, result: 5 },
      { request_id: 'r', success: false, error: { code: 7 } },
      { success: false },
      { anything: ['else', null] },
    ]
    try {
      const reply = (correlation: string, data: object) =>
        acme.publish(
          asked({
            source: 'totals',
            type: 'total.computed',
            topic: 'action-results',
            correlation_id: correlation,
            data,
          }),
        )
      const { events } = clientsOf(acme)
      const asking = events.events.request({
        body: {
          ...{ type: 'total.requested', topic: 'action-requests', data: { values: [] }, id: newUuid() },
          ...{
            responseType: 'total.computed',
            responseTopic: 'action-results',
            correlationId: newId('corr'),
            timeoutMs: 30_000,
          },
        },
      })
      await worker.waitFor(({ event, data }) => event === 'message' && data.type === 'total.requested')
      const [request] = worker.messages().filter(({ type }) => type === 'total.requested')
      expect((await reply(request.correlation_id, failure)).status).toBe(200)
      expect(await asking).toMatchObject({ outcome: 'failed', data: { problem: { detail: 'boom' } } })

      for (const [index, data] of answers.entries()) expect((await reply(`free-${index}`, data)).status).toBe(200)
      await reader.waitFor(({ data }) => data.correlation_id === `free-${answers.length - 1}`)
      for (const [index, data] of answers.entries())
        expect(reader.messages().find(({ correlation_id }) => correlation_id === `free-${index}`)?.data).toEqual(data)
    } finally {
      worker.close()
      reader.close()
    }
  },
  LIMIT_MS,
)

test(
  'SOO-R6 what an agent of Soorma says under a noun of the platform moves nothing of Soma',
  async () => {
    const { plans, tracker } = clientsOf(acme)
    const { planId } = await plans.plans.create({ body: { goal: { type: 'soorma.trip', data: {} } } })
    const said = {
      planId,
      plan_id: planId,
      taskId: newId('task'),
      status: 'completed',
      version: 99,
      title: 'x',
      name: 'x',
    }
    for (const [type, topic] of [
      ['plan.completed', 'plan-events'],
      ['plan.failed', 'system-events'],
      ['task.completed', 'task-events'],
      ['task.failed', 'task-events'],
      ['gate.decided', 'system-events'],
      ['agent.deregistered', 'system-events'],
    ] as const)
      expect((await acme.publish(asked({ type, topic, plan_id: planId, data: said }))).status).toBe(200)
    const timeline = async () =>
      (await tracker.planTimeline.list({ params: { planId }, query: {} })).items.map(({ type }) => type)
    // They are seen, in the order of their topics, under the noun that is nobody's.
    await expect
      .poll(timeline, { timeout: 30_000 })
      .toEqual(expect.arrayContaining(['soorma.plan.completed', 'soorma.task.failed']))
    const { status } = await plans.plans.get({ params: { planId } })
    expect(status).not.toMatch(/completed|failed/)
    const { plan } = await tracker.plans.get({ params: { planId } })
    expect([plan.status, plan.counts.total]).toEqual([status, 0])
  },
  LIMIT_MS,
)

test('SOO-R5 types that nobody registered are taken, unless a setting says strict', async () => {
  const publish = (tenant: SoormaTenant, more: object) =>
    tenant.publish({ ...asked({ tenant_id: tenant.tenantId }), topic: 'business-facts', ...more })
  expect((await publish(acme, { type: 'nobody.knows' })).status).toBe(200)
  const strict = await start({ 'soorma.validation': 'strict' })
  try {
    const tenant = await onboard(`${strict.url}/soorma`)
    const payloadSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
    const event = { eventName: 'counted.things', topic: 'business-facts', description: 'Counted.', payloadSchema }
    expect((await tenant.ask('POST /v1/events', { event })).status).toBe(200)
    const statuses = [
      await publish(tenant, { type: 'nobody.knows', data: {} }),
      await publish(tenant, { type: 'counted.things', data: { n: 'text' } }),
      await publish(tenant, { type: 'counted.things', data: { n: 7 } }),
    ].map(({ status, body }) => [status, typeof body.detail])
    expect(statuses).toEqual([
      [422, 'string'],
      [422, 'string'],
      [200, 'undefined'],
    ])
  } finally {
    await strict.stop()
  }
}, 60_000)

test('SOO-R12 an agent that gives signs of life stays with its capabilities, and one that gives none ends after its lease', async () => {
  const own = await start({ 'soorma.agentTtlSeconds': 6, 'registry.heartbeatMs': 500, 'registry.sweepMs': 200 })
  try {
    const tenant = await onboard(`${own.url}/soorma`)
    const event = { eventName: 'a.b', topic: 'action-requests', description: 'Asks.' }
    const capabilities = [{ taskName: 'add', description: 'Adds.', consumedEvent: event, producedEvents: [] }]
    const register = (agentId: string) =>
      tenant.ask('POST /v1/agents', {
        agent: { agentId, name: 'Pair', description: 'Two.', version: agentId, capabilities },
      })
    await register('living')
    await register('dying')
    const beating = setInterval(() => void tenant.ask('PUT /v1/agents/living/heartbeat'), 300)
    try {
      const listed = async (query = '') =>
        // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever members the wire has
        (await tenant.get(`/v1/agents?name=Pair${query}`)).body.agents.map(({ agentId }: any) => agentId).toSorted()
      expect(await listed()).toEqual(['dying', 'living'])
      await expect.poll(() => listed(), { timeout: 30_000 }).toEqual(['living'])
      // Reads hide an ended lease before the sweep ends its instance; until then a sign of life would renew it.
      const clients = createClients({ url: own.url, auth: { apiKey: apiKeyOf(tenant) } })
      const stopped = async () =>
        (await clients.events.events.list({ query: { type: 'agent.instance-stopped' } })).items.map(({ data }) => data)
      await expect.poll(stopped, { timeout: 30_000 }).toMatchObject([{ reason: 'expired' }])
      expect(await listed('&include_expired=true')).toEqual(['dying', 'living'])
      expect((await tenant.ask('PUT /v1/agents/dying/heartbeat')).status).toBe(404)
      const [living] = (await tenant.get('/v1/agents/discover?consumed_event=a.b')).body.agents
      expect(living).toMatchObject({ agentId: 'living', capabilities: [{ taskName: 'add', consumedEvent: event }] })
      // One agent of Soma with one instance.
      const { items } = await clients.registry.agents.list({ query: {} })
      expect(items.map(({ instances }) => instances.length)).toEqual([1])
    } finally {
      clearInterval(beating)
    }
  } finally {
    await own.stop()
  }
}, 60_000)
