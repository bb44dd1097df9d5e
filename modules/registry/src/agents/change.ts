import { type Context, commonProblems, holds, type ModuleDatabase, type Transaction } from '@soma/kernel'
import type { AgentRecord } from '../../contract/agents.ts'
import { registryProblems } from '../../contract/problems.ts'
import { recordChange } from '../record-change.ts'
import { announceEnd } from './announce-end.ts'
import { findAgent, readAgent } from './read-agents.ts'
import { changeAgent, deleteAgent, lockAgentById, transferDefinitions } from './change-store.ts'
import { type AgentView, deleteExpiredInstances } from './store.ts'

interface Changes {
  readonly description?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly ownerId?: string | undefined
}

/** What people do with agents: word them anew, transfer their names, forget them. */
export function createAgentChanges({ database }: { database: ModuleDatabase }) {
  return {
    update: (context: Context, name: string, input: { changes: Changes; version: number | undefined }) =>
      database.transaction(context, async (tx): Promise<AgentRecord> => {
        const agent = await findOwn(tx, context, name)
        if (agent.version !== input.version)
          throw commonProblems.versionConflict.create(`agent ${name} has version ${agent.version} now`)
        const { description = agent.description, tags = agent.tags, ownerId = agent.owner_id } = input.changes
        const after = { description, tags, ownerId }
        await changeAgent(tx, agent.id, after)
        if (ownerId !== agent.owner_id) await transferDefinitions(tx, agent, ownerId)
        const before = { description: agent.description, tags: agent.tags, ownerId: agent.owner_id }
        recordChange(tx, context, { action: 'agent.update', resource: { type: 'agent', id: name }, before, after })
        return readAgent(tx, { name, spaceId: context.spaceId })
      }),
    delete: (context: Context, name: string) =>
      database.transaction(context, async (tx): Promise<undefined> => {
        const agent = await findOwn(tx, context, name)
        if (agent.status !== 'expired' && agent.status !== 'deregistered')
          throw commonProblems.conflict.create(`agent ${name} is ${agent.status}: end its instances first`)
        const instances = await deleteExpiredInstances(tx, [agent.id])
        await announceEnd(tx, { agents: [agent], instances, as: 'expired' })
        await deleteAgent(tx, agent.id)
        recordChange(tx, context, {
          action: 'agent.delete',
          resource: { type: 'agent', id: name },
          before: { ownerId: agent.owner_id },
          after: {},
        })
      }),
  }
}

/** Locked, so that registrations and sweeps of it wait. */
async function findOwn(tx: Transaction, context: Context, name: string): Promise<AgentView> {
  const wanted = { name, spaceId: context.spaceId, endedLong: true }
  await lockAgentById(tx, (await findAgent(tx, wanted)).id)
  const agent = await findAgent(tx, wanted)
  if (agent.owner_id === context.principal.id || holds(context.principal, 'agent:manage')) return agent
  throw registryProblems.nameOwned.create(`agent ${name} belongs to ${agent.owner_id}`)
}
