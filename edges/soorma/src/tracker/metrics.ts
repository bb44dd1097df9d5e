import type { trackerContract } from '@soma/tracker/contract'
import type { Client, ModuleDatabase } from '@soma/kernel'
import { ownAgentName } from '../registry/agent-words.ts'
import { AGENT_NAMES } from '../registry/agents.ts'
import type { AgentAnswer } from '../registry/dtos.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { selectRecord } from '../records/store.ts'
import type { Caller } from '../wire/route.ts'
import type { MetricsQuery } from './dtos.ts'
import { selectFigures } from './store.ts'

const INTERVALS = { '1h': '1 hour', '24h': '24 hours', '7d': '7 days', '30d': '30 days' } as const

/** What an agent did: the tasks of Soma that it ended, and the actions of the dialect that it answered. Agents send events as their id or as their name. */
export const createMetrics =
  ({ tracker, database }: { tracker: Client<typeof trackerContract>; database: ModuleDatabase }) =>
  async ({ context }: Caller, { agent_id: agentId, period }: MetricsQuery) => {
    const record = await database.transaction(context, (tx) => selectRecord<AgentAnswer>(tx, AGENT_NAMES, agentId))
    const said = record?.detail.name.split(':', 1)[0] ?? agentId
    const name = ownAgentName(said)
    const found = await tracker.agents.metrics(context, { params: { name }, query: { period } }).catch(ignoreNotFound)
    const agents = [...new Set([agentId, said])]
    const own = await database.transaction(context, (tx) => selectFigures(tx, { agents, period: INTERVALS[period] }))
    const { completed = 0, failed = 0, avgMs = 0 } = found?.metrics ?? {}
    const [done, undone] = [completed + own.completed, failed + own.failed]
    const ended = done + undone
    const seconds = (avgMs / 1000) * (completed + failed) + own.seconds
    return {
      agent_id: agentId,
      period,
      total_tasks: (found?.metrics.total ?? 0) + own.completed + own.failed,
      completed_tasks: done,
      failed_tasks: undone,
      avg_duration_seconds: ended === 0 ? 0 : seconds / ended,
      success_rate: ended === 0 ? 0 : done / ended,
    }
  }
