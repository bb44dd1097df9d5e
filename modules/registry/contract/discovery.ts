import { operation, TOPICS } from '@soma/kernel'
import * as z from 'zod'
import { registryProblems } from './problems.ts'
import { eventType, jsonSchemaDocument, registryName, semver, sideEffects, tags, time, topicName } from './words.ts'

const found = {
  description: z.string(),
  /** Its description reads like an instruction to whoever reads it, and should be reviewed. */
  suspicious: z.boolean(),
  /** Higher is better; only the order means something. */
  score: z.number(),
  /** By words, and by meaning: the cosine to the question. */
  scoreParts: z.strictObject({ lexical: z.number(), vector: z.number().optional() }),
}

export const foundEvent = z.strictObject({
  kind: z.literal('event'),
  name: eventType,
  topic: z.enum(TOPICS),
  type: eventType,
  version: semver,
  purpose: z.string().optional(),
  requiredFields: z.array(z.string()),
  /** Schema of the data, references to named schemas resolved. */
  parameters: jsonSchemaDocument,
  example: z.unknown().optional(),
  reply: z.strictObject({ type: eventType, topic: z.enum(TOPICS), schema: jsonSchemaDocument.optional() }).optional(),
  sideEffects,
  /** Live agents that consume this version. */
  consumers: z.array(registryName),
  ownerId: z.string(),
  ...found,
})
export const foundAgent = z.strictObject({
  kind: z.literal('agent'),
  name: registryName,
  capabilities: z.array(registryName),
  ownerId: z.string(),
  ...found,
})
export const foundCapability = z.strictObject({
  kind: z.literal('capability'),
  name: registryName,
  agent: registryName,
  consumes: z.strictObject({ topic: z.string(), type: eventType }).optional(),
  ownerId: z.string(),
  ...found,
})
export const foundItem = z.discriminatedUnion('kind', [foundEvent, foundAgent, foundCapability])
export type FoundItem = z.infer<typeof foundItem>

/** A tool as models take it (the shape of OpenAI). */
const toolDefinition = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), description: z.string(), parameters: jsonSchemaDocument }),
})

export const discovered = z.strictObject({
  items: z.array(foundItem),
  /** What the caller may not use is not counted. */
  hidden: z.literal(0),
  asOf: time,
  /** True while no embedder is there: words alone decide. */
  degraded: z.boolean(),
  /** Of `format: llm`: the items for a prompt, the events among them as tools, and what a tool's name stands for. */
  llm: z
    .strictObject({
      text: z.string(),
      tools: z.array(toolDefinition),
      names: z.record(z.string(), z.strictObject({ topic: z.enum(TOPICS), type: eventType, version: semver })),
    })
    .optional(),
})
export type Discovered = z.infer<typeof discovered>

export const discoveryOperations = {
  search: operation({
    method: 'POST',
    path: '/v1/registry/discover',
    summary: 'Which events, agents and capabilities get one what a question in plain words asks for.',
    capability: 'discovery:read',
    body: z.strictObject({
      query: z.string().min(1).max(1000),
      want: z
        .array(z.enum(['event', 'agent', 'capability']))
        .min(1)
        .max(3)
        .default(['event']),
      topics: z.array(topicName).min(1).max(12).optional(),
      /** Each must be there. */
      tags: tags.optional(),
      /** Only events that a live agent consumes in their version. */
      actionable: z.boolean().default(true),
      limit: z.number().int().min(1).max(50).default(10),
      /** Of the `llm` text and of the tools, each: whole items are left out from the end. A token is taken as 4 characters. */
      maxTokens: z.number().int().min(1).max(1_000_000).optional(),
      format: z.enum(['full', 'llm']).default('full'),
    }),
    output: discovered,
    status: 200,
    problems: [registryProblems.unknownTopic],
  }),
} as const
