import { commonProblems, idSchema, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { eventDefinitionInput } from './event-definitions.ts'
import { registryProblems } from './problems.ts'
import { schemaInput } from './schemas.ts'
import { agentSelector, eventRef, registryName, semver, sideEffects, tags, time } from './words.ts'

export const agentKind = z.enum(['tool', 'worker', 'planner', 'agent'])
export const agentStatus = z.enum(['live', 'degraded', 'draining', 'suspect', 'expired', 'deregistered'])
export const health = z.enum(['healthy', 'degraded', 'unhealthy', 'draining'])
export const load = z.strictObject({ inFlight: z.number().int().min(0), credits: z.number().int().min(0) })

/** What an agent offers: the event that asks for it and those that answer. */
export const capability = z.strictObject({
  name: registryName,
  description: z.string().max(2000).default(''),
  consumes: eventRef.optional(),
  produces: z.array(eventRef).max(50).default([]),
  tags: tags.default([]),
  examples: z
    .array(z.strictObject({ input: z.unknown(), output: z.unknown().optional(), note: z.string().max(500).optional() }))
    .max(10)
    .default([]),
  cost: z
    .strictObject({
      costMicros: z.number().int().min(0),
      currency: z.string().length(3),
      per: z.enum(['call', 'token']),
    })
    .optional(),
  p95Ms: z.number().min(0).optional(),
  sideEffects: sideEffects.default('none'),
  /** Capabilities that the caller must hold. */
  requires: z.array(z.string().max(128)).max(20).default([]),
  concurrency: z.number().int().min(1).optional(),
})
export type Capability = z.output<typeof capability>

/** Everything an agent says about itself and this process of it, in one call. */
export const registration = z.strictObject({
  kind: agentKind,
  description: z.string().min(1).max(2000),
  agentVersion: semver,
  personaId: idSchema('per').optional(),
  tags: tags.default([]),
  /** A bare name is taken as a capability without an event, with a warning. */
  capabilities: z
    .array(z.union([registryName.transform((name) => ({ name })), capability]).pipe(capability))
    .max(100)
    .default([]),
  consumes: z.array(eventRef).max(200).default([]),
  produces: z.array(eventRef).max(200).default([]),
  events: z.array(eventDefinitionInput).max(200).default([]),
  schemas: z.array(schemaInput).max(200).default([]),
  sdk: z.strictObject({ language: z.string().max(32), version: z.string().max(64) }).optional(),
  health: health.default('healthy'),
  load: load.optional(),
  region: z.string().max(64).optional(),
  /** How long this instance lives after a sign of life, 1 s to 1 h. Default: `registry.leaseMs`. */
  leaseMs: z.number().int().min(1000).max(3_600_000).optional(),
})
export type Registration = z.output<typeof registration>

export const instanceRecord = z.strictObject({
  instanceId: z.uuid(),
  agentVersion: semver,
  sdk: z.strictObject({ language: z.string(), version: z.string() }).optional(),
  startedAt: time,
  lastSeenAt: time,
  expiresAt: time,
  health,
  healthDetail: z.string().optional(),
  /** Since then its delivery stream is broken, and it gave no sign of life: it is suspect. */
  suspectSince: time.optional(),
  load: load.optional(),
  region: z.string().optional(),
  /** Of its registration: give it with each heartbeat. */
  digest: z.string(),
})
export type InstanceRecord = z.infer<typeof instanceRecord>

export const agentRecord = z.strictObject({
  agentId: idSchema('reg'),
  name: registryName,
  kind: agentKind,
  description: z.string(),
  ownerId: z.string(),
  personaId: idSchema('per').optional(),
  tags: z.array(z.string()),
  /** `versions` = the live versions of the agent that offer it. */
  capabilities: z.array(capability.extend({ versions: z.array(semver) })),
  consumes: z.array(eventRef),
  produces: z.array(eventRef),
  versions: z.array(semver),
  status: agentStatus,
  instances: z.array(instanceRecord),
  createdAt: time,
  lastSeenAt: time,
  version: z.number().int(),
})
export type AgentRecord = z.infer<typeof agentRecord>

export const registrationWarning = z.strictObject({
  code: z.string(),
  detail: z.string(),
  pointer: z.string().optional(),
})

const instanceParams = z.strictObject({ name: registryName, instanceId: z.uuid() })
const healthDetail = z.string().max(500).optional()

export const instanceOperations = {
  register: operation({
    method: 'PUT',
    path: '/v1/registry/agents/{name}/instances/{instanceId}',
    summary:
      'Registers schemas, event definitions, the agent, its capabilities and this process of it: all or nothing.',
    capability: 'agent:register',
    action: 'agent.register',
    params: instanceParams,
    body: registration,
    bodyLimitBytes: 8_388_608,
    output: z.strictObject({
      agent: agentRecord,
      instance: instanceRecord,
      leaseMs: z.number().int(),
      heartbeatMs: z.number().int(),
      warnings: z.array(registrationWarning),
    }),
    problems: [
      registryProblems.nameOwned,
      registryProblems.schemaExists,
      registryProblems.schemaInvalid,
      registryProblems.schemaIncompatible,
      registryProblems.unknownTopic,
      registryProblems.typeReserved,
    ],
  }),
  heartbeat: operation({
    method: 'POST',
    path: '/v1/registry/agents/{name}/instances/{instanceId}/heartbeat',
    summary: 'A sign of life. `known: false` or `not-found`: register in full.',
    capability: 'agent:register',
    params: instanceParams,
    body: z.strictObject({
      health: health.optional(),
      healthDetail,
      load: load.optional(),
      digest: z.string().max(128).optional(),
    }),
    output: z.strictObject({ expiresAt: time, known: z.boolean() }),
    status: 200,
  }),
  deregister: operation({
    method: 'DELETE',
    path: '/v1/registry/agents/{name}/instances/{instanceId}',
    summary: 'Ends an instance; the agent ends with its last one.',
    capability: 'agent:register',
    params: instanceParams,
    query: z.strictObject({ reason: z.string().max(255).optional() }),
  }),
} as const

/**
 * What becomes of the delivery stream of an instance, as the events module says it: `open` is a sign of life, `broken` is none. When the one that was opened last
 * breaks, the instance is suspect until its next sign of life.
 */
const deliveryStream = z.strictObject({ id: z.string().min(1).max(64), state: z.enum(['open', 'broken']) })

export const heartbeatOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/registry/heartbeats',
    summary: 'Signs of life of many instances at once.',
    capability: 'agent:register',
    body: z.strictObject({
      instances: z
        .array(
          z.strictObject({
            instanceId: z.uuid(),
            health: health.optional(),
            load: load.optional(),
            stream: deliveryStream.optional(),
          }),
        )
        .max(500),
    }),
    output: z.strictObject({
      alive: z.array(z.uuid()),
      unknown: z.array(z.uuid()),
      /** How often signs of life are asked for. */
      heartbeatMs: z.number().int(),
    }),
    status: 200,
  }),
} as const

const agentParams = z.strictObject({ name: registryName })

export const agentOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/registry/agents',
    summary: 'Lists agents with their instances. Filters combine with AND and match exactly.',
    capability: 'agent:read',
    query: z.strictObject({
      ...pageQuery,
      /** Its name, or `<name>@<version>`: with instances of that version. */
      name: agentSelector.optional(),
      kind: agentKind.optional(),
      status: agentStatus.optional(),
      capability: registryName.optional(),
      /** Event type that it consumes. */
      consumes: eventRef.shape.type.optional(),
      /** Event type that it produces. */
      produces: eventRef.shape.type.optional(),
      tag: z.string().max(64).optional(),
      /** Words in name or description. */
      query: z.string().max(255).optional(),
      /** Agents that ended in the last 24 h, too. */
      includeExpired: z.stringbool().default(false),
    }),
    output: pageOf(agentRecord),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/registry/agents/{name}',
    summary: 'One agent by name, also one that ended in the last 24 h.',
    capability: 'agent:read',
    params: agentParams,
    output: agentRecord,
  }),
  update: operation({
    method: 'PATCH',
    path: '/v1/registry/agents/{name}',
    summary:
      'Words an agent anew until it says something else itself, or transfers its name with the events that it defined. For its owner, and with `agent:manage`.',
    capability: 'agent:read',
    action: 'agent.update',
    params: agentParams,
    body: z.strictObject({
      description: z.string().min(1).max(2000).optional(),
      tags: tags.optional(),
      /** Principal to whom the name belongs from now on. Instances of the one before live on until they end. */
      ownerId: z.string().min(1).max(128).optional(),
    }),
    output: agentRecord,
    ifMatch: true,
    problems: [registryProblems.nameOwned, commonProblems.versionConflict],
  }),
  delete: operation({
    method: 'DELETE',
    path: '/v1/registry/agents/{name}',
    summary: 'Forgets an agent that has ended and frees its name; one that lives is a `conflict`.',
    capability: 'agent:read',
    action: 'agent.delete',
    params: agentParams,
    problems: [registryProblems.nameOwned],
  }),
} as const
