import type { Topic } from '@soma/kernel'
import type { DocumentedAgent, DocumentedEvent } from '../../contract/asyncapi.ts'
import type { RegistryGraph } from '../../contract/graph.ts'
import { findCycles } from './cycles.ts'

type Node = RegistryGraph['nodes'][number]
type Edge = Omit<RegistryGraph['edges'][number], 'inCycle'>

const eventId = ({ topic, type }: { topic: string; type: string }): string => `event:${topic}/${type}`

/** The whole graph of what agents declare. Equal declarations give an equal graph. */
export function declaredGraph(agents: readonly DocumentedAgent[], events: readonly DocumentedEvent[]): RegistryGraph {
  const defined = new Set(events.map(eventId))
  const nodes = new Map<string, Node>()
  const edges = new Map<string, Edge>()
  const addEvent = (reference: { topic: string; type: string }): string => {
    const id = eventId(reference)
    const { topic, type } = reference
    nodes.set(id, { id, kind: 'event', name: type, topic: topic as Topic, isDefined: defined.has(id) })
    return id
  }
  const connect = (edge: Edge) => edges.set(`${edge.from} ${edge.kind} ${edge.to}`, edge)
  for (const { agentId, name, consumes, produces } of agents) {
    const id = `agent:${agentId}`
    nodes.set(id, { id, kind: 'agent', name })
    for (const reference of consumes) connect({ from: addEvent(reference), to: id, kind: 'consumed-by' })
    for (const reference of produces) connect({ from: id, to: addEvent(reference), kind: 'produces' })
  }
  for (const event of events) {
    const from = addEvent(event)
    if (event.responseType === undefined) continue
    const reply = { topic: event.responseTopic ?? 'action-results', type: event.responseType }
    connect({ from, to: addEvent(reply), kind: 'answered-by' })
  }
  return graphOf([...nodes.values()], [...edges.values()])
}

function graphOf(nodes: readonly Node[], edges: readonly Edge[]): RegistryGraph {
  const cycles = findCycles(edges)
  const consumed = new Set(edges.filter(({ kind }) => kind === 'consumed-by').map(({ from }) => from))
  const produced = new Set(edges.filter(({ kind }) => kind === 'produces').map(({ to }) => to))
  const ids = nodes
    .filter(({ kind }) => kind === 'event')
    .map(({ id }) => id)
    .toSorted()
  return {
    nodes: nodes.toSorted((left, right) => (left.id < right.id ? -1 : 1)),
    edges: edges
      .map((edge) => ({ ...edge, inCycle: cycles.get(edge.from) === cycles.get(edge.to) }))
      .toSorted((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1)),
    withoutConsumer: ids.filter((id) => !consumed.has(id)),
    withoutProducer: ids.filter((id) => consumed.has(id) && !produced.has(id)),
  }
}

const sortKey = ({ from, to, kind }: Edge): string => `${from} ${kind} ${to}`

/** What lies within so many edges of the roots, in either direction. */
export function nearby(graph: RegistryGraph, isRoot: (node: Node) => boolean, depth: number): RegistryGraph {
  const near = new Set(graph.nodes.filter(isRoot).map(({ id }) => id))
  for (let step = 0; step < depth; step++) {
    const next = graph.edges.filter(({ from, to }) => near.has(from) || near.has(to))
    for (const { from, to } of next) near.add(from).add(to)
  }
  return {
    nodes: graph.nodes.filter(({ id }) => near.has(id)),
    edges: graph.edges.filter(({ from, to }) => near.has(from) && near.has(to)),
    withoutConsumer: graph.withoutConsumer.filter((id) => near.has(id)),
    withoutProducer: graph.withoutProducer.filter((id) => near.has(id)),
  }
}
