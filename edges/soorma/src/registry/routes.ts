import type { registryContract } from '@soma/registry/contract'
import type { identityContract } from '@soma/identity/contract'
import type { Client, ModuleDatabase } from '@soma/kernel'
import type { EventTypes } from '../events/types.ts'
import { type Route, routesWith } from '../wire/route.ts'
import { createAgentList } from './agent-list.ts'
import { createAgents } from './agents.ts'
import {
  agentQuery,
  agentRequest,
  agentResponse,
  agentsResponse,
  discoverQuery,
  eventQuery,
  eventRequest,
  eventResponse,
  eventsResponse,
  schemaAnswer,
  schemaQuery,
  schemaRequest,
  schemaResponse,
  schemasResponse,
} from './dtos.ts'
import { createEventDefinitions } from './event-definitions.ts'
import { createMayReword } from './ownership.ts'
import { createSchemas } from './schemas.ts'

export interface RegistryRouteOptions {
  readonly registry: Client<typeof registryContract>
  readonly identity: Client<typeof identityContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
  /** How long an agent lives after a sign of life. */
  readonly ttlMs: number
}

const route = routesWith({ service: 'registry', proof: 'bearer', refusals: [403] })

export function registryRoutes(options: RegistryRouteOptions): Route[] {
  const { registry, database } = options
  const mayReword = createMayReword(options.identity)
  const agents = createAgents({ ...options, mayReword })
  const listAgents = createAgentList({ registry, database, find: agents.find })
  return [
    ...agentRoutes(agents, listAgents),
    ...eventRoutes(createEventDefinitions({ ...options, mayReword })),
    ...schemaRoutes(createSchemas({ registry, database, mayReword })),
  ]
}

function agentRoutes(agents: ReturnType<typeof createAgents>, list: ReturnType<typeof createAgentList>): Route[] {
  const path = '/v1/agents'
  const one = `${path}/{agent_id}`
  const heartbeat = (method: 'PUT' | 'POST') =>
    route(
      `${method} ${one}/heartbeat`,
      { summary: 'A sign of life.', output: agentResponse, refusals: [403, 404] },
      ({ caller, params }) => agents.heartbeat(caller.context, params.agent_id ?? ''),
    )
  return [
    route(
      `POST ${path}`,
      {
        summary: 'Registers an agent, or words it anew; it lives as long as it gives signs of life.',
        body: agentRequest,
        output: agentResponse,
        refusals: [400, 403],
      },
      ({ caller, body }) => agents.register(caller.context, body.agent),
    ),
    route(
      `GET ${path}`,
      {
        summary: 'Lists agents, of each name the one that gave a sign of life last.',
        query: agentQuery,
        output: agentsResponse,
      },
      async ({ caller, query }) => counted('agents', await list(caller.context, query)),
    ),
    route(
      `GET ${path}/discover`,
      { summary: 'Lists the agents that live and consume an event.', query: discoverQuery, output: agentsResponse },
      async ({ caller, query }) => counted('agents', await list(caller.context, { ...query, include_expired: false })),
    ),
    heartbeat('PUT'),
    heartbeat('POST'),
    route(`DELETE ${one}`, { summary: 'Ends an agent.', refusals: [403, 404] }, ({ caller, params }) =>
      agents.remove(caller.context, params.agent_id ?? ''),
    ),
  ]
}

function eventRoutes(events: ReturnType<typeof createEventDefinitions>): Route[] {
  const path = '/v1/events'
  return [
    route(
      `POST ${path}`,
      {
        summary: 'Defines an event, or words it anew.',
        body: eventRequest,
        output: eventResponse,
        refusals: [400, 403],
      },
      ({ caller, body }) => events.register(caller.context, body.event),
    ),
    route(
      `GET ${path}`,
      { summary: 'Lists event definitions by name.', query: eventQuery, output: eventsResponse },
      async ({ caller, query }) => counted('events', await events.list(caller.context, query)),
    ),
  ]
}

function schemaRoutes(schemas: ReturnType<typeof createSchemas>): Route[] {
  const path = '/v1/schemas'
  const one = { output: schemaAnswer, refusals: [403, 404] } as const
  return [
    route(
      `POST ${path}`,
      {
        summary: 'Registers one version of a schema.',
        body: schemaRequest,
        output: schemaResponse,
        refusals: [403, 409],
      },
      ({ caller, body }) => schemas.register(caller.context, body.schema),
    ),
    route(
      `GET ${path}`,
      { summary: 'Lists schemas by name.', query: schemaQuery, output: schemasResponse },
      async ({ caller, query }) => counted('schemas', await schemas.list(caller.context, query.owner_agent_id)),
    ),
    route(`GET ${path}/{name}`, { ...one, summary: 'The highest version of a schema.' }, ({ caller, params }) =>
      schemas.latest(caller.context, params.name ?? ''),
    ),
    route(
      `GET ${path}/{name}/versions/{version}`,
      { ...one, summary: 'One version of a schema.' },
      ({ caller, params }) => schemas.version(caller.context, params.name ?? '', params.version ?? ''),
    ),
  ]
}

const counted = <const Name extends string, Item>(name: Name, items: Item[]) =>
  ({ [name]: items, count: items.length }) as { [Key in Name]: Item[] } & { count: number }
