import { commonProblems, type SqlSession } from '@soma/kernel'
import type { AgentRecord } from '../../contract/agents.ts'
import { toAgentRecord } from './agent-record.ts'
import type { AgentView } from './store.ts'
import { selectAgentsByName, selectInstancesOf, selectRegistrationsOf } from './views.ts'

export interface WantedAgent {
  readonly name: string
  readonly spaceId: string
  /** Also one that ended more than 24 h ago. */
  readonly endedLong?: boolean
}

/**
 * The agent of a name that a caller means: that of its space, else the only one.
 * @throws Problem `not-found`; `conflict` where several spaces have one, because none hides another
 */
export async function findAgent(session: SqlSession, wanted: WantedAgent): Promise<AgentView> {
  const [agent, other] = await selectAgentsByName(session, wanted)
  if (agent === undefined) throw commonProblems.notFound.create(`no agent ${wanted.name}`)
  if (!agent.is_own && other !== undefined)
    throw commonProblems.conflict.create(`several spaces have an agent ${wanted.name}; ask in one of them`)
  return agent
}

/** The same with its instances. */
export async function readAgent(session: SqlSession, wanted: WantedAgent): Promise<AgentRecord> {
  const [record] = await completeAgents(session, [await findAgent(session, wanted)])
  return record as AgentRecord
}

/** Adds instances and registrations to agents. */
export async function completeAgents(session: SqlSession, agents: readonly AgentView[]): Promise<AgentRecord[]> {
  if (agents.length === 0) return []
  const ids = agents.map((agent) => agent.id)
  const instances = await selectInstancesOf(session, ids)
  const registrations = await selectRegistrationsOf(session, ids)
  return agents.map((agent) => toAgentRecord(agent, { instances, registrations }))
}
