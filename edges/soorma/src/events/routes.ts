import type { eventsContract } from '@soma/events/contract'
import { type Client, type Logger, type ModuleDatabase } from '@soma/kernel'
import * as z from 'zod'
import type { SoormaSettings } from '../contract.ts'
import { refusal } from '../wire/refusal.ts'
import { route, type Route } from '../wire/route.ts'
import { SOORMA_TOPICS, soormaEnvelope } from './envelope.ts'
import type { Group } from './groups.ts'
import { createPublish } from './publish.ts'
import { createStreams } from './streams.ts'
import type { EventTypes } from './types.ts'

export interface EventRouteOptions {
  readonly events: Client<typeof eventsContract>
  readonly database: Pick<ModuleDatabase, 'asScheduler'>
  readonly settings: SoormaSettings
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
  /** What keeps the log, by name. */
  readonly adapter: string
  readonly log: Logger
  readonly types: EventTypes
}

const service = 'events'

const streamQuery = z.object({
  topics: z.string().max(1024),
  agent_id: z.string().min(1).max(255),
  agent_name: z.string().max(255).optional(),
  durable: z.stringbool().default(false),
  from: z.union([z.enum(['latest', 'earliest']), z.iso.datetime({ offset: true })]).default('latest'),
})
type StreamQuery = z.output<typeof streamQuery>

const connection = z.strictObject({ connection_id: z.string(), agent_id: z.string(), topics: z.array(z.string()) })

export function eventRoutes(options: EventRouteOptions): Route[] {
  const { events, database, settings, draining, adapter, log } = options
  const publish = createPublish({ events, types: options.types, isStrict: settings.validation === 'strict' })
  const streams = createStreams({ events, settings, draining, log })
  const isReachable = () =>
    database
      .asScheduler((session) => session.query('select 1 as one'))
      .then(() => true)
      .catch(() => false)
  return [
    route(
      {
        service,
        method: 'POST',
        path: '/v1/events/publish',
        summary: 'Publishes an event; 200 means that it is durable.',
        proof: 'bearer',
        body: z.object({ event: soormaEnvelope }),
        output: z.strictObject({ success: z.literal(true), event_id: z.string(), message: z.string() }),
        refusals: [403, 429, 503],
      },
      ({ caller, body }) => publish(caller, body.event),
    ),
    route(
      {
        service,
        method: 'GET',
        path: '/v1/events/stream',
        summary: 'Delivers the events of topics to a group, at least once.',
        proof: 'bearer',
        query: streamQuery,
        stream: true,
        refusals: [400, 403, 503],
      },
      ({ caller, query, request }) =>
        streams.open(caller, {
          agentId: query.agent_id,
          groups: groupsOf(query, settings.groupLingerMs),
          lastEventId: request.headers['last-event-id'],
          signal: request.signal,
        }),
    ),
    route(
      {
        service,
        method: 'GET',
        path: '/v1/admin/connections',
        summary: 'The streams of the own tenant that are open at this process.',
        proof: 'bearer',
        output: z.strictObject({ count: z.number().int(), connections: z.array(connection) }),
      },
      async ({ caller }) => {
        const connections = streams
          .connectionsOf(caller.platformTenant)
          .map((open) => ({ ...open, topics: [...open.topics] }))
        return { count: connections.length, connections }
      },
    ),
    route(
      {
        service,
        method: 'GET',
        path: '/health',
        summary: 'Whether it takes events.',
        proof: 'none',
        mount: 'service',
        output: z.strictObject({
          status: z.enum(['healthy', 'degraded']),
          adapter: z.string(),
          connected: z.boolean(),
          active_streams: z.number().int(),
        }),
      },
      async () => {
        const connected = await isReachable()
        const status: 'healthy' | 'degraded' = connected ? 'healthy' : 'degraded'
        return { status, adapter, connected, active_streams: streams.count() }
      },
    ),
  ]
}

/** A group a topic. `*` and `>` alone are patterns that match anything; what names no topic is read from nowhere. */
function groupsOf(
  { topics, agent_id: agentId, agent_name: agentName, durable, from }: StreamQuery,
  lingerMs: number,
): Group[] {
  const named = topics
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (named.length === 0) throw refusal(400, 'At least one topic is required')
  const wanted = named.some((part) => part === '*' || part === '>')
    ? SOORMA_TOPICS
    : SOORMA_TOPICS.filter((topic) => named.includes(topic))
  return wanted.map((topic) => ({
    topic,
    name: agentName || agentId,
    startAt: from === 'latest' || from === 'earliest' ? from : { time: from },
    lingerMs: durable ? 0 : lingerMs,
  }))
}
