import { eventsContract } from '@soma/events/contract'
import { identityContract } from '@soma/identity/contract'
import {
  type Delivered,
  defineModule,
  type EventEnvelope,
  type Front,
  type FrontListener,
  onTopic,
  use,
} from '@soma/kernel'
import { memoryContract } from '@soma/memory/contract'
import { plansContract } from '@soma/plans/contract'
import { registryContract } from '@soma/registry/contract'
import { trackerContract } from '@soma/tracker/contract'
import { createCallers } from './auth/callers.ts'
import { createKeySources } from './auth/key-sources.ts'
import { createProve } from './auth/prove.ts'
import { createTokenVerifier } from './auth/token-verifier.ts'
import { soormaContract, type SoormaSettings } from './contract.ts'
import { eventRoutes } from './events/routes.ts'
import { createEventTypes } from './events/types.ts'
import { identityRoutes } from './identity/routes.ts'
import { memoryRoutes } from './memory/routes.ts'
import { registryRoutes } from './registry/routes.ts'
import { documentRoutes, serviceRoutes } from './service-routes.ts'
import { TRACKED_TOPICS, toPlanEvent } from './tracker/plan-events.ts'
import { trackerRoutes } from './tracker/routes.ts'
import { deleteOldPlanEvents, insertPlanEvent } from './tracker/store.ts'
import { createCrossOrigin } from './wire/cross-origin.ts'
import { createAnswer, PREFIX } from './wire/front.ts'
import { SERVICES } from './wire/route.ts'

/** What the edge needs from the world. */
export interface SoormaPorts {
  readonly version: string
  /** Of the installation, as clients reach it. */
  readonly publicUrl: string
  readonly isProduction: boolean
  /** What keeps the log, by name. */
  readonly bus: string
  /** First segments of the platform's own event types. */
  readonly reservedNouns: ReadonlySet<string>
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
}

const uses = {
  identity: use(identityContract, {
    'credentials.verify': [],
    'credentials.resolve': [],
    'dialectPrincipals.ensure': [],
    'dialectTokens.create': [],
    'dialectKeys.list': [],
    // Whoever onboards has proven the superuser's key and is no principal; a tenant's administrator asks only whether a domain exists.
    'tenants.create': ['tenant:manage'],
    'tenants.get': ['tenant:manage', 'tenant:read'],
    'principals.create': [],
    // Who owns a name is asked for whoever may register under it.
    'principals.get': ['principal:read'],
    'principals.enable': [],
    'principals.disable': [],
    'roles.list': [],
    'roles.create': [],
    'roleBindings.list': [],
    'roleBindings.create': [],
    'roleBindings.delete': [],
    'keys.rotate': [],
  }),
  events: use(eventsContract, {
    // Whom a caller may name is this edge's to say (SOO-R7); groups are the tenant's, whoever of it opened the first stream.
    'dialectEvents.publish': ['principal:act-for'],
    'subscriptions.create': [],
    'subscriptions.get': [],
    'subscriptions.update': ['subscription:manage'],
    'deliveries.stream': [],
    'deliveries.settle': [],
    // The request that a failure answers: whoever gets the answer of its group gets what it was about.
    'events.get': ['event:read'],
    'events.validate': ['principal:act-for'],
  }),
  registry: use(registryContract, {
    // In the dialect names are the tenant's; which of them may be taken is this edge's to say.
    'instances.register': ['agent:manage'],
    'instances.heartbeat': ['agent:manage'],
    'instances.deregister': ['agent:manage'],
    'agents.list': [],
    'agents.get': [],
    'events.create': ['agent:manage'],
    'events.get': [],
    'events.list': [],
    'schemas.create': ['agent:manage'],
    'schemas.get': [],
    'schemas.getVersion': [],
    'schemas.list': [],
  }),
  plans: use(plansContract, {
    'plans.create': [],
    'plans.get': [],
    'plans.byCorrelation': [],
    'plans.putState': [],
    'plans.pause': [],
    'plans.resume': [],
    'plans.finish': [],
    'plans.cancel': [],
    'tasks.getContext': [],
    'tasks.putContext': [],
    'tasks.deleteContext': [],
    'tasks.complete': [],
  }),
  memory: use(memoryContract, {
    'facts.create': [],
    'facts.get': [],
    'facts.update': [],
    'facts.delete': [],
    'facts.list': [],
    'episodes.create': [],
    'episodes.list': [],
    'items.recall': [],
    'procedures.select': [],
    'working.get': [],
    'working.put': [],
    'working.delete': [],
    'working.clear': [],
    'working.list': [],
    // Whoever erases has proven the key of memory's administrator.
    'items.forget': ['memory:forget', 'memory:manage'],
  }),
  tracker: use(trackerContract, {
    'plans.list': [],
    'plans.get': [],
    'planTasks.list': [],
    'planTimeline.list': [],
    'planHierarchy.get': [],
    'delegationGroups.get': [],
    'agents.metrics': [],
  }),
}

/** The dialect of Soorma Core 0.9.1: a front, and no operation of its own. */
export const soormaEdge = defineModule<typeof soormaContract, typeof uses, SoormaPorts>({
  contract: soormaContract,
  uses,
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ clients, database, settings, clock, log, metrics, ports }) => {
    if (!settings.enabled) return { operations: {} }
    const { identity, events, registry, plans, memory, tracker } = clients
    const { isProduction, version, publicUrl, bus: adapter, draining } = ports
    const verify = createTokenVerifier({
      settings,
      sources: createKeySources({ settings, clock, log }),
      ownKey: async (kid) => {
        const { keys } = await identity.dialectKeys.list(database.moduleContext('platform'), {
          params: { dialect: 'soorma' },
        })
        return keys.find((key) => key.kid === kid)
      },
      isProduction,
      clock,
      metrics,
    })
    const types = createEventTypes(ports.reservedNouns)
    const { justInTimeTenants, superuserKey } = settings
    const callerOf = createCallers({ identity, database, clock, justInTimeTenants })
    const routes = [
      ...serviceRoutes(version, isProduction),
      ...identityRoutes({ identity, database, clock, publicUrl, isProduction, log }),
      ...eventRoutes({ events, database, settings, draining, adapter, log, types }),
      ...registryRoutes({ registry, identity, database, types, ttlMs: settings.agentTtlSeconds * 1000 }),
      ...memoryRoutes({ plans, memory, database, types, settings }),
      ...trackerRoutes({ tracker, plans, database, types }),
    ]
    const front: Front = {
      prefix: PREFIX,
      listeners: listenersOf(settings, isProduction),
      ...createAnswer({
        routes: [...routes, ...documentRoutes(routes, version)],
        prove: createProve({ verify, callerOf, identity, database, superuserKey }),
        crossOrigin: createCrossOrigin(settings.allowedOrigins),
        log,
        metrics,
      }),
    }
    return { operations: {}, front, handlers: TRACKED_TOPICS.map((topic) => onTopic(topic, '*', track, isTracked)) }
  },
})

const isTracked = (event: EventEnvelope): boolean => toPlanEvent(event) !== undefined

async function track({ event, tx }: Delivered): Promise<void> {
  const said = toPlanEvent(event)
  if (said === undefined) return
  await insertPlanEvent(tx, said)
  await deleteOldPlanEvents(tx)
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** @throws Error where production would listen in plain text beyond this machine */
function listenersOf({ legacyPorts, legacyHost }: SoormaSettings, isProduction: boolean): FrontListener[] {
  if (isProduction && legacyPorts.length > 0 && !LOOPBACK.has(legacyHost))
    throw new Error(
      `production does not serve soorma.legacyPorts on ${legacyHost} in plain text: leave soorma.legacyHost on loopback and put TLS in front`,
    )
  return legacyPorts.map((port, index) => ({
    host: legacyHost,
    port,
    prefix: `${PREFIX}/${SERVICES[index]}`,
    setting: 'soorma.legacyPorts',
  }))
}
