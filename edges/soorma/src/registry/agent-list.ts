import type { AgentRecord, registryContract } from '@soma/registry/contract'
import type { Client, Context, ModuleDatabase } from '@soma/kernel'
import { selectRecords, selectRecordsOf } from '../records/store.ts'
import { describe, ownAgentName } from './agent-words.ts'
import { AGENT_NAMES, type createAgents } from './agents.ts'
import type { AgentAnswer, AgentQuery } from './dtos.ts'
import { firstPages } from '../wire/first-pages.ts'

export interface AgentListOptions {
  readonly registry: Client<typeof registryContract>
  readonly database: ModuleDatabase
  readonly find: ReturnType<typeof createAgents>['find']
}

interface Listed {
  readonly agent: AgentAnswer
  readonly lastSeenAt: string
}

/** Lists agents, the first 2,000 names of a tenant: who lives is the registry's to say, also of those that speak no Soorma; what an agent said about itself is answered as it came. */
export function createAgentList({ registry, database, find }: AgentListOptions) {
  const records = (context: Context, filter: { name?: string; includeExpired?: 'true' }): Promise<AgentRecord[]> =>
    firstPages(({ limit, cursor }) => registry.agents.list(context, { query: { ...filter, limit, ...cursor } }))

  const living = async (context: Context, agents: readonly AgentRecord[]): Promise<Listed[]> => {
    const instances = agents.flatMap((agent) => agent.instances.map((instance) => ({ agent, instance })))
    const ownIdOf = ({ agent, instance }: (typeof instances)[number]) => `${agent.name}/${instance.instanceId}`
    const rows = await database.transaction(context, (tx) =>
      selectRecordsOf<AgentAnswer>(tx, AGENT_NAMES, instances.map(ownIdOf)),
    )
    const said = new Map(rows.map((row) => [row.own_id, row.detail]))
    return instances.map((entry) => ({
      agent: said.get(ownIdOf(entry)) ?? describe(entry.agent, entry.instance),
      lastSeenAt: entry.instance.lastSeenAt,
    }))
  }

  /** Of agents that ended less than a day ago, those that registered here. */
  const ended = async (context: Context, agents: readonly AgentRecord[]): Promise<Listed[]> => {
    const names = new Set(agents.map(({ name }) => name))
    const alive = new Set(
      agents.flatMap(({ name, instances }) => instances.map(({ instanceId }) => `${name}/${instanceId}`)),
    )
    const rows = await database.transaction(context, (tx) => selectRecords<AgentAnswer>(tx, AGENT_NAMES))
    return rows
      .filter(({ own_id }) => !alive.has(own_id) && names.has(own_id.split('/', 1)[0] ?? ''))
      .map(({ detail, updated_at }) => ({ agent: detail, lastSeenAt: updated_at.toISOString() }))
  }

  /** The newest sign of life first. */
  return async (context: Context, query: AgentQuery): Promise<AgentAnswer[]> => {
    const { agent_id: agentId, include_expired: includeExpired } = query
    const known = agentId ? await find(context, agentId) : undefined
    const name = known?.own_id.split('/', 1)[0] ?? (!agentId && query.name ? ownAgentName(query.name) : undefined)
    const agents = await records(context, {
      ...(name === undefined ? {} : { name }),
      ...(includeExpired ? { includeExpired: 'true' } : {}),
    })
    const listed = [...(await living(context, agents)), ...(includeExpired ? await ended(context, agents) : [])]
    const found = listed
      .toSorted((one, other) => (one.lastSeenAt < other.lastSeenAt ? 1 : -1))
      .map(({ agent }) => agent)
      .filter(filterOf(query))
    return agentId ? found : [...new Map(found.toReversed().map((agent) => [agent.name, agent])).values()].toReversed()
  }
}

/** Of several filters the first of this order alone counts. */
function filterOf(query: AgentQuery): (agent: AgentAnswer) => boolean {
  const { agent_id: agentId, name, consumed_event: consumed, produced_event: produced } = query
  if (agentId) return (agent) => agent.agentId === agentId
  if (name) return (agent) => agent.name === name || (!name.includes(':') && agent.name.startsWith(`${name}:`))
  if (consumed) return (agent) => agent.consumedEvents.includes(consumed)
  if (produced) return (agent) => agent.producedEvents.includes(produced)
  return () => true
}
