import { commonProblems, type SqlSession } from '@soma/kernel'
import type { AgentRecord } from '../../contract/agents.ts'
import { toAgentRecord } from './agent-record.ts'
import type { AgentView } from './store.ts'
import { selectAgentByName, selectInstancesOf, selectRegistrationsOf } from './views.ts'

/** One agent with its instances. @throws Problem `not-found` */
export async function readAgent(session: SqlSession, wanted: { name: string; spaceId: string }): Promise<AgentRecord> {
  const [agent] = await selectAgentByName(session, wanted.name, wanted.spaceId)
  if (agent === undefined) throw commonProblems.notFound.create(`no agent ${wanted.name}`)
  const [record] = await completeAgents(session, [agent])
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
