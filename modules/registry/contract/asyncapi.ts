import { type EventDefinition, type JsonSchema, parseVersionRange, TOPICS } from '@soma/kernel'
import { type DataKind, jsonSchemaOf, kindOfType } from './compatibility.ts'
import type { EventRef } from './words.ts'

/** An event as the document needs it; the record of a definition is one. */
export interface DocumentedEvent {
  readonly topic: string
  readonly type: string
  readonly version: string
  readonly kind: DataKind
  readonly description: string
  readonly jsonSchema: JsonSchema
  readonly responseType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly examples?: readonly unknown[] | undefined
  readonly tags?: readonly string[] | undefined
  /** Shown where it is not `active`. */
  readonly status?: string | undefined
  readonly replacedBy?: string | undefined
  readonly sunsetAt?: string | undefined
}

/** An agent as the document needs it; the record of an agent is one. */
export interface DocumentedAgent {
  readonly agentId: string
  readonly name: string
  readonly description: string
  readonly consumes: readonly EventRef[]
  readonly produces: readonly EventRef[]
}

export interface AsyncApiOptions {
  /** Of the installation. */
  readonly version: string
  /** Where clients reach it over HTTP. */
  readonly url: string
  /** What keeps the log: its bindings are added to channels (Kafka) or operations (NATS). */
  readonly bus: 'postgres' | 'nats' | 'kafka'
}

/** What of a registry is documented. */
export interface AsyncApiContent {
  readonly events: readonly DocumentedEvent[]
  /** Their operations are what each sends and receives. Absent: the operations are those of the installation itself. */
  readonly agents?: readonly DocumentedAgent[]
  /** Default: all. */
  readonly topics?: readonly string[]
}

type Json = { readonly [key: string]: unknown }

const DESCRIPTION = `Events of a Soma installation: CloudEvents 1.0 on a few fixed topics. Programs send them with POST /v1/events and receive them over HTTP,
as a durable subscription (pull, or a stream with acknowledgement) or as a tail (server-sent events). The same operations with all their problems: /openapi.json.`

/** AsyncAPI 3.1: every topic a channel, every event a message with the schema of its data, CloudEvents attributes as headers. Equal content gives equal bytes. */
export function toAsyncApi(
  { events, agents, topics = TOPICS }: AsyncApiContent,
  options: AsyncApiOptions,
): Json & { readonly asyncapi: string } {
  const sorted = events.toSorted((left, right) => (messageId(left) < messageId(right) ? -1 : 1))
  const operations =
    agents === undefined
      ? topics.flatMap((topic) => operationsOf(topic, sorted, options.bus))
      : operationsOfAgents(agents, sorted, options.bus)
  return {
    asyncapi: '3.1.0',
    info: { title: 'Soma', version: options.version, description: DESCRIPTION, license: { name: 'MIT' } },
    defaultContentType: 'application/cloudevents+json',
    servers: { http: serverOf(options.url) },
    channels: Object.fromEntries(topics.map((topic) => [topic, channelOf(topic, sorted, options.bus)])),
    operations: Object.fromEntries(operations),
    components: {
      schemas: { cloudEvent: CLOUD_EVENT },
      messages: Object.fromEntries(sorted.map((event) => [messageId(event), messageOf(event)])),
      securitySchemes: SECURITY,
    },
  }
}

const messageId = ({ topic, type, version }: DocumentedEvent): string => `${topic}.${type}.${version}`

const SECURITY = {
  apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'soma_…', description: 'An API key: `soma keys create`.' },
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of this installation.',
  },
}

function serverOf(url: string): Json {
  const { protocol, host, pathname } = new URL(url)
  return {
    host,
    ...(pathname === '/' ? {} : { pathname }),
    protocol: protocol.replace(':', ''),
    security: Object.keys(SECURITY).map((name) => ({ $ref: `#/components/securitySchemes/${name}` })),
  }
}

const onTopic = (events: readonly DocumentedEvent[], topic: string) => events.filter((event) => event.topic === topic)

function channelOf(topic: string, events: readonly DocumentedEvent[], bus: AsyncApiOptions['bus']): Json {
  const messages = onTopic(events, topic).map((event) => [
    messageId(event),
    { $ref: `#/components/messages/${messageId(event)}` },
  ])
  return {
    address: topic,
    servers: [{ $ref: '#/servers/http' }],
    messages: Object.fromEntries(messages),
    ...(bus === 'kafka' ? { bindings: { kafka: { topic: `soma.${topic}`, bindingVersion: '0.5.0' } } } : {}),
  }
}

/** `send` and `receive` are said from the side of the application that this document describes: the installation. */
function operationsOf(
  topic: string,
  events: readonly DocumentedEvent[],
  bus: AsyncApiOptions['bus'],
): [string, Json][] {
  const own = onTopic(events, topic)
  if (own.length === 0) return []
  const channel = { $ref: `#/channels/${topic}` }
  const bindings = bindingsOf(bus)
  const requests = own.filter(asks)
  return [
    [
      `send.${topic}`,
      { action: 'send', channel, title: `Subscribers receive ${topic}`, messages: own.map(inChannel), ...bindings },
    ],
    ...requests.map((event): [string, Json] => [`receive.${messageId(event)}`, requestOf(event, events, channel)]),
  ]
}

const bindingsOf = (bus: AsyncApiOptions['bus']): Json =>
  bus === 'nats' ? { bindings: { nats: { bindingVersion: '0.1.0' } } } : {}

/** From the side of each agent. Names are its own in a space; where two spaces have one name each, the id tells them apart. */
function operationsOfAgents(
  agents: readonly DocumentedAgent[],
  events: readonly DocumentedEvent[],
  bus: AsyncApiOptions['bus'],
): [string, Json][] {
  const named = agents
    .map((agent) => {
      const isShared = agents.some(({ name, agentId }) => name === agent.name && agentId !== agent.agentId)
      return { agent, id: isShared ? `${agent.name}.${agent.agentId}` : agent.name }
    })
    .toSorted((left, right) => (left.id < right.id ? -1 : 1))
  return named.flatMap(({ agent, id }) => [
    ...actionsOf('receive', { id, agent, references: agent.consumes, events, bus }),
    ...actionsOf('send', { id, agent, references: agent.produces, events, bus }),
  ])
}

interface Acting {
  readonly id: string
  readonly agent: DocumentedAgent
  readonly references: readonly EventRef[]
  readonly events: readonly DocumentedEvent[]
  readonly bus: AsyncApiOptions['bus']
}

/** One operation for each request with its reply, and one for all else on a topic. */
function actionsOf(action: 'send' | 'receive', { id, agent, references, events, bus }: Acting): [string, Json][] {
  const own = events.filter((event) => references.some((reference) => isMeant(reference, event)))
  const [asking, others] = [own.filter(asks), own.filter((event) => !asks(event))]
  const does = { action, title: `${agent.name} ${action}s`, summary: agent.description, ...bindingsOf(bus) }
  const channel = (topic: string) => ({ $ref: `#/channels/${topic}` })
  return [
    ...[...new Set(others.map(({ topic }) => topic))].map((topic): [string, Json] => [
      `${id}.${action}.${topic}`,
      { ...does, channel: channel(topic), messages: onTopic(others, topic).map(inChannel) },
    ]),
    ...asking.map((event): [string, Json] => [
      `${id}.${action}.${messageId(event)}`,
      { ...does, channel: channel(event.topic), messages: [inChannel(event)], reply: replyOf(event, events) },
    ]),
  ]
}

const asks = ({ kind, responseType }: DocumentedEvent): boolean => kind === 'request' && responseType !== undefined

/** Without a range every version is meant. */
export const isMeant = ({ topic, type, range }: EventRef, event: DocumentedEvent): boolean =>
  topic === event.topic && type === event.type && (parseVersionRange(range ?? '*')?.(event.version) ?? true)

/** The events that answer a request. */
export const repliesTo = (event: DocumentedEvent, events: readonly DocumentedEvent[]): DocumentedEvent[] =>
  asks(event) ? onTopic(events, replyTopicOf(event)).filter(({ type }) => type === event.responseType) : []

/** The topics on which events and the replies to them are. */
export const topicsOf = (events: readonly DocumentedEvent[]): string[] => {
  const used = new Set(events.flatMap((event) => [event.topic, ...(asks(event) ? [replyTopicOf(event)] : [])]))
  return TOPICS.filter((topic) => used.has(topic))
}

const replyTopicOf = ({ responseTopic = 'action-results' }: DocumentedEvent): string => responseTopic

function replyOf(event: DocumentedEvent, events: readonly DocumentedEvent[]): Json {
  const replies = repliesTo(event, events)
  return {
    channel: { $ref: `#/channels/${replyTopicOf(event)}` },
    ...(replies.length === 0 ? {} : { messages: replies.map(inChannel) }),
  }
}

const inChannel = (event: DocumentedEvent): Json => ({ $ref: `#/channels/${event.topic}/messages/${messageId(event)}` })

function requestOf(event: DocumentedEvent, events: readonly DocumentedEvent[], channel: Json): Json {
  return {
    action: 'receive',
    channel,
    title: `Asks for ${event.type}`,
    messages: [inChannel(event)],
    reply: replyOf(event, events),
  }
}

function messageOf(event: DocumentedEvent): Json {
  const { type, version, description, jsonSchema, examples = [], tags = [], status = 'active' } = event
  return {
    name: type,
    title: `${type} ${version}`,
    summary: description,
    contentType: 'application/cloudevents+json',
    headers: { $ref: '#/components/schemas/cloudEvent' },
    payload: {
      schemaFormat: 'application/schema+json;version=draft-2020-12',
      schema: rebase(jsonSchema, `#/components/messages/${messageId(event)}/payload/schema`),
    },
    correlationId: { location: '$message.header#/correlationid', description: 'The same on a request and its reply.' },
    ...(examples.length === 0 ? {} : { examples: examples.map((payload) => ({ payload })) }),
    ...(tags.length === 0 ? {} : { tags: tags.map((name) => ({ name })) }),
    ...(status === 'active' ? {} : { 'x-status': status }),
    ...(event.replacedBy === undefined ? {} : { 'x-replaced-by': event.replacedBy }),
    ...(event.sunsetAt === undefined ? {} : { 'x-sunset-at': event.sunsetAt }),
  }
}

/** A schema that stands inside the document: its references begin at the document, no longer at the schema. */
function rebase(node: unknown, base: string): unknown {
  if (Array.isArray(node)) return node.map((item) => rebase(item, base))
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [key, base + value.slice(1)]
        : [key, rebase(value, base)],
    ),
  )
}

const text = { type: 'string' }
const CLOUD_EVENT = {
  type: 'object',
  description: 'Attributes of the CloudEvents 1.0 envelope in which the payload is `data`.',
  required: ['specversion', 'id', 'source', 'type', 'topic', 'time', 'tenantid', 'dataschema', 'traceparent'],
  properties: {
    specversion: { const: '1.0' },
    ...Object.fromEntries(
      ['id', 'source', 'type', 'topic', 'tenantid', 'dataschema', 'traceparent'].map((name) => [name, text]),
    ),
    time: { type: 'string', format: 'date-time' },
    ...Object.fromEntries(
      ['correlationid', 'causationid', 'planid', 'taskid', 'sessionid', 'responsetype', 'responsetopic'].map((name) => [
        name,
        text,
      ]),
    ),
    outcome: { enum: ['ok', 'failed'] },
  },
}

/** The events of contracts as a document needs them. */
export const documentedEvents = (events: readonly EventDefinition[]): DocumentedEvent[] =>
  events.map((event) => ({
    topic: event.topic,
    type: event.type,
    version: event.version,
    kind: kindOfType(event.type),
    description: event.summary,
    jsonSchema: jsonSchemaOf(event),
  }))
