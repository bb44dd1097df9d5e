import type { Context, ModuleDatabase } from '@soma/kernel'
import type { AgentRecord } from '../contract/agents.ts'
import { completeAgents } from './agents/read-agents.ts'
import { selectLiveAgents } from './agents/views.ts'
import { type DeclaredEvent, selectCurrent } from './event-definitions/store.ts'

/** What a caller sees of the registry as it is now: versions that can be published, and agents that live. */
export interface Declared {
  readonly events: readonly DeclaredEvent[]
  readonly agents: readonly AgentRecord[]
}

export const readDeclared = (context: Context, database: ModuleDatabase): Promise<Declared> =>
  database.transaction(context, async (tx) => ({
    events: await selectCurrent(tx),
    agents: await completeAgents(tx, await selectLiveAgents(tx)),
  }))
