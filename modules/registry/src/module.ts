import { eventsContract } from '@soma/events/contract'
import { principalDisabled } from '@soma/identity/contract'
import { type Context, defineModule, on, use } from '@soma/kernel'
import { registryContract } from '../contract/index.ts'
import { createAgentChanges } from './agents/change.ts'
import { createRegister } from './agents/register.ts'
import { createAgentService, deregisterPrincipal } from './agents/service.ts'
import type { Sign } from './agents/store.ts'
import { createSweep } from './agents/sweep.ts'
import { createAsyncApiService } from './asyncapi/service.ts'
import { builtInEmbedder } from './discovery/built-in-embedder.ts'
import { createDiscoveryService } from './discovery/service.ts'
import { createDefinitionLifeCycle } from './event-definitions/life-cycle.ts'
import { createEventDefinitionService } from './event-definitions/service.ts'
import { createGraphService } from './graph/service.ts'
import { nounsOf, registerPlatformEvents } from './platform-events.ts'
import type { RegistryPorts } from './ports.ts'
import { createDeclaredReader } from './read-declared.ts'
import { createSchemaService } from './schemas/service.ts'

export type { RegistryPorts } from './ports.ts'

const uses = { events: use(eventsContract, { 'events.list': ['event:read'] }) }

export const registryModule = defineModule<typeof registryContract, typeof uses, RegistryPorts>({
  contract: registryContract,
  uses,
  migrations: new URL('../migrations/', import.meta.url),
  create(environment) {
    const { database, ports, settings, clients, clock } = environment
    const reservedNouns = nounsOf(ports.platformEvents)
    const { leaseMs, heartbeatMs, sweepMs } = settings
    const declared = createDeclaredReader({ database, reader: ports.reader })
    /** What follows in this process finds what was changed. */
    const changing = <Value>({ tenantId }: Context, change: Promise<Value>): Promise<Value> =>
      change.finally(() => declared.drop(tenantId))
    const register = createRegister({ database, compiler: ports.schemaCompiler, reservedNouns, leaseMs })
    const agents = createAgentService({ database, leaseMs })
    const agentChanges = createAgentChanges({ database })
    const events = createEventDefinitionService({ database, ports, reservedNouns })
    const lifeCycle = createDefinitionLifeCycle({ database, ports, events: clients.events, clock, get: events.get })
    const schemas = createSchemaService({ database, ports })
    const discovery = createDiscoveryService({
      ...{ declared, clock, log: environment.log },
      embedder: ports.embedder ?? builtInEmbedder,
      minScore: settings.discoveryMinScore,
    })
    const graph = createGraphService({ declared })
    const asyncApi = createAsyncApiService({ declared, installation: ports.installation })
    return {
      operations: {
        instances: {
          register: async (context, call) => {
            const registered = await changing(context, register(context, { ...call.params, body: call.body }))
            const lease = call.body.leaseMs ?? leaseMs
            return { ...registered, warnings: [...registered.warnings], leaseMs: lease, heartbeatMs }
          },
          heartbeat: (context, { params, body }) =>
            agents.heartbeat(context, { ...params, digest: body.digest, ...signOf(body) }),
          deregister: (context, call) => changing(context, agents.deregister(context, call.params)),
        },
        heartbeats: {
          create: async (context, call) => {
            const signs = call.body.instances.map((sign) => ({ instanceId: sign.instanceId, ...signOf(sign) }))
            return { ...(await agents.heartbeats(context, signs)), heartbeatMs }
          },
        },
        agents: {
          list: (context, call) => agents.list(context, call.query),
          get: (context, call) => agents.get(context, call.params.name),
          update: (context, { params, body, ifMatch }) =>
            changing(context, agentChanges.update(context, params.name, { changes: body, version: ifMatch })),
          delete: (context, call) => agentChanges.delete(context, call.params.name),
        },
        events: {
          create: (context, call) => changing(context, events.create(context, call.body)),
          list: (context, call) => events.list(context, call.query),
          get: (context, call) => events.get(context, { ...call.params, schema: call.query.schema }),
          getVersion: (context, call) => events.get(context, call.params),
          deprecate: (context, call) => changing(context, lifeCycle.deprecate(context, call.params, call.body)),
          retire: (context, call) => changing(context, lifeCycle.retire(context, call.params, call.body)),
          impact: (context, call) => lifeCycle.impact(context, call.params, call.body.schema),
        },
        discovery: { search: (context, call) => discovery.search(context, call.body) },
        graph: { get: (context, call) => graph.get(context, call.query) },
        asyncapi: { get: (context, call) => asyncApi.get(context, call.query) },
        schemas: {
          create: (context, call) => changing(context, schemas.create(context, call.body)),
          list: (context, call) => schemas.list(context, call.query),
          get: (context, call) => schemas.get(context, call.params.name),
          versions: (context, call) => schemas.versions(context, call.params.name),
          getVersion: (context, call) => schemas.getVersion(context, call.params),
          check: async (context, call) => {
            const report = await schemas.check(context, call.body)
            return { ...report, changes: [...report.changes] }
          },
        },
      },
      handlers: [on(principalDisabled, ({ tx, data }) => deregisterPrincipal(tx, data.principalId ?? ''))],
      jobs: [{ name: 'sweep-expired-instances', everyMs: sweepMs, run: createSweep(environment) }],
      start: () => registerPlatformEvents(database, ports.platformEvents),
      stop: async () => declared.close(),
    }
  },
})

/** A sign of life as the store takes it: what is not said stays as it was. */
const signOf = (sign: {
  health?: string | undefined
  healthDetail?: string | undefined
  load?: unknown
  stream?: Sign['stream'] | undefined
}) => ({
  health: sign.health ?? null,
  healthDetail: sign.healthDetail ?? null,
  load: sign.load ?? null,
  stream: sign.stream ?? null,
})
