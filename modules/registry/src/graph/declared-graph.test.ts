import { expect, it } from 'vitest'
import { declaredGraph, nearby } from './declared-graph.ts'

const REQUESTED = { topic: 'action-requests', type: 'sum.requested' }
const ANSWERED = { topic: 'action-results', type: 'sum.answered' }
const KEPT = { topic: 'business-facts', type: 'note.kept' }
const LOST = { topic: 'business-facts', type: 'note.lost' }

const agent = (name: string, consumes: (typeof KEPT)[], produces: (typeof KEPT)[]) => ({
  ...{ agentId: `reg_${name}`, name, description: name },
  ...{ consumes, produces },
})
const event = (place: typeof KEPT, responseType?: string) => ({
  ...{ ...place, version: '1.0.0', kind: 'fact' as const, description: '', jsonSchema: true, responseType },
})

const AGENTS = [
  agent('adder', [REQUESTED], [ANSWERED, KEPT]),
  agent('planner', [ANSWERED], [REQUESTED]),
  agent('reader', [KEPT, LOST], []),
]
const EVENTS = [event(REQUESTED, 'sum.answered'), event(KEPT), event({ topic: 'business-facts', type: 'note.unread' })]
const graph = declaredGraph(AGENTS, EVENTS)

it('joins agents by the events that they declare, marks what comes back, and lists what nobody takes or makes', () => {
  const edges = graph.edges.map(({ from, to, inCycle }) => `${from} > ${to}${inCycle ? ' again' : ''}`)
  expect(edges).toEqual([
    'agent:reg_adder > event:action-results/sum.answered again',
    'agent:reg_adder > event:business-facts/note.kept',
    'agent:reg_planner > event:action-requests/sum.requested again',
    'event:action-requests/sum.requested > event:action-results/sum.answered again',
    'event:action-requests/sum.requested > agent:reg_adder again',
    'event:action-results/sum.answered > agent:reg_planner again',
    'event:business-facts/note.kept > agent:reg_reader',
    'event:business-facts/note.lost > agent:reg_reader',
  ])
  expect(graph.withoutConsumer).toEqual(['event:business-facts/note.unread'])
  expect(graph.withoutProducer).toEqual(['event:business-facts/note.lost'])
  expect(graph.nodes.find(({ name }) => name === 'note.lost')).toMatchObject({
    isDefined: false,
    topic: 'business-facts',
  })
})

it('is the same whatever the order of declarations', () => {
  expect(declaredGraph(AGENTS.toReversed(), EVENTS.toReversed())).toEqual(graph)
})

it('shows what is within so many edges of a node', () => {
  const names = (depth: number) => nearby(graph, ({ name }) => name === 'reader', depth).nodes.map(({ name }) => name)
  expect(names(1).sort()).toEqual(['note.kept', 'note.lost', 'reader'])
  expect(names(2).sort()).toEqual(['adder', 'note.kept', 'note.lost', 'reader'])
  expect(nearby(graph, () => false, 5)).toEqual({ nodes: [], edges: [], withoutConsumer: [], withoutProducer: [] })
})
