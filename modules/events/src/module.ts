import { principalErased, tenantDeleting } from '@soma/identity/contract'
import { commonProblems, defineModule, type Handlers, holds, type ModuleEnvironment, on, use } from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { eventsContract } from '../contract/index.ts'
import { createConnections } from './connections.ts'
import { createDeadLetterService } from './dead-letters/service.ts'
import { createDispatch } from './dispatch/dispatch.ts'
import { createDeliveryService } from './dispatch/service.ts'
import { createSignsOfLife } from './dispatch/signs-of-life.ts'
import { createErasureJob } from './erasure/job.ts'
import { requestErasure } from './erasure/requests.ts'
import { createIdleRemoval, createSweep } from './jobs.ts'
import { createLagService } from './lag/service.ts'
import { createLagWatch } from './lag/watch.ts'
import { createLogService } from './log/service.ts'
import { createTailHub } from './log/tail-hub.ts'
import { createTailService } from './log/tail-service.ts'
import type { EventsPorts } from './ports.ts'
import type { AdmissionOptions } from './publishing/admission.ts'
import { createConsumers } from './publishing/consumers.ts'
import { createDailyBytes } from './publishing/daily-bytes.ts'
import { createDefinitions } from './publishing/definitions.ts'
import { createEventRate } from './publishing/event-rate.ts'
import { createInspection } from './publishing/inspection.ts'
import { createReplyContracts } from './publishing/reply-contracts.ts'
import { createKeeper } from './push/keeper.ts'
import { createPushTargets } from './push/targets.ts'
import { requestReply } from './publishing/request.ts'
import { createPublishing } from './publishing/service.ts'
import { createViolations } from './publishing/violations.ts'
import { createReplayRunner } from './replays/runner.ts'
import { createReplayService } from './replays/service.ts'
import { createScheduledService } from './scheduled/service.ts'
import { createSubscriptionService } from './subscriptions/service.ts'
import { createTopicLimits } from './topics/limits.ts'
import { createTopicService } from './topics/service.ts'
import { createWriter } from './writer/writer.ts'

export type { EventsPorts, Recorder } from './ports.ts'
export { joinReplayPlaces } from './replays/store.ts'

const uses = {
  registry: use(registryContract, {
    'events.get': ['event-definition:read'],
    'schemas.getVersion': ['schema:read'],
    'heartbeats.create': ['agent:register'],
  }),
}

type Environment = ModuleEnvironment<typeof eventsContract, typeof uses, EventsPorts>

export const eventsModule = defineModule<typeof eventsContract, typeof uses, EventsPorts>({
  contract: eventsContract,
  uses,
  migrations: new URL('../migrations/', import.meta.url),
  create: (environment) => {
    const services = createServices(environment)
    return {
      operations: operationsOf(services),
      handlers: handlersOf(environment.settings.erasureDelayMs),
      jobs: [
        createErasureJob({ ...environment, ...environment.ports }),
        createSweep({ busTransaction: environment.ports.busTransaction, dedupeMs: environment.settings.dedupeMs }),
        createIdleRemoval({ ...environment.ports, clock: environment.clock }),
        createLagWatch({ ...environment, ...environment.ports, lagSloMs: environment.settings.lagSloMs }),
      ],
      stop: async () => {
        services.stopForgetting()
        services.signsOfLife.close()
        services.hub.close()
        services.definitions.close()
        services.limits.close()
        await Promise.allSettled([services.runner.close()])
        await services.keeper.close()
        await services.dispatch.close()
        await services.dailyBytes.close()
      },
    }
  },
})

function createServices({ database, clients, settings, clock, log, metrics, ports }: Environment) {
  const { bus, reader, busTransaction, recorder, draining = new AbortController().signal } = ports
  const writer = createWriter({
    busTransaction,
    recorder,
    clock,
    dedupeMs: settings.dedupeMs,
    isShared: ports.nodes !== undefined,
  })
  const definitions = createDefinitions({ registry: clients.registry, compiler: ports.schemaCompiler, reader })
  const connections = createConnections(() => clock.now(), metrics)
  const hub = createTailHub(reader)
  const limits = createTopicLimits({ busTransaction, reader, configured: settings })
  const admission: AdmissionOptions = {
    definitions,
    replyContracts: createReplyContracts({ database, definitions }),
    metrics,
    reservedNouns: ports.reservedNouns,
    validation: settings.validation,
    maxEventBytes: async (topic) => (await limits.of(topic)).maxEventBytes,
  }
  const leases: Parameters<typeof createDispatch>[0]['leases'] = new Map()
  const dispatch = createDispatch({
    writer,
    reader,
    clock,
    log,
    metrics,
    busTransaction,
    recorder,
    nodes: ports.nodes,
    bus,
    leases,
    maxParked: settings.maxParked,
    inspect: createInspection({ ...admission, database }),
  })
  const { groups, guests } = dispatch
  const signsOfLife = createSignsOfLife({ registry: clients.registry, log, draining })
  const stopForgetting = ports.erasures.onErased((subject) => {
    groups.erased(subject).catch((error: unknown) => log.warn('a dispatcher cannot be ended', { error }))
  })
  const consumers = createConsumers({ busTransaction })
  const dailyBytes = createDailyBytes({ busTransaction, clock, log, quotaBytes: settings.quotaBytesPerDay })
  const publishingOptions = {
    ...admission,
    consumers,
    writer,
    clock,
    quota: createEventRate({ busTransaction, log, perSecond: settings.quotaEventsPerSecond }),
    dailyBytes,
    violations: createViolations({ clock, database }),
    outboxRows: ports.outboxRows ?? (() => 0),
    outboxHighWater: settings.outboxHighWater,
  }
  const publishing = createPublishing(publishingOptions)
  return {
    stopForgetting,
    signsOfLife,
    dailyBytes,
    hub,
    definitions,
    limits,
    connections,
    dispatch,
    publishing,
    ofDialects: createPublishing({ ...publishingOptions, validation: 'warn' }),
    request: { publishing, consumers, reader, database, draining },
    keeper: createKeeper({ ...ports, database, groups, publishing, clock, log, metrics }),
    log: createLogService({ database }),
    tails: createTailService({
      database,
      reader,
      bus,
      hub,
      connections,
      metrics,
      tailMaxLag: settings.tailMaxLag,
      quotaStreams: settings.quotaStreams,
    }),
    scheduled: createScheduledService({ database }),
    topics: createTopicService({ reader, busTransaction, recorder, limits, clock }),
    subscriptions: createSubscriptionService({
      database,
      bus,
      reader,
      quotaSubscriptions: settings.quotaSubscriptions,
      targets: createPushTargets({ ...ports, clock }),
      changed: groups.changed,
      removed: groups.removed,
      restarted: groups.restarted,
    }),
    deliveries: createDeliveryService({
      database,
      groups,
      guests,
      publishing,
      connections,
      signsOfLife,
      leases,
      bus,
      reader,
      quotaMembers: settings.quotaMembers,
      draining,
    }),
    lag: createLagService({ database, reader, clock, lagSloMs: settings.lagSloMs }),
    replays: createReplayService({ database, bus, reader, busTransaction, restarted: groups.restarted }),
    runner: createReplayRunner({
      groups,
      reader,
      busTransaction,
      recorder,
      clock,
      log,
      metrics,
      wakeModuleGroup: ports.wakeModuleGroup,
    }),
    deadLetters: createDeadLetterService({
      database,
      clock,
      metrics,
      checkEdited: publishing.checkEdited,
      rowsChanged: groups.rowsChanged,
      wakeModuleGroup: ports.wakeModuleGroup,
    }),
  }
}

/** Whose data is erased stands in the fact; its schema is checked here, because an empty user id would be the whole tenant. */
const handlersOf = (delayMs: number) => [
  on(tenantDeleting, ({ event, tx }) =>
    requestErasure(
      tx,
      { tenantId: tenantDeleting.data.parse(event.data).tenantId, userId: '' },
      { fact: event, delayMs },
    ),
  ),
  on(principalErased, ({ event, tx }) => {
    const { principalId } = principalErased.data.parse(event.data)
    return requestErasure(tx, { tenantId: event.tenantid, userId: principalId }, { fact: event, delayMs })
  }),
]

type Services = ReturnType<typeof createServices>

function operationsOf(services: Services): Handlers<typeof eventsContract> {
  const {
    publishing,
    ofDialects,
    log,
    tails,
    scheduled,
    topics,
    subscriptions,
    deliveries,
    lag,
    deadLetters,
    replays,
  } = services
  return {
    events: {
      publish: (context, call) => publishing.publish(context, call.body, () => call.newId('evt')),
      validate: (context, call) => publishing.validate(context, call.body) as never,
      publishBatch: async (context, { body, query, newId }) => ({
        results: await publishing.publishBatch(context, body.events, {
          atomic: query.atomic,
          newEventId: () => newId('evt'),
        }),
      }),
      request: (context, { body, newId, signal }) =>
        requestReply(context, body, { ...services.request, signal, newEventId: () => newId('evt') }) as never,
      list: (context, call) => log.list(context, call.query) as never,
      get: (context, call) => log.get(context, call.params.eventId, call.query.source) as never,
      stream: (context, { query, lastEventId, signal }) =>
        tails.stream(context, query, { signal, ...(lastEventId === undefined ? {} : { lastEventId }) }) as never,
    },
    dialectEvents: {
      publish: async (context, { body, newId }) => {
        // The edge calls as a module in the name of the caller, whose right to publish is looked at here.
        if (!holds(context.principal, 'event:publish'))
          throw commonProblems.forbidden.create('publishing needs the capability "event:publish"', {
            capability: 'event:publish',
          })
        return ofDialects.publish(context, body, () => newId('evt'))
      },
    },
    scheduled: {
      list: (context, call) => scheduled.list(context, call.query) as never,
      delete: (context, call) => scheduled.delete(context, call.params.eventId, call.query.source) as never,
    },
    topics: {
      list: () => topics.list(),
      get: (_context, call) => topics.get(call.params.topic),
      update: (context, call) => topics.update(context, call.params.topic, call.body),
    },
    subscriptions: {
      create: (context, call) => subscriptions.create(context, call.body, call.newId('sub')),
      list: (context, call) => subscriptions.list(context, call.query),
      get: (context, call) => subscriptions.get(context, call.params.subscriptionId),
      update: (context, call) =>
        subscriptions.update(context, call.params.subscriptionId, { changes: call.body, version: call.ifMatch }),
      delete: (context, call) => subscriptions.delete(context, call.params.subscriptionId, call.ifMatch) as never,
      pause: (context, call) => subscriptions.pause(context, call.params.subscriptionId, call.body.note),
      seek: (context, call) => subscriptions.seek(context, call.params.subscriptionId, call.body),
      rotateSecret: (context, call) => subscriptions.rotateSecret(context, call.params.subscriptionId, call.body),
      resume: (context, call) => subscriptions.resume(context, call.params.subscriptionId, call.body.note),
    },
    deliveries: {
      stream: (context, { params, query, signal }) =>
        deliveries.stream(context, params.subscriptionId, { join: query, signal }) as never,
      pull: (context, { params, body, signal }) =>
        deliveries.pull(context, params.subscriptionId, { ...body, signal }) as never,
      settle: (context, call) => deliveries.settle(context, call.params.subscriptionId, call.body),
      list: (context, call) => deliveries.list(context, call.params.subscriptionId, call.query),
      context: (context, call) => deliveries.context(context, call.params.deliveryId),
    },
    lag: { list: (context, call) => lag.list(context, call.query) },
    connections: {
      list: async (context) => ({
        items: services.connections
          .of(context)
          .map(({ kind, context: of, subscriptionId, memberId, agentInstanceId, load, connectedAt }) => ({
            kind,
            principalId: of.principal.id,
            connectedAt,
            ...(subscriptionId === undefined ? {} : { subscriptionId }),
            ...(memberId === undefined ? {} : { memberId }),
            ...(agentInstanceId === undefined ? {} : { agentInstanceId }),
            ...load?.(),
          })),
      }),
    },
    replays: {
      create: (context, call) => replays.create(context, call.body, call.newId('rpl')),
      get: (context, call) => replays.get(context, call.params.replayId),
      cancel: (context, call) => replays.cancel(context, call.params.replayId),
    },
    deadLetters: {
      list: (context, call) => deadLetters.list(context, call.query),
      causes: (context, call) => deadLetters.causes(context, call.query),
      get: (context, call) => deadLetters.get(context, call.params.deliveryId),
      replay: (context, { params, body, newId }) =>
        deadLetters.replay(context, params.deliveryId, { ...body, newEventId: () => newId('evt') }),
      replayMany: (context, call) => deadLetters.replayMany(context, call.body),
      purge: (context, call) => deadLetters.purge(context, call.query),
      discard: (context, call) => deadLetters.discard(context, call.params.deliveryId, call.body.note),
    },
  }
}
