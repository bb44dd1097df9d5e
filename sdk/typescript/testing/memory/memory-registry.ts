import { commonProblems, newUuid, type Topic, toId } from '@soma/kernel'
import type {
  AgentRecord,
  Discovered,
  EventDefinitionInput,
  EventDefinitionRecord,
  Registration,
} from '@soma/registry/contract'
import type { MemoryClock } from './memory-clock.ts'
import { foundOf, llmOf, textOf, wordsOf } from './memory-discovery.ts'
import type { MemoryLog } from './memory-log.ts'

const LEASE_MS = 90_000
const HEARTBEAT_MS = 30_000

export interface Search {
  readonly query: string
  readonly topics?: readonly string[]
  readonly actionable: boolean
  readonly limit: number
}

/** Who is registered, and which events they have defined. */
export function createMemoryRegistry(log: MemoryLog, clock: MemoryClock) {
  const agents = new Map<string, AgentRecord>()
  const definitions = new Map<string, EventDefinitionInput>()
  const instanceOf = (name: string, instanceId: string) => {
    const instance = agents.get(name)?.instances.find((one) => one.instanceId === instanceId)
    if (instance === undefined) throw commonProblems.notFound.create(`no instance ${instanceId} of ${name}`)
    return instance
  }
  return {
    agents: () => [...agents.values()],
    agent(name: string): AgentRecord {
      const agent = agents.get(name)
      if (agent === undefined) throw commonProblems.notFound.create(`no agent ${name}`)
      return agent
    },
    events: () => [...definitions.values()].map(recordOf).sort((left, right) => (left.type < right.type ? -1 : 1)),
    event(topic: string, type: string): EventDefinitionRecord {
      const definition = definitions.get(`${topic} ${type}`)
      if (definition === undefined) throw commonProblems.notFound.create(`no event ${type} on ${topic}`)
      return recordOf(definition)
    },
    /** Every word of the question that an event has in its type, description or fields counts one; ties by type. */
    discover({ query, topics, actionable, limit }: Search): Discovered {
      const words = wordsOf(query)
      const found = [...definitions.values()]
        .map((definition) => ({
          definition,
          score: wordsOf(textOf(definition)).filter((word) => words.includes(word)).length,
        }))
        .filter(({ score, definition }) => score > 0 && topics?.includes(definition.topic) !== false)
        .map(({ definition, score }) => foundOf(definition, { score, consumers: consumersOf(definition) }))
        .filter(({ consumers }) => !actionable || consumers.length > 0)
        .toSorted((left, right) => right.score - left.score || (left.type < right.type ? -1 : 1))
        .slice(0, limit)
      return { items: found, hidden: 0, asOf: clock.iso(), degraded: true, llm: llmOf(found) }
    },
    register(place: { name: string; instanceId: string }, body: Registration) {
      for (const definition of body.events) define(definition)
      const { agent, instance } = entered(place, body, { known: agents.get(place.name), now: clock.iso() })
      agents.set(place.name, agent)
      return { agent, instance, leaseMs: LEASE_MS, heartbeatMs: HEARTBEAT_MS, warnings: [] }
    },
    heartbeat({ name, instanceId }: { name: string; instanceId: string }) {
      return { expiresAt: instanceOf(name, instanceId).expiresAt, known: true }
    },
    deregister({ name, instanceId }: { name: string; instanceId: string }): undefined {
      instanceOf(name, instanceId)
      const agent = agents.get(name) as AgentRecord
      const instances = agent.instances.filter((one) => one.instanceId !== instanceId)
      agents.set(name, { ...agent, instances, status: instances.length === 0 ? 'deregistered' : agent.status })
    },
  }

  function consumersOf({ topic, type }: EventDefinitionInput): string[] {
    return [...agents.values()]
      .filter(
        ({ status, consumes }) => status === 'live' && consumes.some((one) => one.topic === topic && one.type === type),
      )
      .map(({ name }) => name)
      .toSorted()
  }

  function recordOf(definition: EventDefinitionInput): EventDefinitionRecord {
    const { topic, type } = definition
    const counted = (list: 'consumes' | 'produces') =>
      [...agents.values()].filter((agent) => agent[list].some((one) => one.topic === topic && one.type === type)).length
    return {
      ...definition,
      topic: topic as Topic,
      responseTopic: definition.responseTopic as Topic | undefined,
      schema: 'jsonSchema' in definition.schema ? { name: type, version: definition.version } : definition.schema,
      jsonSchema: 'jsonSchema' in definition.schema ? definition.schema.jsonSchema : true,
      visibility: 'tenant',
      status: 'active',
      ownerId: 'test',
      digest: 'memory',
      createdAt: clock.iso(),
      consumers: counted('consumes'),
      producers: counted('produces'),
    }
  }

  function define(definition: EventDefinitionInput): void {
    definitions.set(`${definition.topic} ${definition.type}`, definition)
    const jsonSchema = 'jsonSchema' in definition.schema ? definition.schema.jsonSchema : true
    log.define({ topic: definition.topic, type: definition.type, jsonSchema })
  }
}

function entered(
  place: { name: string; instanceId: string },
  body: Registration,
  before: { known: AgentRecord | undefined; now: string },
): Pick<{ agent: AgentRecord; instance: AgentRecord['instances'][number] }, 'agent' | 'instance'> {
  const { known, now } = before
  const instance = {
    instanceId: place.instanceId,
    agentVersion: body.agentVersion,
    startedAt: now,
    lastSeenAt: now,
    expiresAt: now,
    health: body.health,
    digest: 'memory',
  }
  const agent: AgentRecord = {
    agentId: known?.agentId ?? toId('reg', newUuid()),
    name: place.name,
    kind: body.kind,
    description: body.description,
    ownerId: 'test',
    tags: body.tags,
    capabilities: body.capabilities.map((capability) => ({ ...capability, versions: [body.agentVersion] })),
    consumes: body.consumes,
    produces: body.produces,
    versions: [body.agentVersion],
    status: 'live',
    instances: [...(known?.instances ?? []), instance],
    createdAt: known?.createdAt ?? now,
    lastSeenAt: now,
    version: (known?.version ?? 0) + 1,
  }
  return { agent, instance }
}

export type MemoryRegistry = ReturnType<typeof createMemoryRegistry>
