import { contract, setting } from '@soma/kernel'
import * as z from 'zod'
import { agentOperations, heartbeatOperations, instanceOperations } from './agents.ts'
import { discoveryOperations } from './discovery.ts'
import { documentOperations } from './documents.ts'
import { eventOperations } from './event-definitions.ts'
import { registryFacts } from './facts.ts'
import { graphOperations } from './graph.ts'
import { schemaOperations } from './schemas.ts'

export * from './agents.ts'
export * from './asyncapi.ts'
export * from './compatibility.ts'
export * from './discovery.ts'
export * from './documents.ts'
export * from './event-definitions.ts'
export * from './facts.ts'
export * from './graph.ts'
export * from './problems.ts'
export * from './schema-reference.ts'
export * from './schemas.ts'
export * from './words.ts'

const milliseconds = (minimum: number, maximum: number) => z.number().int().min(minimum).max(maximum)

export const registryContract = contract({
  module: 'registry',
  summary: 'Who is alive, what can they do, which events exist, and what does their data look like?',
  operations: {
    instances: instanceOperations,
    heartbeats: heartbeatOperations,
    agents: agentOperations,
    events: eventOperations,
    schemas: schemaOperations,
    asyncapi: documentOperations,
    graph: graphOperations,
    discovery: discoveryOperations,
  },
  events: registryFacts,
  capabilities: {
    'agent:read': 'See registered agents.',
    'agent:register': 'Register agents and give their signs of life.',
    'agent:manage': 'Register under names that belong to others, change agents of others and transfer their names.',
    'event-definition:read': 'See event definitions.',
    'event-definition:write': 'Define events.',
    'discovery:read': 'Ask in plain words what there is.',
    'schema:read': 'See schemas.',
    'schema:write': 'Register schemas.',
  },
  settings: {
    leaseMs: setting({
      type: milliseconds(1000, 3_600_000),
      default: 90_000,
      summary: 'How long an instance lives after its last sign of life: three heartbeats, so that two may be lost.',
      unit: 'ms',
    }),
    heartbeatMs: setting({
      type: milliseconds(100, 3_600_000),
      default: 30_000,
      summary: 'How often instances are asked to give a sign of life.',
      unit: 'ms',
    }),
    sweepMs: setting({
      type: milliseconds(50, 9000),
      default: 5000,
      summary: 'How often ended leases are looked for: an expiry is noticed within 10 s.',
      unit: 'ms',
    }),
    discoveryMinScore: setting({
      type: z.number().min(0).max(1),
      default: 0.15,
      summary: 'How near a text must be to a question to be found by its meaning alone: the cosine of their vectors.',
    }),
    massExpiryGuard: setting({
      type: z.number().min(0).max(100),
      default: 50,
      summary:
        'Share of live instances that may expire in one sweep of at least 20; above it the network is suspected, not the agents.',
      unit: 'percent',
    }),
  },
})
