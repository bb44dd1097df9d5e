import type { Context } from '@soma/kernel'
import type { RegistryGraph } from '../../contract/graph.ts'
import type { DeclaredReader } from '../read-declared.ts'
import { declaredGraph, nearby } from './declared-graph.ts'

interface Wanted {
  readonly agent?: string | undefined
  readonly type?: string | undefined
  readonly depth: number
}

/** The declared edges between live agents and the events that a caller sees. */
export function createGraphService({ declared }: { declared: DeclaredReader }) {
  return {
    get: async (context: Context, { agent, type, depth }: Wanted): Promise<RegistryGraph> => {
      const { agents, events } = await declared.read(context)
      const graph = declaredGraph(agents, events)
      if (agent === undefined && type === undefined) return graph
      return nearby(graph, ({ kind, name }) => name === (kind === 'agent' ? agent : type), depth)
    },
  }
}
