import { eventsContract } from '@soma/events/contract'
import { principalDisabled } from '@soma/identity/contract'
import { defineModule, on, use } from '@soma/kernel'
import { registryContract } from '../contract/index.ts'
import { createRegister } from './agents/register.ts'
import { createAgentService, deregisterPrincipal } from './agents/service.ts'
import { createSweep } from './agents/sweep.ts'
import { createAsyncApiService } from './asyncapi/service.ts'
import { createDiscoveryService } from './discovery/service.ts'
import { createDefinitionLifeCycle } from './event-definitions/life-cycle.ts'
import { createEventDefinitionService } from './event-definitions/service.ts'
import { createGraphService } from './graph/service.ts'
import { nounsOf, registerPlatformEvents } from './platform-events.ts'
import type { RegistryPorts } from './ports.ts'
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
    const register = createRegister({ database, compiler: ports.schemaCompiler, reservedNouns, leaseMs })
    const agents = createAgentService({ database, leaseMs })
    const events = createEventDefinitionService({ database, ports, reservedNouns })
    const lifeCycle = createDefinitionLifeCycle({ database, ports, events: clients.events, clock, get: events.get })
    const schemas = createSchemaService({ database, ports })
    const discovery = createDiscoveryService({ database, clock })
    const graph = createGraphService({ database })
    const asyncApi = createAsyncApiService({ database, installation: ports.installation })
    return {
      operations: {
        instances: {
          register: async (context, call) => {
            const registered = await register(context, { ...call.params, body: call.body })
            return { ...registered, warnings: [...registered.warnings], leaseMs, heartbeatMs }
          },
          heartbeat: (context, { params, body }) =>
            agents.heartbeat(context, { ...params, digest: body.digest, ...signOf(body) }),
          deregister: (context, call) => agents.deregister(context, call.params),
        },
        heartbeats: {
          create: (context, call) =>
            agents.heartbeats(
              context,
              call.body.instances.map((sign) => ({ instanceId: sign.instanceId, ...signOf(sign) })),
            ),
        },
        agents: {
          list: (context, call) => agents.list(context, call.query),
          get: (context, call) => agents.get(context, call.params.name),
        },
        events: {
          create: (context, call) => events.create(context, call.body),
          list: (context, call) => events.list(context, call.query),
          get: (context, call) => events.get(context, { ...call.params, schema: call.query.schema }),
          getVersion: (context, call) => events.get(context, call.params),
          deprecate: (context, call) => lifeCycle.deprecate(context, call.params, call.body),
          retire: (context, call) => lifeCycle.retire(context, call.params, call.body),
          impact: (context, call) => lifeCycle.impact(context, call.params, call.body.schema),
        },
        discovery: { search: (context, call) => discovery.search(context, call.body) },
        graph: { get: (context, call) => graph.get(context, call.query) },
        asyncapi: { get: (context, call) => asyncApi.get(context, call.query) },
        schemas: {
          create: (context, call) => schemas.create(context, call.body),
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
    }
  },
})

/** A sign of life as the store takes it: what is not said stays as it was. */
const signOf = (sign: { health?: string | undefined; healthDetail?: string | undefined; load?: unknown }) => ({
  health: sign.health ?? null,
  healthDetail: sign.healthDetail ?? null,
  load: sign.load ?? null,
})
