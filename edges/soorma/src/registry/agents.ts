import type { registryContract } from '@soma/registry/contract'
import type { Client, Context, ModuleDatabase } from '@soma/kernel'
import type { EventTypes } from '../events/types.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { derivedUuid } from '../records/own-names.ts'
import { deleteDead, deleteRecord, selectRecord, upsertRecord } from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import { ownAgentName, toAnswer, toRegistration } from './agent-words.ts'
import type { AgentAnswer, AgentInput } from './dtos.ts'
import type { MayReword } from './ownership.ts'

/** Agents by the ids that they gave themselves. What they are here is `<name>/<instance>`. */
export const AGENT_NAMES = { kind: 'agent', userId: '' } as const

export interface AgentOptions {
  readonly registry: Client<typeof registryContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
  readonly mayReword: MayReword
  /** How long an agent lives after a sign of life. */
  readonly ttlMs: number
}

/** Agents of the dialect: each is an instance of the agent of its name, whose words are kept as they came. */
export function createAgents({ registry, database, types, mayReword, ttlMs }: AgentOptions) {
  const find = (context: Context, agentId: string) =>
    database.transaction(context, (tx) => selectRecord<AgentAnswer>(tx, AGENT_NAMES, agentId))

  const stop = async (context: Context, ownId: string): Promise<void> => {
    await registry.instances.deregister(context, { params: paramsOf(ownId) }).catch(ignoreNotFound)
  }

  const assertFree = async (context: Context, name: string, said: string): Promise<void> => {
    const agent = await registry.agents.get(context, { params: { name } }).catch(ignoreNotFound)
    if (agent !== undefined && !(await mayReword(context, agent.ownerId)))
      throw refusal(400, `Agent name '${said}' belongs to an agent of another kind.`)
  }

  return {
    find,

    /** @throws 400 for a name that an agent which speaks no Soorma owns */
    register: async (context: Context, input: AgentInput) => {
      const answer = toAnswer(input)
      const { agentId } = answer
      const name = ownAgentName(answer.name)
      const instanceId = derivedUuid(context.tenantId, context.spaceId, name, agentId)
      const ownId = `${name}/${instanceId}`
      await assertFree(context, name, input.name)
      const before = await find(context, agentId)
      if (before !== undefined && before.own_id !== ownId) await stop(context, before.own_id)
      const { agent } = await registry.instances.register(context, {
        params: { name, instanceId },
        body: { ...toRegistration(answer, types), leaseMs: ttlMs },
      })
      const living = agent.instances.map((instance) => `${name}/${instance.instanceId}`)
      const isNew = await database.transaction(context, async (tx) => {
        await deleteDead(tx, AGENT_NAMES, { beginning: `${name}/`, living })
        return upsertRecord(tx, AGENT_NAMES, { foreignId: agentId, ownId, detail: answer })
      })
      return said(agentId, `Agent '${agentId}' ${isNew ? 'registered' : 'updated'} successfully.`)
    },

    /** @throws 404 for an agent that is not there, or no longer */
    heartbeat: async (context: Context, agentId: string) => {
      const known = await find(context, agentId)
      const beat =
        known &&
        (await registry.instances
          .heartbeat(context, { params: paramsOf(known.own_id), body: {} })
          .catch(ignoreNotFound))
      if (beat === undefined) throw unknownAgent(agentId)
      return said(agentId, `Agent '${agentId}' heartbeat refreshed successfully.`)
    },

    /** @throws 404 for an agent that is not there */
    remove: async (context: Context, agentId: string): Promise<undefined> => {
      const known = await find(context, agentId)
      if (known === undefined) throw unknownAgent(agentId)
      await stop(context, known.own_id)
      await database.transaction(context, (tx) => deleteRecord(tx, AGENT_NAMES, agentId))
    },
  }
}

const paramsOf = (ownId: string) => {
  const [name = '', instanceId = ''] = ownId.split('/')
  return { name, instanceId }
}

const said = (agentId: string, message: string) => ({ agentId, success: true as const, message })
const unknownAgent = (agentId: string) => refusal(404, `Agent '${agentId}' not found.`)
