import type { Operation } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOMES, type Home, openHome } from '../homes/home.ts'
import { type Caller, markOf, oneOfEverything, paramsOf, type Things } from './one-of-everything.ts'
import { OPERATIONS, operationOf } from './operations.ts'
import { type Answer, call, urlOf } from './requests.ts'
import { type Input, inputOf } from './sample.ts'

/** Ids of the right form that nobody has. */
const ABSENT: Things = {
  tenantId: 'tenant-none',
  principalId: 'usr_01h455vb4pex5vsknk084sn02q',
  roleId: 'rol_01h455vb4pex5vsknk084sn02q',
  bindingId: 'bind_01h455vb4pex5vsknk084sn02q',
  keyId: 'key_01h455vb4pex5vsknk084sn02q',
  planId: 'plan_01h455vb4pex5vsknk084sn02q',
  taskId: 'task_01h455vb4pex5vsknk084sn02q',
  groupId: 'grp_01h455vb4pex5vsknk084sn02q',
  taskGroupId: 'grp_01h455vb4pex5vsknk084sn02r',
  gateId: 'gate_01h455vb4pex5vsknk084sn02q',
  subscriptionId: 'sub_01h455vb4pex5vsknk084sn02q',
  memberId: '018f2b6e-6f2b-7cc3-a7d5-2f1e8a4b9c01',
  deliveryId: 'dlv_01h455vb4pex5vsknk084sn02q',
  leasedDeliveryId: 'dlv_01h455vb4pex5vsknk084sn02r',
  replayId: 'rpl_01h455vb4pex5vsknk084sn02q',
  eventId: 'evt_01h455vb4pex5vsknk084sn02q',
  correlationId: 'mark-none-goal',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  sessionId: 'ses_01h455vb4pex5vsknk084sn02q',
  factId: 'fact_01h455vb4pex5vsknk084sn02q',
  itemId: 'fact_01h455vb4pex5vsknk084sn02q',
  episodeId: 'epi_01h455vb4pex5vsknk084sn02q',
  procedureId: 'proc_01h455vb4pex5vsknk084sn02q',
  linkId: 'link_01h455vb4pex5vsknk084sn02q',
  workingKey: 'mark-none-key',
  agentName: 'mark-none',
  instanceId: '018f2b6e-6f2b-7cc3-a7d5-2f1e8a4b9c02',
  schemaName: 'mark-none-schema',
  type: 'nothing.happened',
  topic: 'business-facts',
  version: '1.0.0',
}

/** Operations whose answer about a foreign id is neither 404 nor 403, because each tenant has its own thing of that name. */
const OWN_BY_NAME = new Set(['events.topics.get', 'registry.instances.register'])

/** What is found by a name that nobody owns is an empty list, not 404: the member that holds it. */
const BY_NAME: Readonly<Record<string, string>> = {
  'tracker.traces.get': 'entries',
  'tracker.correlations.get': 'entries',
  'tracker.session-plans.list': 'items',
}

/** No tenant's principal holds `platform:operate`: of rebuilds another test shows whose they are. */
const NO_TENANTS = new Set(['internal', 'public', 'platform:operate'])
const probed = OPERATIONS.filter(({ id, capability }) => !NO_TENANTS.has(capability) && !OWN_BY_NAME.has(id))

/** The least input, with the ids of things wherever a field of that name stands, in path, query or body. */
function inputAbout(operation: Operation, things: Things): Input {
  const input = inputOf(operation)
  const params = paramsOf(operation, things)
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) =>
        name in things && typeof member === 'string' && name !== 'type' && name !== 'topic' && name !== 'version'
          ? [name, things[name as keyof Things]]
          : [name, replace(member)],
      ),
    )
  }
  return { ...(replace(input) as Input), ...(params === undefined ? {} : { params }) }
}

/** Shorter ones are words of the platform: versions, topics. */
const MASKED_FROM = 'tenant-a'.length

/** An answer without what may differ: the ids that were asked for, traces, times and how far a projection is behind. */
function masked({ status, text }: Answer, things: Things): string {
  let body = text
  const longestFirst = Object.values(things).toSorted((left, right) => right.length - left.length)
  for (const value of longestFirst) if (value.length >= MASKED_FROM) body = body.replaceAll(value, '<id>')
  const stable = body
    .replaceAll(/"traceId":"[0-9a-f]{32}"/g, '"traceId":"<trace>"')
    .replaceAll(/"lagMs":\d+/g, '"lagMs":0')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
  return `${status} ${stable}`
}

describe.each(HOMES)('two tenants in %s', (name) => {
  let home: Home
  let a: Things
  let ours: Caller
  let theirs: readonly Caller[]

  beforeAll(async () => {
    home = await openHome(name)
    const named = (tenant: string) => ({
      url: home.url,
      headers: { 'x-tenant-id': tenant, 'x-user-id': `user-${tenant}` },
    })
    ours = named('tenant-a')
    a = await oneOfEverything(ours, 'tenant-a')
    const byHeaders = named('tenant-b')
    const { secret } = await createClients({
      url: home.url,
      auth: { headers: byHeaders.headers },
    }).identity.keys.create({
      body: { name: 'b', scopes: await all(byHeaders) },
    })
    theirs = [byHeaders, { url: home.url, headers: { authorization: `Bearer ${secret}` } }]
  }, 120_000)
  afterAll(() => home.stop(), 120_000)

  test('the owner finds what the probes look for', async () => {
    const reads = probed.filter(
      ({ method, params, stream }) => method === 'GET' && params !== undefined && stream === undefined,
    )
    const lost: string[] = []
    for (const operation of reads) {
      const answer = await call(home.url, operation, { input: inputAbout(operation, a), headers: { ...ours.headers } })
      if (answer.status !== 200) lost.push(`${operation.id}: ${answer.status} ${answer.text.slice(0, 200)}`)
    }
    expect(lost).toEqual([])
  }, 60_000)

  test('no operation tells or changes anything of the other tenant: its ids look like ids that do not exist', async () => {
    const complaints: string[] = []
    for (const { headers } of theirs) {
      for (const operation of probed) {
        const ask = (things: Things) =>
          call(home.url, operation, { input: inputAbout(operation, things), headers: { ...headers } })
        const [foreign, absent] = [await ask(a), await ask(ABSENT)]
        const about = `${operation.method} ${urlOf(operation, inputAbout(operation, a))}`
        if (foreign.text.replaceAll(a.agentName, '').includes('"mark"'))
          complaints.push(`${about} tells: ${foreign.text.slice(0, 300)}`)
        if (operation.params === undefined) continue
        if (masked(foreign, a) !== masked(absent, ABSENT))
          complaints.push(
            `${about} differs: ${masked(foreign, a).slice(0, 300)} | ${masked(absent, ABSENT).slice(0, 300)}`,
          )
        const found = foreign.json?.[BY_NAME[operation.id] ?? '']
        const isEmpty = foreign.status === 200 && found?.length === 0
        if (![403, 404].includes(foreign.status) && !isEmpty)
          complaints.push(`${about}: ${foreign.status} ${foreign.text.slice(0, 200)}`)
      }
    }
    expect(complaints).toEqual([])
  }, 120_000)

  test('ids in queries and bodies find nothing of the other tenant either', async () => {
    const complaints: string[] = []
    for (const { headers } of theirs) {
      const clients = createClients({ url: home.url, auth: { headers } })
      const { id: own } = await ownSubscription(clients)
      const ask = async (probe: Probe, things: Things): Promise<string> => {
        const operation = operationOf(probe.id)
        const input = { ...inputOf(operation), ...probe.input(things, own) }
        return masked(await call(home.url, operation, { input, headers: { ...headers } }), things)
      }
      for (const probe of PROBES) {
        const [foreign, absent] = [await ask(probe, a), await ask(probe, ABSENT)]
        if (foreign !== absent || foreign.startsWith('5')) complaints.push(`${probe.id}: ${foreign} | ${absent}`)
      }
    }
    expect(complaints).toEqual([])
  }, 60_000)

  test('no list of the other tenant shows a row', async () => {
    const lists = probed.filter(
      ({ method, params, stream }) => method === 'GET' && params === undefined && stream === undefined,
    )
    const words = [
      markOf(a.tenantId),
      a.planId,
      a.taskId,
      a.gateId,
      a.keyId,
      a.subscriptionId,
      a.deliveryId,
      a.principalId,
      a.roleId,
      a.factId,
      a.episodeId,
      a.procedureId,
      a.linkId,
    ]
    const complaints: string[] = []
    for (const { headers } of theirs) {
      for (const operation of lists) {
        const { status, text } = await call(home.url, operation, { input: inputOf(operation), headers: { ...headers } })
        if (![200, 403].includes(status) || words.some((word) => text.includes(word)))
          complaints.push(`${operation.id}: ${status} ${text.slice(0, 300)}`)
      }
    }
    expect(complaints).toEqual([])
  }, 60_000)

  test('no stream of the other tenant carries a frame', async () => {
    const [{ headers }] = theirs as [Caller]
    const streams: [string, string][] = [
      ['/v1/events/stream?from=earliest', 'event'],
      ['/v1/governance/gates/stream', 'gate'],
    ]
    const heard = await Promise.all(streams.map(([path]) => listen(home.url + path, headers)))
    const clients = createClients({ url: home.url, auth: { headers: ours.headers } })
    await clients.governance.gates.comment({ params: { gateId: a.gateId }, body: { text: markOf(a.tenantId) } })
    await clients.events.events.publish({
      body: { type: a.type, topic: 'business-facts', data: { mark: markOf(a.tenantId) } },
    })
    // What B hears last is its own: by then everything of A from before would have come.
    const own = createClients({ url: home.url, auth: { headers } })
    await own.governance.gates.open({ body: { kind: 'review', title: 'the last one', payload: 1 } })
    const texts = await Promise.all(heard.map((stream) => stream.until('the last one', 'gate.opened')))
    for (const text of texts) {
      expect(text).not.toContain(markOf(a.tenantId))
      expect(text).not.toContain(a.gateId)
    }
  }, 60_000)

  test('nothing of the first tenant has changed', async () => {
    const clients = createClients({ url: home.url, auth: { headers: ours.headers } })
    expect(await clients.plans.plans.get({ params: { planId: a.planId } })).toMatchObject({ status: 'running' })
    expect(await clients.identity.keys.get({ params: { keyId: a.keyId } })).toMatchObject({
      status: 'active',
      version: 1,
    })
    expect(await clients.events.subscriptions.get({ params: { subscriptionId: a.subscriptionId } })).toMatchObject({
      state: 'active',
    })
    expect(await clients.events.deadLetters.get({ params: { deliveryId: a.deliveryId } })).toMatchObject({
      state: 'open',
    })
    const gate = await clients.governance.gates.get({ params: { gateId: a.gateId } })
    expect(gate).toMatchObject({ status: 'open', votes: [] })
    expect((await clients.registry.agents.get({ params: { name: a.agentName } })).instances).toHaveLength(1)
  }, 60_000)
})

async function all({ url, headers }: Caller): Promise<string[]> {
  const { capabilities } = await createClients({ url, auth: { headers } }).identity.me.get()
  return [...capabilities].slice(0, 300)
}

const ownSubscription = async (clients: ReturnType<typeof createClients>) =>
  (await clients.events.subscriptions.list({ query: { name: 'own' } })).items[0] ??
  clients.events.subscriptions.create({ body: { name: 'own', topics: ['business-facts'] } })

interface Probe {
  readonly id: string
  readonly input: (things: Things, ownSubscriptionId: string) => Input
}

const query = (id: string, fields: (things: Things) => Record<string, string>): Probe => ({
  id,
  input: (things) => ({ query: fields(things) }),
})
const body = (id: string, fields: (things: Things) => Record<string, unknown>): Probe => ({
  id,
  input: (things) => ({ body: fields(things) }),
})
const step = { type: 'step.requested', data: {} }

/** Where an id stands outside the path. */
const PROBES: readonly Probe[] = [
  query('plans.plans.list', ({ planId }) => ({ parentPlanId: planId })),
  query('plans.tasks.list', ({ planId }) => ({ planId })),
  query('plans.tasks.list', ({ taskId }) => ({ parentTaskId: taskId })),
  query('plans.tasks.list', ({ taskId }) => ({ subTaskId: taskId })),
  query('plans.tasks.list', ({ groupId }) => ({ groupId })),
  query('tracker.tasks.list', ({ planId }) => ({ planId })),
  query('tracker.plans.list', ({ planId }) => ({ parentPlanId: planId })),
  query('memory.items.list', ({ planId }) => ({ planId })),
  query('memory.facts.list', ({ planId }) => ({ planId })),
  query('memory.episodes.list', ({ planId }) => ({ planId })),
  query('memory.procedures.list', ({ planId }) => ({ planId })),
  query('memory.links.list', ({ itemId }) => ({ fromId: itemId })),
  query('memory.links.list', ({ itemId }) => ({ toId: itemId })),
  query('governance.gates.list', ({ planId }) => ({ planId })),
  query('events.events.list', ({ eventId }) => ({ id: eventId })),
  query('events.events.list', ({ correlationId }) => ({ correlationId })),
  query('events.events.list', ({ planId }) => ({ planId })),
  query('events.lag.list', ({ subscriptionId }) => ({ subscriptionId })),
  query('events.dead-letters.list', ({ subscriptionId }) => ({ subscriptionId })),
  query('events.dead-letters.causes', ({ subscriptionId }) => ({ subscriptionId })),
  query('identity.keys.list', ({ principalId }) => ({ principalId })),
  query('identity.role-bindings.list', ({ principalId }) => ({ principalId })),
  query('identity.access.get', ({ principalId }) => ({ principalId, capability: 'plan:read' })),
  query('registry.agents.list', ({ agentName }) => ({ capability: agentName })),
  query('registry.events.list', ({ agentName }) => ({ producer: agentName })),
  body('plans.tasks.create', ({ planId }) => ({ ...step, planId })),
  body('plans.tasks.create', ({ taskId }) => ({ ...step, parentTaskId: taskId })),
  body('plans.plans.create', ({ planId }) => ({ title: 'child', parentPlanId: planId })),
  body('memory.items.recall', ({ planId }) => ({ query: 'mark fact said', planId })),
  body('memory.items.recall', ({ planId }) => ({ query: 'fact', scopes: [{ type: 'plan', id: planId }] })),
  body('memory.items.retrieve', ({ planId }) => ({ query: 'mark fact said', planId })),
  body('memory.context.build', ({ planId }) => ({ budgetTokens: 128, planId })),
  body('memory.procedures.select', ({ planId }) => ({ agentId: 'marked', context: 'mark', planId })),
  body('memory.feedback.create', ({ procedureId }) => ({ itemIds: [procedureId], outcome: 'useful' })),
  body('memory.items.remember', ({ planId }) => ({ items: [{ content: 'x', scope: { type: 'plan', id: planId } }] })),
  body('memory.items.forget', ({ itemId }) => ({ select: { itemIds: [itemId] } })),
  body('memory.items.forget', ({ planId }) => ({ select: { planId } })),
  body('memory.links.create', ({ itemId, episodeId }) => ({ fromId: itemId, relation: 'about', toId: episodeId })),
  body('memory.links.expand', ({ itemId }) => ({ startIds: [itemId] })),
  body('identity.keys.create', ({ principalId }) => ({ principalId, name: 'x', scopes: ['plan:read'] })),
  body('identity.role-bindings.create', ({ principalId }) => ({ principalId, roleId: 'Observer' })),
  body('identity.principals.create', ({ principalId }) => ({ kind: 'agent', displayName: 'x', ownerId: principalId })),
  body('registry.heartbeats.create', ({ instanceId }) => ({ instances: [{ instanceId }] })),
  body('events.dead-letters.replay-many', ({ subscriptionId }) => ({ filter: { subscriptionId }, note: 'x' })),
  {
    id: 'events.deliveries.settle',
    input: ({ memberId, leasedDeliveryId }, subscriptionId) => ({
      params: { subscriptionId },
      body: { memberId, acks: [{ deliveryId: leasedDeliveryId, attempt: 1 }] },
    }),
  },
]

/** Reads a stream until one of the words has come. */
async function listen(url: string, headers: Readonly<Record<string, string>>) {
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  return {
    async until(...words: string[]): Promise<string> {
      const decoder = new TextDecoder()
      let text = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += decoder.decode(value, { stream: true })
        if (!words.some((word) => text.includes(word))) continue
        await reader.cancel()
        return text
      }
    },
  }
}
