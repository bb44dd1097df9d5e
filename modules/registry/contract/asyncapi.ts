import { type EventDefinition, type JsonSchema, TOPICS } from '@soma/kernel'
import { type DataKind, jsonSchemaOf, kindOfType } from './compatibility.ts'

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
}

export interface AsyncApiOptions {
  /** Of the installation. */
  readonly version: string
  /** Where clients reach it over HTTP. */
  readonly url: string
  /** What keeps the log: its bindings are added to channels (Kafka) or operations (NATS). */
  readonly bus: 'postgres' | 'nats' | 'kafka'
}

type Json = { readonly [key: string]: unknown }

const DESCRIPTION = `Events of a Soma installation: CloudEvents 1.0 on a few fixed topics. Programs send them with POST /v1/events and receive them over HTTP,
as a durable subscription (pull, or a stream with acknowledgement) or as a tail (server-sent events). The same operations with all their problems: /openapi.json.`

/** AsyncAPI 3.1: every topic a channel, every event a message with the schema of its data, CloudEvents attributes as headers. Equal input gives equal bytes. */
export function toAsyncApi(events: readonly DocumentedEvent[], options: AsyncApiOptions): Json {
  const sorted = events.toSorted((left, right) => (messageId(left) < messageId(right) ? -1 : 1))
  return {
    asyncapi: '3.1.0',
    info: { title: 'Soma', version: options.version, description: DESCRIPTION, license: { name: 'MIT' } },
    defaultContentType: 'application/cloudevents+json',
    servers: { http: serverOf(options.url) },
    channels: Object.fromEntries(TOPICS.map((topic) => [topic, channelOf(topic, sorted, options.bus)])),
    operations: Object.fromEntries(TOPICS.flatMap((topic) => operationsOf(topic, sorted, options.bus))),
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
  const bindings = bus === 'nats' ? { bindings: { nats: { bindingVersion: '0.1.0' } } } : {}
  const requests = own.filter(({ kind, responseType }) => kind === 'request' && responseType !== undefined)
  return [
    [
      `send.${topic}`,
      { action: 'send', channel, title: `Subscribers receive ${topic}`, messages: own.map(inChannel), ...bindings },
    ],
    ...requests.map((event): [string, Json] => [`receive.${messageId(event)}`, requestOf(event, events, channel)]),
  ]
}

const inChannel = (event: DocumentedEvent): Json => ({ $ref: `#/channels/${event.topic}/messages/${messageId(event)}` })

function requestOf(event: DocumentedEvent, events: readonly DocumentedEvent[], channel: Json): Json {
  const replyTopic = event.responseTopic ?? 'action-results'
  const replies = onTopic(events, replyTopic).filter(({ type }) => type === event.responseType)
  return {
    action: 'receive',
    channel,
    title: `Asks for ${event.type}`,
    messages: [inChannel(event)],
    reply: {
      channel: { $ref: `#/channels/${replyTopic}` },
      ...(replies.length === 0 ? {} : { messages: replies.map(inChannel) }),
    },
  }
}

function messageOf(event: DocumentedEvent): Json {
  const { type, version, description, jsonSchema, examples = [], tags = [] } = event
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
