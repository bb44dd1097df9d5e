import type { Topic } from '@soma/kernel'
import type { AgentRecord } from '../../contract/agents.ts'
import { isMeant } from '../../contract/asyncapi.ts'
import type { FoundItem } from '../../contract/discovery.ts'
import type { EventRef } from '../../contract/words.ts'
import type { DeclaredEvent } from '../event-definitions/store.ts'
import type { Declared } from '../read-declared.ts'
import { semverOrder } from '../semver-order.ts'
import { isSuspicious } from './llm.ts'
import type { Candidate } from './rank.ts'

type Of<Kind extends FoundItem['kind']> = Omit<Extract<FoundItem, { kind: Kind }>, 'score' | 'scoreParts'>
/** What can be found, before it is ranked. */
export type Unranked = Of<'event'> | Of<'agent'> | Of<'capability'>

interface Wanted {
  readonly want: readonly FoundItem['kind'][]
  readonly topics?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly actionable: boolean
}

/** Everything that a caller could use, by the words that stand for it. */
export function candidatesOf(
  declared: Declared,
  { want, topics, tags = [], actionable }: Wanted,
): Candidate<Unranked>[] {
  const hasTags = (own: readonly string[] = []) => tags.every((tag) => own.includes(tag))
  const agents = declared.agents.filter((agent) => hasTags(agent.tags))
  return [
    ...(want.includes('event') ? eventsOf(declared, actionable) : [])
      .filter(({ event }) => hasTags(event.tags) && (topics === undefined || topics.includes(event.topic)))
      .map(({ event, consumers }) => eventCandidate(event, consumers, declared)),
    ...(want.includes('agent') ? agents.map(agentCandidate) : []),
    ...(want.includes('capability') ? agents.flatMap(capabilityCandidates) : []),
  ]
}

/** Of each type that a tenant may publish the highest version; where it must be actionable, the highest that a live agent consumes. */
function eventsOf({ events, agents }: Declared, actionable: boolean) {
  const readers = readersOf(agents)
  const best = new Map<string, { event: DeclaredEvent; consumers: string[] }>()
  for (const event of events) {
    if (event.isPlatform || event.status !== 'active') continue
    const own = (readers.get(keyOf(event)) ?? []).filter(({ reference }) => isMeant(reference, event))
    if (actionable && own.length === 0) continue
    const other = best.get(keyOf(event))
    if (other !== undefined && semverOrder(other.event.version) > semverOrder(event.version)) continue
    // Agents of several spaces may have one name.
    const consumers = [...new Map(own.map(({ agent }) => [agent.agentId, agent.name])).values()].toSorted()
    best.set(keyOf(event), { event, consumers })
  }
  return [...best.values()]
}

const keyOf = ({ topic, type }: { topic: string; type: string }): string => `${topic}/${type}`

/** Who consumes any version of each type. */
function readersOf(agents: readonly AgentRecord[]) {
  const readers = new Map<string, { agent: AgentRecord; reference: EventRef }[]>()
  for (const agent of agents)
    for (const reference of agent.consumes) {
      const key = keyOf(reference)
      readers.set(key, [...(readers.get(key) ?? []), { agent, reference }])
    }
  return readers
}

function eventCandidate(event: DeclaredEvent, consumers: string[], declared: Declared): Candidate<Unranked> {
  const { type, topic, version, description, purpose, jsonSchema, examples = [], tags = [] } = event
  const [example] = examples
  const reply = replyOf(event, declared)
  return {
    name: `${type} ${topic}`,
    item: {
      kind: 'event',
      name: type,
      ...{ topic: topic as Topic, type, version, description, parameters: jsonSchema },
      ...(purpose === undefined ? {} : { purpose }),
      requiredFields: requiredOf(jsonSchema),
      ...(example === undefined ? {} : { example }),
      ...(reply === undefined ? {} : { reply }),
      sideEffects: event.sideEffects,
      consumers,
      ownerId: event.ownerId,
      suspicious: isSuspicious([description, purpose ?? '', ...textsOf(jsonSchema)].join('\n')),
    },
    fields: [
      { text: type, weight: 3 },
      { text: tags.join(' '), weight: 2 },
      { text: `${description} ${purpose ?? ''}`, weight: 1 },
      { text: fieldNames(jsonSchema).join(' '), weight: 1 },
    ],
  }
}

/** How the reply looks: as the definition says, else as the type of the reply does. */
function replyOf({ responseType, responseTopic = 'action-results', replySchema }: DeclaredEvent, { events }: Declared) {
  if (responseType === undefined) return undefined
  const [latest] = events
    .filter(({ type, topic, status }) => type === responseType && topic === responseTopic && status === 'active')
    .toSorted((left, right) => (semverOrder(left.version) < semverOrder(right.version) ? 1 : -1))
  const schema = replySchema ?? latest?.jsonSchema
  return { type: responseType, topic: responseTopic as Topic, ...(schema === undefined ? {} : { schema }) }
}

function requiredOf(schema: DeclaredEvent['jsonSchema']): string[] {
  const required = typeof schema === 'object' ? schema.required : undefined
  return Array.isArray(required) ? required.map(String) : []
}

function fieldNames(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  const { properties, ...others } = node as { properties?: object }
  const own = typeof properties === 'object' && properties !== null ? Object.entries(properties) : []
  return [
    ...own.flatMap(([name, schema]) => [name, ...fieldNames(schema)]),
    ...Object.values(others).flatMap(fieldNames),
  ]
}

/** What the owner wrote into the schema for whoever reads it. */
function textsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    (key === 'description' || key === 'title') && typeof value === 'string' ? [value] : textsOf(value),
  )
}

const agentCandidate = ({ name, description, tags, capabilities, ownerId }: AgentRecord): Candidate<Unranked> => ({
  name,
  item: {
    kind: 'agent',
    name,
    description,
    capabilities: capabilities.map((capability) => capability.name),
    ownerId,
    suspicious: isSuspicious(description),
  },
  fields: [
    { text: name, weight: 3 },
    { text: tags.join(' '), weight: 2 },
    { text: `${description} ${capabilities.map((capability) => capability.name).join(' ')}`, weight: 1 },
  ],
})

const capabilityCandidates = (agent: AgentRecord): Candidate<Unranked>[] =>
  agent.capabilities.map(({ name, description, consumes, tags }) => ({
    name: `${name} ${agent.name}`,
    item: {
      kind: 'capability',
      ...{ name, agent: agent.name, description },
      ...(consumes === undefined ? {} : { consumes: { topic: consumes.topic, type: consumes.type } }),
      ownerId: agent.ownerId,
      suspicious: isSuspicious(description),
    },
    fields: [
      { text: name, weight: 3 },
      { text: tags.join(' '), weight: 2 },
      { text: `${description} ${consumes?.type ?? ''}`, weight: 1 },
    ],
  }))
