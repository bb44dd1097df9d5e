import { event, idSchema } from '@soma/kernel'
import * as z from 'zod'
import { agentKind } from './agents.ts'
import { changeLevel, eventRef, registryName, semver, time } from './words.ts'

const agentFact = {
  agentId: idSchema('reg'),
  name: registryName,
  kind: agentKind,
  agentVersion: semver,
  instanceId: z.uuid(),
  capabilities: z.array(registryName),
  consumes: z.array(eventRef),
  produces: z.array(eventRef),
}
const instanceFact = {
  agentId: idSchema('reg'),
  name: registryName,
  instanceId: z.uuid(),
  agentVersion: semver,
}
const endFact = { agentId: idSchema('reg'), name: registryName, lastSeenAt: time }

export const agentRegistered = event({
  type: 'agent.registered',
  topic: 'system-events',
  data: z.strictObject(agentFact),
  summary: 'An agent is known for the first time.',
})
export const agentUpdated = event({
  type: 'agent.updated',
  topic: 'system-events',
  data: z.strictObject({ ...agentFact, changed: z.array(z.string()) }),
  summary: 'What an agent says about itself has changed.',
})
export const agentRevived = event({
  type: 'agent.revived',
  topic: 'system-events',
  data: z.strictObject(endFact),
  summary: 'An agent that had ended has a live instance again.',
})
export const agentExpired = event({
  type: 'agent.expired',
  topic: 'system-events',
  data: z.strictObject(endFact),
  summary: 'The last instance of an agent gave no sign of life within its lease.',
})
export const agentDeregistered = event({
  type: 'agent.deregistered',
  topic: 'system-events',
  data: z.strictObject(endFact),
  summary: 'The last instance of an agent has ended in order.',
})
export const agentInstanceStarted = event({
  type: 'agent.instance-started',
  topic: 'system-events',
  data: z.strictObject(instanceFact),
  summary: 'A process of an agent is live.',
})
export const agentInstanceStopped = event({
  type: 'agent.instance-stopped',
  topic: 'system-events',
  data: z.strictObject({ ...instanceFact, reason: z.enum(['deregistered', 'expired', 'replaced']) }),
  summary: 'A process of an agent has ended; its deliveries are free.',
})
export const agentHealthChanged = event({
  type: 'agent.health-changed',
  topic: 'system-events',
  data: z.strictObject({
    agentId: idSchema('reg'),
    instanceId: z.uuid(),
    from: z.string(),
    to: z.string(),
    detail: z.string().optional(),
  }),
  summary: 'A process of an agent reports another health.',
})
export const schemaRegistered = event({
  type: 'schema.registered',
  topic: 'system-events',
  version: '1.1.0',
  data: z.strictObject({
    schemaId: idSchema('sch'),
    name: z.string(),
    version: semver,
    digest: z.string(),
    /** What it changed against the release below it. */
    level: changeLevel.optional(),
  }),
  summary: 'A version of a schema is registered.',
})
const definitionFact = { topic: z.string(), type: z.string(), version: semver, digest: z.string() }

export const eventDefined = event({
  type: 'event.defined',
  topic: 'system-events',
  version: '1.1.0',
  data: z.strictObject({ ...definitionFact, level: changeLevel.optional() }),
  summary: 'A version of an event type is defined.',
})
export const eventDeprecated = event({
  type: 'event.deprecated',
  topic: 'system-events',
  data: z.strictObject({
    ...definitionFact,
    replacedBy: semver.optional(),
    sunsetAt: time.optional(),
    note: z.string(),
  }),
  summary: 'A version of an event type comes to its end.',
})
export const eventRetired = event({
  type: 'event.retired',
  topic: 'system-events',
  data: z.strictObject({ ...definitionFact, isForced: z.boolean(), note: z.string() }),
  summary: 'A version of an event type has ended.',
})

export const registryFacts = [
  agentRegistered,
  agentUpdated,
  agentRevived,
  agentExpired,
  agentDeregistered,
  agentInstanceStarted,
  agentInstanceStopped,
  agentHealthChanged,
  schemaRegistered,
  eventDefined,
  eventDeprecated,
  eventRetired,
] as const
