import { operation, pageOf, pageQuery, TOPICS } from '@soma/kernel'
import * as z from 'zod'
import { registryProblems } from './problems.ts'
import {
  agentSelector,
  dataKind,
  eventType,
  jsonSchemaDocument,
  registryName,
  schemaReference,
  schemaReport,
  schemaSource,
  semver,
  sideEffects,
  tags,
  time,
  topicName,
} from './words.ts'

export const eventKind = dataKind
export const definitionStatus = z.enum(['draft', 'active', 'deprecated', 'retired'])
export const visibility = z.enum(['tenant', 'platform'])

/** One version of an event type on one topic, as its owner declares it. */
export const eventDefinitionInput = z.strictObject({
  topic: topicName,
  type: eventType,
  version: semver.default('1.0.0'),
  kind: eventKind.default('fact'),
  description: z.string().min(1).max(2000),
  purpose: z.string().max(2000).optional(),
  schema: schemaSource,
  responseType: eventType.optional(),
  responseTopic: topicName.optional(),
  responseSchema: schemaSource.optional(),
  sideEffects: sideEffects.default('none'),
  /** Each must be valid against the schema. */
  examples: z.array(z.unknown()).max(10).default([]),
  tags: tags.default([]),
})
export type EventDefinitionInput = z.output<typeof eventDefinitionInput>

export const eventDefinitionRecord = z.strictObject({
  topic: z.enum(TOPICS),
  type: eventType,
  version: semver,
  kind: eventKind,
  description: z.string(),
  purpose: z.string().optional(),
  /** The schema of the data by name and version, as `dataschema` of an event names it. */
  schema: schemaReference,
  /** The same schema as it was registered. */
  jsonSchema: jsonSchemaDocument,
  /** The same with every registered schema that it refers to inside; absent where it refers to none. */
  bundled: jsonSchemaDocument.optional(),
  responseType: eventType.optional(),
  responseTopic: z.enum(TOPICS).optional(),
  responseSchema: schemaSource.optional(),
  sideEffects,
  examples: z.array(z.unknown()),
  tags: z.array(z.string()),
  visibility,
  status: definitionStatus,
  ownerId: z.string(),
  ownerAgent: registryName.optional(),
  replacedBy: semver.optional(),
  sunsetAt: time.optional(),
  /** SHA-256 of the canonical JSON of what the owner declared. */
  digest: z.string(),
  createdAt: time,
  /** Live agents that declare to consume and to produce it. */
  consumers: z.number().int(),
  producers: z.number().int(),
})
export type EventDefinitionRecord = z.infer<typeof eventDefinitionRecord>

const note = z.string().min(1).max(1000)
const topicAndType = z.strictObject({ topic: topicName, type: eventType })

export const eventOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/registry/events',
    summary: 'Defines one version of an event type; the same content again changes nothing.',
    capability: 'event-definition:write',
    action: 'event-definition.create',
    body: eventDefinitionInput,
    output: eventDefinitionRecord,
    status: 201,
    problems: [
      registryProblems.nameOwned,
      registryProblems.schemaExists,
      registryProblems.schemaInvalid,
      registryProblems.schemaIncompatible,
      registryProblems.unknownTopic,
      registryProblems.typeReserved,
    ],
  }),
  list: operation({
    method: 'GET',
    path: '/v1/registry/events',
    summary: 'Lists event definitions, those of the platform included.',
    capability: 'event-definition:read',
    query: z.strictObject({
      ...pageQuery,
      topic: topicName.optional(),
      type: eventType.optional(),
      kind: eventKind.optional(),
      tag: z.string().max(64).optional(),
      status: definitionStatus.optional(),
      visibility: visibility.optional(),
      /** Name of an agent that declares to produce it, or `<name>@<version>`. */
      producer: agentSelector.optional(),
      /** Name of an agent that declares to consume it, or `<name>@<version>`. */
      consumer: agentSelector.optional(),
      /** Only those that a live agent declares to consume. */
      actionable: z.stringbool().default(false),
      /** Words in type, description, purpose or tags. */
      query: z.string().max(255).optional(),
    }),
    output: pageOf(eventDefinitionRecord),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/registry/events/{topic}/{type}',
    summary:
      'The latest active version of an event type: the own one, else that of the platform. Absent: `not-found` with the nearest names in `nearest`.',
    capability: 'event-definition:read',
    params: topicAndType,
    query: z.strictObject({
      /** Instead of the latest version: the one whose data has this schema, `<name>@<version>`. */
      schema: z.string().min(3).max(320).optional(),
    }),
    output: eventDefinitionRecord,
    problems: [registryProblems.unknownTopic],
  }),
  getVersion: operation({
    method: 'GET',
    path: '/v1/registry/events/{topic}/{type}/versions/{version}',
    summary: 'One version of an event type.',
    capability: 'event-definition:read',
    params: topicAndType.extend({ version: semver }),
    output: eventDefinitionRecord,
    problems: [registryProblems.unknownTopic],
  }),
  deprecate: operation({
    method: 'POST',
    path: '/v1/registry/events/{topic}/{type}/versions/{version}/deprecate',
    summary: 'Announces the end of a version: publishers are warned, and refused after `sunsetAt`.',
    capability: 'event-definition:write',
    action: 'event-definition.deprecate',
    params: topicAndType.extend({ version: semver }),
    body: z.strictObject({
      /** The version to use instead. */
      replacedBy: semver.optional(),
      sunsetAt: time.optional(),
      note,
    }),
    output: eventDefinitionRecord,
    status: 200,
    problems: [registryProblems.nameOwned, registryProblems.unknownTopic],
  }),
  retire: operation({
    method: 'POST',
    path: '/v1/registry/events/{topic}/{type}/versions/{version}/retire',
    summary: 'Ends a version. Live consumers of it are a `conflict` that names them, unless `force`.',
    capability: 'event-definition:write',
    action: 'event-definition.retire',
    params: topicAndType.extend({ version: semver }),
    body: z.strictObject({ force: z.boolean().default(false), note }),
    output: eventDefinitionRecord,
    status: 200,
    problems: [registryProblems.nameOwned, registryProblems.unknownTopic],
  }),
  impact: operation({
    method: 'POST',
    path: '/v1/registry/events/{topic}/{type}/impact',
    summary: 'Who would break if the data of this type had the proposed schema; stores nothing.',
    capability: 'event-definition:read',
    params: topicAndType,
    body: z.strictObject({ schema: jsonSchemaDocument }),
    output: z.strictObject({
      report: schemaReport,
      /** The lowest version that the proposed schema may have. */
      needs: semver,
      /** Agents that live, or ended in the last 24 h, and declare to consume the version that is current. */
      breaks: z.array(z.strictObject({ agent: registryName, version: semver, why: z.string() })),
    }),
    status: 200,
    problems: [registryProblems.schemaInvalid, registryProblems.unknownTopic],
  }),
} as const
