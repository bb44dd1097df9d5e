import { type AgentRecord, type Capability, type EventRef, type InstanceRecord, semver } from '@soma/registry/contract'
import { isTopic } from '@soma/kernel'
import { type EventTypes, toForeignType } from '../events/types.ts'
import { toOwnName } from '../records/own-names.ts'
import type { AgentAnswer, AgentInput, EventAnswer, EventDefinition } from './dtos.ts'

const MAXIMUM_TYPE = 255

/** A definition as it is kept and answered: its name with the version, its lists of events drawn from the capabilities where it gives none. */
export function toAnswer({ version, ...agent }: AgentInput): AgentAnswer {
  const { name, consumedEvents, producedEvents, capabilities } = agent
  return {
    ...agent,
    name: name.includes(':') ? name : `${name}:${version}`,
    consumedEvents: consumedEvents?.length
      ? consumedEvents
      : unique(capabilities.map(({ consumedEvent }) => consumedEvent)),
    producedEvents: producedEvents?.length
      ? producedEvents
      : unique(capabilities.flatMap((capability) => capability.producedEvents)),
  }
}

const unique = (events: readonly EventDefinition[]): string[] => [...new Set(events.map(({ eventName }) => eventName))]

/** The name of ours that all versions of an agent share. */
export const ownAgentName = (name: string): string => toOwnName(name.split(':', 1)[0] || name)

/** What ours has words for. A version that is none of ours is 0.0.0; events on topics that nobody has are left out. */
export function toRegistration(agent: AgentAnswer, types: EventTypes) {
  const version = semver.safeParse(agent.name.split(':')[1])
  return {
    kind: 'agent' as const,
    description: agent.description || agent.name,
    agentVersion: version.success ? version.data : '0.0.0',
    capabilities: [
      ...new Map(agent.capabilities.map((capability) => [toOwnName(capability.taskName), capability])),
    ].map(([name, { description, consumedEvent, producedEvents }]) => {
      const [consumes] = isBare(consumedEvent, producedEvents) ? [] : toReferences([consumedEvent], types)
      return {
        name,
        description,
        ...(consumes === undefined ? {} : { consumes }),
        produces: toReferences(producedEvents, types),
      }
    }),
  }
}

/** A capability that the agent gave as a name alone comes with an event that is none. */
const isBare = ({ eventName, topic }: EventDefinition, produced: readonly EventDefinition[]): boolean =>
  eventName === 'unknown' && topic === 'action-requests' && produced.length === 0

const toReferences = (events: readonly EventDefinition[], types: EventTypes): EventRef[] =>
  events
    .map(({ topic, eventName }) => ({ topic, type: types.toOwn(eventName) }))
    .filter(({ topic, type }) => isTopic(topic) && type.length <= MAXIMUM_TYPE)

/** An instance that registered without this dialect, in its words. */
export function describe(agent: AgentRecord, instance: InstanceRecord): AgentAnswer {
  const capabilities = agent.capabilities
    .filter(({ versions }) => versions.includes(instance.agentVersion))
    .map((capability) => ({
      taskName: capability.name,
      description: capability.description,
      consumedEvent: capability.consumes === undefined ? bare : toEvent(capability.consumes, capability),
      producedEvents: capability.produces.map((reference) => toEvent(reference, capability)),
    }))
  return {
    agentId: instance.instanceId,
    name: `${agent.name}:${instance.agentVersion}`,
    description: agent.description,
    capabilities,
    consumedEvents: namesOf(agent.consumes),
    producedEvents: namesOf(agent.produces),
  }
}

const NO_SCHEMAS = { payloadSchemaName: null, responseSchemaName: null, payloadSchema: null, responseSchema: null }
const bare: EventAnswer = { eventName: 'unknown', topic: 'action-requests', description: '', ...NO_SCHEMAS }

const toEvent = ({ topic, type }: EventRef, { description }: Pick<Capability, 'description'>): EventAnswer => ({
  eventName: toForeignType(type),
  topic,
  description,
  ...NO_SCHEMAS,
})

const namesOf = (references: readonly EventRef[]): string[] => [
  ...new Set(references.map(({ type }) => toForeignType(type))),
]
