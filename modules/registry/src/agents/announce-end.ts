import { type Transaction, toId } from '@soma/kernel'
import { agentDeregistered, agentExpired, agentInstanceStopped } from '../../contract/facts.ts'
import { endAgents, type InstanceRow } from './store.ts'

/** Says that instances have stopped, and ends and announces those of their agents that have none left. */
export async function announceEnd(
  tx: Transaction,
  ended: {
    readonly agents: readonly { id: string; name: string }[]
    readonly instances: readonly InstanceRow[]
    readonly as: 'expired' | 'deregistered'
  },
): Promise<void> {
  for (const row of ended.instances) {
    const agentId = toId('reg', row.agent_id)
    const name = ended.agents.find((agent) => agent.id === row.agent_id)?.name as string
    tx.emit(
      agentInstanceStopped,
      { agentId, name, instanceId: row.instance_id, agentVersion: row.agent_version, reason: ended.as },
      { partitionKey: agentId },
    )
  }
  const ids = ended.agents.map((agent) => agent.id)
  for (const agent of await endAgents(tx, ids, ended.as)) {
    const agentId = toId('reg', agent.id)
    const fact = ended.as === 'expired' ? agentExpired : agentDeregistered
    tx.emit(
      fact,
      { agentId, name: agent.name, lastSeenAt: agent.last_seen_at.toISOString() },
      { partitionKey: agentId },
    )
  }
}
