import { buildBoundClient, createHttpTransport, isProblem, newId, type Operation } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { trackerContract } from '@soma/tracker/contract'

/** The ids of what a tenant has: one of every kind. */
export interface Things {
  readonly tenantId: string
  readonly principalId: string
  readonly roleId: string
  readonly bindingId: string
  readonly keyId: string
  readonly planId: string
  readonly taskId: string
  readonly groupId: string
  /** Of sub-tasks of the task. */
  readonly taskGroupId: string
  readonly gateId: string
  readonly subscriptionId: string
  readonly replayId: string
  readonly memberId: string
  /** Of a dead letter. */
  readonly deliveryId: string
  /** Of a delivery that is leased to the member. */
  readonly leasedDeliveryId: string
  readonly eventId: string
  readonly correlationId: string
  readonly traceId: string
  readonly sessionId: string
  readonly factId: string
  readonly episodeId: string
  /** That of the fact. */
  readonly itemId: string
  readonly procedureId: string
  readonly linkId: string
  /** In the working memory of the plan. */
  readonly workingKey: string
  readonly agentName: string
  readonly instanceId: string
  readonly schemaName: string
  readonly type: string
  readonly topic: string
  readonly version: string
}

export interface Caller {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What makes every text of a tenant's things recognisable, wherever it may turn up. */
export const markOf = (tenantId: string): string => `mark-${tenantId}`

/** Makes one of everything by the public operations, and waits until the tracker shows it. */
export async function oneOfEverything({ url, headers }: Caller, tenantId: string): Promise<Things> {
  const clients = createClients({ url, auth: { headers } })
  const mark = markOf(tenantId)
  const people = await makePeople(clients, mark)
  const registered = await register(clients, mark)
  const delivered = await deliver(clients, mark, registered.type)
  const work = await makeWork(clients, mark)
  const remembered = await makeMemory(clients, mark, work.planId)
  const { gateId } = await clients.governance.gates.open({
    body: {
      kind: 'review',
      title: mark,
      payload: { mark },
      subject: { planId: work.planId },
      evidence: [{ label: mark }],
    },
  })
  await untilTracked({ url, headers }, { planId: work.planId, agentName: registered.agentName })
  return { tenantId, ...people, ...registered, ...delivered, ...work, ...remembered, gateId }
}

type Clients = ReturnType<typeof createClients>

async function makePeople({ identity }: Clients, mark: string) {
  const { principalId } = await identity.principals.create({ body: { kind: 'user', displayName: mark } })
  const { roleId } = await identity.roles.create({ body: { name: 'Marked', capabilities: ['plan:read'] } })
  const { bindingId } = await identity.roleBindings.create({ body: { principalId, roleId } })
  const { keyId } = await identity.keys.create({ body: { name: mark, scopes: ['plan:read'] } })
  return { principalId, roleId, bindingId, keyId }
}

async function register({ registry }: Clients, mark: string) {
  const [agentName, schemaName, type, instanceId] = [mark, `${mark}-schema`, 'marked.happened', crypto.randomUUID()]
  await registry.schemas.create({
    body: { name: schemaName, version: '1.0.0', jsonSchema: { type: 'object', title: mark } },
  })
  await registry.events.create({
    body: { topic: 'business-facts', type, description: mark, schema: { name: schemaName, version: '1.0.0' } },
  })
  await registry.instances.register({
    params: { name: agentName, instanceId },
    body: { kind: 'worker', description: mark, agentVersion: '1.0.0', capabilities: [{ name: mark }] },
  })
  return { agentName, schemaName, type, instanceId, topic: 'business-facts', version: '1.0.0' }
}

async function deliver({ events }: Clients, mark: string, type: string) {
  const { id: subscriptionId } = await events.subscriptions.create({
    body: { name: mark, topics: ['business-facts'], types: [type], startAt: 'earliest', leaseMs: 600_000 },
  })
  const memberId = crypto.randomUUID()
  const publish = (key: string) =>
    events.events.publish({
      body: { type, topic: 'business-facts', data: { mark }, partitionKey: key, correlationId: `${mark}-correlation` },
    })
  const params = { subscriptionId }
  const next = async () => {
    const { deliveries } = await events.deliveries.pull({ params, body: { memberId, max: 1, waitMs: 10_000 } })
    const [delivery] = deliveries
    if (delivery === undefined) throw new Error(`nothing was delivered to ${mark}`)
    return delivery
  }
  const { eventId } = await publish('dead')
  const dead = await next()
  await events.deliveries.settle({
    params,
    body: {
      memberId,
      nacks: [
        { deliveryId: dead.deliveryId, attempt: dead.attempt, dead: true, problem: { code: 'poison', detail: mark } },
      ],
    },
  })
  await publish('leased')
  const leased = await next()
  const { id: replayId } = await events.replays.create({ body: { subscriptionId, dryRun: true } })
  return {
    subscriptionId,
    memberId,
    deliveryId: dead.deliveryId,
    leasedDeliveryId: leased.deliveryId,
    eventId,
    replayId,
  }
}

async function makeWork({ plans }: Clients, mark: string) {
  const correlationId = `${mark}-goal`
  const goal = {
    type: 'mark.requested',
    data: { mark },
    eventId: `${mark}-event`,
    correlationId,
    responseType: 'mark.answered',
  }
  const sessionId = newId('ses')
  const plan = await plans.plans.create({ body: { title: mark, goal, sessionId, state: { mark }, inputs: { mark } } })
  const { planId } = plan
  const specs = [{ type: 'step.requested', data: { mark } }]
  const made = await plans.plans.delegate({ params: { planId }, body: { specs, group: true } })
  const taskId = made.taskIds[0] as string
  const task = await plans.tasks.get({ params: { taskId } })
  await plans.tasks.putContext({ params: { taskId }, ifMatch: task.version, body: { state: { mark } } })
  const inside = await plans.tasks.delegate({ params: { taskId }, body: { specs, group: true } })
  const traceId = plan.traceparent.split('-')[1] as string
  const [groupId, taskGroupId] = [made.groupId as string, inside.groupId as string]
  return { planId, taskId, groupId, taskGroupId, correlationId, traceId, sessionId }
}

async function makeMemory({ memory }: Clients, mark: string, planId: string) {
  const { fact } = await memory.facts.create({ body: { content: `The fact is ${mark}.`, metadata: { mark } } })
  const episode = await memory.episodes.create({ body: { agentId: 'marked', role: 'user', content: `Said ${mark}.` } })
  const procedure = await memory.procedures.create({
    body: { agentId: 'marked', name: 'marked', type: 'skill', trigger: `for ${mark}`, content: `Do ${mark}.` },
  })
  const link = await memory.links.create({ body: { fromId: fact.id, relation: 'about', toId: episode.id } })
  const params = { scopeType: 'plan' as const, scopeId: planId, key: `${mark}-key` }
  await memory.working.put({ params, body: { value: { mark } } })
  return {
    factId: fact.id,
    itemId: fact.id,
    episodeId: episode.id,
    procedureId: procedure.id,
    linkId: link.id,
    workingKey: params.key,
  }
}

function notFound(error: unknown): undefined {
  if (!isProblem(error) || error.code !== 'not-found') throw error
}

async function untilTracked(
  { url, headers }: Caller,
  { planId, agentName }: { planId: string; agentName: string },
): Promise<void> {
  const tracker = buildBoundClient(trackerContract, createHttpTransport({ url, headers: () => headers, fetch }))
  for (const deadline = Date.now() + 20_000; ; ) {
    const { items } = await tracker.tasks.list({ query: { planId } })
    const agent = await tracker.agents.metrics({ params: { name: agentName } }).catch(notFound)
    if (items.length > 0 && agent !== undefined) return
    if (Date.now() > deadline) throw new Error(`the tracker does not show ${planId} and ${agentName} after 20 s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The parameters of an operation's path that name a tenant's things. */
export function paramsOf(operation: Operation, things: Things): Record<string, string> | undefined {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
  if (names.length === 0) return undefined
  const named: Record<string, string> = {
    ...things,
    name: operation.path.includes('/schemas/') ? things.schemaName : things.agentName,
    ...{ scopeType: 'plan', scopeId: things.planId, key: things.workingKey },
    ...(operation.path.startsWith('/v1/tasks/') ? { groupId: things.taskGroupId } : {}),
    ...(operation.path.includes('/deliveries/') ? { deliveryId: things.leasedDeliveryId } : {}),
  }
  return Object.fromEntries(names.map((name) => [name, named[name] as string]))
}
