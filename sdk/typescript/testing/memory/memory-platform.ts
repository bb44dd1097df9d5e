import { commonProblems, type Context, type OperationShape, problemSummary, type Transport } from '@soma/kernel'
import * as z from 'zod'
import type { InProcessPlatform } from '../../src/clients/connect.ts'
import { createMemoryClock } from './memory-clock.ts'
import { createMemoryDeliveries } from './memory-deliveries.ts'
import { createMemoryGates } from './memory-gates.ts'
import { createMemoryItems } from './memory-items.ts'
import { createMemoryLog, TENANT } from './memory-log.ts'
import { createMemoryPlans } from './memory-plans.ts'
import { createMemoryPassages } from './memory-passages.ts'
import { createMemoryProcedures } from './memory-procedures.ts'
import { createMemoryRegistry } from './memory-registry.ts'
import { createMemoryTracker } from './memory-tracker.ts'
import { createMemoryWorking, type WorkingPlace } from './memory-working.ts'

interface Call {
  readonly params: Record<string, string>
  readonly query: Record<string, unknown>
  readonly body: never
  readonly ifMatch: number
  readonly idempotencyKey: string | undefined
  readonly signal: AbortSignal
  readonly userId: string | undefined
}

type Handler = (call: Call) => unknown

/** A platform in memory, behind the same transport as the real one: what agents send and read is checked by the same contracts. */
export function createMemoryPlatform() {
  const clock = createMemoryClock()
  const log = createMemoryLog(clock)
  const deliveries = createMemoryDeliveries(log, clock)
  const gates = createMemoryGates(clock)
  const plans = createMemoryPlans({ log, clock, gates })
  const registry = createMemoryRegistry(log, clock)
  const working = createMemoryWorking(clock, plans.planOf)
  const items = createMemoryItems(clock, working)
  const procedures = createMemoryProcedures(clock, items)
  const passages = createMemoryPassages(items, procedures)
  const parts = { clock, log, deliveries, gates, plans, registry, working, items, procedures, passages }
  const handlers = handlersOf(parts)
  const transport: Transport = async ({ contract, noun, verb, operation, context, input }) => {
    const handler = handlers[`${contract.module}.${noun}.${verb}`]
    if (handler === undefined) {
      throw commonProblems.unavailable.create(
        `the test platform has no ${contract.module}.${noun}.${verb}; use the real one`,
      )
    }
    const output = handler({
      params: parse(operation.params, input.params ?? {}, 'params') as Record<string, string>,
      query: parse(operation.query, input.query ?? {}, 'query') as Record<string, unknown>,
      body: parse(operation.body, input.body, 'body') as never,
      ifMatch: input.ifMatch as number,
      idempotencyKey: input.idempotencyKey as string | undefined,
      signal: (input.signal as AbortSignal | undefined) ?? new AbortController().signal,
      userId: context?.userId,
    })
    return outputOf(operation, output)
  }
  const platform: InProcessPlatform = {
    transport,
    authenticate: async ({ headers, traceparent }) => {
      const userId = headers['x-user-id'] ?? deliveries.eventOf(headers['soma-delivery'] ?? '')?.userid
      return { ...ANYBODY, traceparent, ...(userId === undefined ? {} : { userId }) }
    },
  }
  return { ...parts, platform }
}

export type MemoryPlatform = ReturnType<typeof createMemoryPlatform>

const ANYBODY: Omit<Context, 'traceparent'> = {
  tenantId: TENANT,
  spaceId: '',
  principal: { id: 'test', kind: 'agent', roles: [], capabilities: ['*'] },
  actors: [],
  method: 'token',
  region: 'local',
  constitutionHash: 'none',
}

function parse(schema: z.ZodType | undefined, value: unknown, part: string): unknown {
  if (schema === undefined) return value
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw commonProblems.invalidRequest.create(`${part}: ${z.prettifyError(result.error)}`)
}

/** Outputs are held to the contract, so that what is imitated here cannot drift from it unseen. */
function outputOf(operation: OperationShape, output: unknown): unknown {
  if (operation.output === undefined || operation.stream !== undefined) return output
  return parse(operation.output, output, operation.path)
}

const page = (items: readonly unknown[]) => ({ items: [...items], nextCursor: null })

function handlersOf(parts: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> {
  return {
    ...eventHandlers(parts),
    ...registryHandlers(parts),
    ...planHandlers(parts),
    ...taskHandlers(parts),
    ...gateHandlers(parts),
    ...itemHandlers(parts),
    ...procedureHandlers(parts),
    ...workingHandlers(parts),
    ...trackerHandlers(parts),
    ...identityHandlers,
  }
}

function eventHandlers({ log, deliveries, clock }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> {
  return {
    'events.events.publish': ({ body, userId }) => {
      const event = log.admit(body, { userId })
      const isNew = log.append(event)
      return { eventId: event.id, topic: event.topic, recordedAt: clock.iso(), duplicate: !isNew, warnings: [] }
    },
    'events.events.validate': ({ body, userId }) => {
      try {
        log.admit(body, { userId })
        return { valid: true, warnings: [] }
      } catch (error) {
        return { valid: false, warnings: [], problem: problemSummary(error) }
      }
    },
    'events.events.list': ({ query }) =>
      page(
        log.events
          .filter((event) => query.type === undefined || event.type === query.type)
          .filter((event) => query.correlationId === undefined || event.correlationid === query.correlationId)
          .toReversed(),
      ),
    'events.events.stream': ({ query, signal }) => tail(log, query, signal),
    'events.subscriptions.create': ({ body }) => deliveries.subscribe(body),
    'events.subscriptions.list': () => page(deliveries.subscriptions()),
    'events.subscriptions.update': ({ params, body }) => deliveries.update(params.subscriptionId as string, body),
    'events.deliveries.stream': ({ params, query, signal }) =>
      deliveries.join(params.subscriptionId as string, { ...(query as { memberId: string; credits: number }), signal }),
    'events.deliveries.settle': ({ params, body }) => deliveries.settle(params.subscriptionId as string, body),
  }
}

async function* tail(log: MemoryPlatform['log'], query: Record<string, unknown>, signal: AbortSignal) {
  const seen = [...log.events]
  let wake: () => void = () => undefined
  log.onAppend((event) => {
    seen.push(event)
    wake()
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  while (!signal.aborted) {
    const event = seen.shift()
    if (event === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    } else if (
      (query.types as string[] | undefined)?.includes(event.type) !== false &&
      (query.correlationId === undefined || event.correlationid === query.correlationId)
    ) {
      yield { event: 'event', data: event }
    }
  }
}

const registryHandlers = ({ registry }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'registry.instances.register': ({ params, body }) => registry.register(params as never, body),
  'registry.instances.heartbeat': ({ params }) => registry.heartbeat(params as never),
  'registry.instances.deregister': ({ params }) => registry.deregister(params as never),
  'registry.events.list': () => page(registry.events()),
  'registry.events.get': ({ params }) => registry.event(params.topic as string, params.type as string),
  'registry.discovery.search': ({ body }) => registry.discover(body),
  'registry.agents.list': () => page(registry.agents()),
  'registry.agents.get': ({ params }) => registry.agent(params.name as string),
})

const planHandlers = ({ plans }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'plans.plans.create': ({ body }) => plans.createPlan(body),
  'plans.plans.get': ({ params }) => plans.planOf(params.planId as string),
  'plans.plans.list': () => page(plans.plans()),
  'plans.plans.byCorrelation': ({ params }) => plans.byCorrelation(params.correlationId as string),
  'plans.plans.transition': ({ params, body }) => plans.transition(params.planId as string, body),
  'plans.plans.finish': ({ params, body }) => plans.finishPlan(params.planId as string, body),
  'plans.plans.cancel': ({ params, body }) =>
    plans.cancelPlan(params.planId as string, (body as { reason: string }).reason),
  'plans.plans.putState': ({ params, body, ifMatch }) => plans.putState(params.planId as string, body, ifMatch),
  'plans.plans.delegate': ({ params, body }) => plans.delegateInPlan(params.planId as string, body),
  'plans.plans.pause': ({ params, body }) => plans.pause(params.planId as string, (body as { reason: string }).reason),
  'plans.plans.resume': ({ params }) => plans.resume(params.planId as string),
  'plans.groups.get': ({ params }) => plans.group(params.groupId as string),
  'plans.groups.ofPlan': ({ params }) => plans.group(params.groupId as string),
})

const taskHandlers = ({ plans }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'plans.tasks.get': ({ params }) => plans.taskOf(params.taskId as string),
  'plans.tasks.start': ({ params, body }) => plans.startTask(params.taskId as string, body),
  'plans.tasks.getContext': ({ params }) => plans.getContext(params.taskId as string),
  'plans.tasks.putContext': ({ params, body, ifMatch }) => plans.putContext(params.taskId as string, body, ifMatch),
  'plans.tasks.delegate': ({ params, body }) => plans.delegateInTask(params.taskId as string, body),
  'plans.tasks.complete': ({ params, body }) => {
    const { output, reply } = body as { output?: never; reply: boolean }
    return plans.endTask(params.taskId as string, { ok: true, data: output ?? null, reply })
  },
  'plans.tasks.fail': ({ params, body }) => {
    const { problem, reply } = body as { problem: never; reply: boolean }
    return plans.endTask(params.taskId as string, { ok: false, data: { problem }, reply })
  },
  'plans.tasks.progress': ({ params, body }) => plans.progress(params.taskId as string, body),
  'plans.tasks.wait': ({ params, body }) => plans.wait(params.taskId as string, body),
})

const gateHandlers = ({ gates }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'governance.gates.open': ({ body }) => gates.open(body),
  'governance.gates.get': ({ params }) => gates.get(params.gateId as string),
  'governance.gates.list': () => page(gates.list()),
  'governance.gates.decide': ({ params, body }) => gates.decide(params.gateId as string, body),
})

const itemHandlers = ({ items, passages }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'memory.items.remember': ({ body, userId }) => items.remember((body as { items: never[] }).items, userId),
  'memory.items.recall': ({ body, userId }) => items.recall(body, userId),
  'memory.items.retrieve': ({ body, userId }) => passages.retrieve(body, userId),
  'memory.context.build': ({ body, userId }) => passages.build(body, userId),
  'memory.items.get': ({ params, userId }) => items.get(params.itemId as string, userId),
  'memory.items.list': ({ query, userId }) => page(items.list(userId, query.kind as string | undefined)),
  'memory.items.forget': ({ body, userId }) =>
    items.forget((body as { select: { itemIds?: string[] } }).select.itemIds ?? [], userId),
  'memory.links.create': ({ body, userId }) => items.link(body, userId),
})

const procedureHandlers = ({ procedures }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> => ({
  'memory.procedures.get': ({ params, userId }) => procedures.get(params.procedureId as string, userId),
  'memory.procedures.list': ({ userId }) => page(procedures.list(userId)),
  'memory.procedures.activate': ({ params, userId }) => procedures.activate(params.procedureId as string, userId),
  'memory.procedures.retire': ({ params, userId }) => procedures.retire(params.procedureId as string, userId),
  'memory.procedures.select': ({ body, userId }) => procedures.select(body, userId),
  'memory.feedback.create': ({ body, userId }) => procedures.tell(body, userId),
})

function workingHandlers({ working }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> {
  const placeOf = ({ params, userId }: Call): WorkingPlace => ({ ...(params as unknown as WorkingPlace), userId })
  const keyOf = ({ params }: Call): string => params.key as string
  return {
    'memory.working.list': (call) =>
      page(working.list(placeOf(call), call.query as { prefix?: string; limit: number })),
    'memory.working.get': (call) => working.get(placeOf(call), keyOf(call)),
    'memory.working.put': (call) => working.put(placeOf(call), keyOf(call), call.body, call.ifMatch),
    'memory.working.delete': (call) => working.delete(placeOf(call), keyOf(call), call.ifMatch),
    'memory.working.clear': (call) => working.clear(placeOf(call)),
    'memory.working.apply': (call) => working.apply(placeOf(call), keyOf(call), call.body, call.idempotencyKey),
  }
}

function trackerHandlers({ plans, clock }: Omit<MemoryPlatform, 'platform'>): Record<string, Handler> {
  const tracker = createMemoryTracker(plans, clock)
  return {
    'tracker.plans.get': ({ params }) => tracker.progress(params.planId as string),
    'tracker.planTasks.list': ({ params }) => tracker.tasks(params.planId as string),
    'tracker.delegationGroups.get': ({ params }) => tracker.group(params.groupId as string),
  }
}

const identityHandlers: Record<string, Handler> = {
  'identity.me.get': ({ userId = null }) => ({
    ...{ tenantId: TENANT, spaceId: '', principalId: ANYBODY.principal.id, kind: ANYBODY.principal.kind },
    ...{ roles: [], capabilities: ANYBODY.principal.capabilities, userId, method: ANYBODY.method, credentialId: null },
  }),
}
