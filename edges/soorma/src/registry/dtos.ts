import * as z from 'zod'
import { dto } from '../wire/dto.ts'

const text = z.string().min(1).max(255)
const description = z.string().max(2000)
const document = z.record(z.string(), z.unknown())
const time = z.iso.datetime()
const version = z.string().min(1).max(50)

const eventDefinition = dto({
  eventName: text,
  topic: z.string().min(1).max(100),
  description,
  payloadSchemaName: text.nullish().default(null),
  responseSchemaName: text.nullish().default(null),
  payloadSchema: document.nullish().default(null),
  responseSchema: document.nullish().default(null),
})
export type EventDefinition = z.output<typeof eventDefinition>

const capability = dto({
  taskName: text,
  description,
  consumedEvent: eventDefinition,
  producedEvents: z.array(eventDefinition).max(50),
})

const agentDefinition = dto({
  agentId: text,
  name: text,
  description,
  capabilities: z.array(capability).max(100),
  consumedEvents: z.array(text).max(500).nullish(),
  producedEvents: z.array(text).max(500).nullish(),
  version: version.default('1.0.0'),
})
export type AgentInput = z.output<typeof agentDefinition>

const eventAnswer = z.strictObject({
  eventName: z.string(),
  topic: z.string(),
  description: z.string(),
  payloadSchemaName: z.string().nullable(),
  responseSchemaName: z.string().nullable(),
  payloadSchema: document.nullable(),
  responseSchema: document.nullable(),
})
const agentAnswer = z.strictObject({
  agentId: z.string(),
  name: z.string(),
  description: z.string(),
  capabilities: z.array(
    z.strictObject({
      taskName: z.string(),
      description: z.string(),
      consumedEvent: eventAnswer,
      producedEvents: z.array(eventAnswer),
    }),
  ),
  consumedEvents: z.array(z.string()),
  producedEvents: z.array(z.string()),
})
/** An agent as it is answered, and as its words are kept. */
export type AgentAnswer = z.output<typeof agentAnswer>
export type EventAnswer = z.output<typeof eventAnswer>

export const agentRequest = z.object({ agent: agentDefinition })
export const agentQuery = z.object({
  agent_id: z.string().max(255).optional(),
  name: z.string().max(255).optional(),
  consumed_event: z.string().max(255).optional(),
  produced_event: z.string().max(255).optional(),
  include_expired: z.stringbool().default(false),
})
export type AgentQuery = z.output<typeof agentQuery>
export const discoverQuery = agentQuery.pick({ consumed_event: true })
export const agentResponse = z.strictObject({ agentId: z.string(), success: z.literal(true), message: z.string() })
export const agentsResponse = z.strictObject({ agents: z.array(agentAnswer), count: z.number().int() })

export const eventRequest = z.object({ event: eventDefinition })
export const eventQuery = z.object({
  event_name: z.string().max(255).optional(),
  topic: z.string().max(100).optional(),
})
export const eventResponse = z.strictObject({ eventName: z.string(), success: z.literal(true), message: z.string() })
export const eventsResponse = z.strictObject({ events: z.array(eventAnswer), count: z.number().int() })

const payloadSchema = dto({
  schemaName: text,
  // The last @ of `<name>@<version>` parts them.
  version: version.regex(/^[^@]*$/, 'a version has no @'),
  jsonSchema: document,
  description: description.nullish(),
  ownerAgentId: text.nullish(),
})
export type SchemaInput = z.output<typeof payloadSchema>
/** Under `schema`; clients that send the field's own name are understood, too. */
export const schemaRequest = z
  .object({ schema: payloadSchema })
  .or(dto({ payloadSchema }).transform((request) => ({ schema: request.payloadSchema })))
export const schemaQuery = z.object({ owner_agent_id: z.string().max(255).optional() })
export const schemaAnswer = z.strictObject({
  schemaName: z.string(),
  version: z.string(),
  jsonSchema: z.union([z.boolean(), document]),
  description: z.string().nullable(),
  ownerAgentId: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
})
export type SchemaAnswer = z.output<typeof schemaAnswer>
export const schemaResponse = z.strictObject({
  schemaName: z.string(),
  version: z.string(),
  success: z.literal(true),
  message: z.string(),
})
export const schemasResponse = z.strictObject({ schemas: z.array(schemaAnswer), count: z.number().int() })
