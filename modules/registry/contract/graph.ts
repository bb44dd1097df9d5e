import { operation, TOPICS } from '@soma/kernel'
import * as z from 'zod'
import { eventType, registryName } from './words.ts'

/** `agent:<agentId>` or `event:<topic>/<type>`. */
const nodeId = z.string()

const node = z.strictObject({
  id: nodeId,
  kind: z.enum(['agent', 'event']),
  name: z.string(),
  topic: z.enum(TOPICS).optional(),
  /** Whether the registry has a definition of the event. */
  isDefined: z.boolean().optional(),
})

const edge = z.strictObject({
  from: nodeId,
  to: nodeId,
  /** An agent produces an event, an event is consumed by an agent, an event is answered by another. */
  kind: z.enum(['produces', 'consumed-by', 'answered-by']),
  /** Whether events can come back to where they began over this edge. */
  inCycle: z.boolean(),
})

export const registryGraph = z.strictObject({
  nodes: z.array(node),
  edges: z.array(edge),
  /** Events that no live agent consumes. */
  withoutConsumer: z.array(nodeId),
  /** Events that a live agent consumes and none produces: they come from outside, or never. */
  withoutProducer: z.array(nodeId),
})
export type RegistryGraph = z.infer<typeof registryGraph>

export const graphOperations = {
  get: operation({
    method: 'GET',
    path: '/v1/registry/graph',
    summary: 'What live agents declare to produce and consume, as a graph; with an agent or a type, what is near it.',
    capability: 'event-definition:read',
    query: z.strictObject({
      agent: registryName.optional(),
      type: eventType.optional(),
      /** How many edges from the agent or type; without either the whole graph is answered. */
      depth: z.coerce.number().int().min(1).max(5).default(2),
    }),
    output: registryGraph,
  }),
} as const
