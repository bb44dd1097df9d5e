import {
  type Context,
  commonProblems,
  decodeCursor,
  encodeCursor,
  holds,
  type ModuleDatabase,
  type Transaction,
  toId,
} from '@soma/kernel'
import type { AgentRecord } from '../../contract/agents.ts'
import { agentHealthChanged } from '../../contract/facts.ts'
import { announceEnd } from './announce-end.ts'
import { createHeartbeatBatch } from './heartbeat-batch.ts'
import { completeAgents, readAgent } from './read-agents.ts'
import {
  deleteInstance,
  deleteInstancesOf,
  type InstanceRow,
  lockAgentsOf,
  type Sign,
  selectInstance,
  touchInstances,
} from './store.ts'
import { type AgentFilter, listAgents } from './views.ts'

type ListQuery = { readonly [Name in keyof Omit<AgentFilter, 'includeExpired'>]?: string | undefined } & {
  readonly includeExpired: boolean
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface AgentService {
  /** One sign of life. @throws Problem `not-found` for an instance that is not known. */
  heartbeat(
    context: Context,
    sign: Sign & { name: string; digest?: string | undefined },
  ): Promise<{ expiresAt: string; known: boolean }>
  heartbeats(context: Context, signs: readonly Sign[]): Promise<{ alive: string[]; unknown: string[] }>
  deregister(context: Context, instance: { name: string; instanceId: string }): Promise<undefined>
  list(context: Context, query: ListQuery): Promise<{ items: AgentRecord[]; nextCursor: string | null }>
  get(context: Context, name: string): Promise<AgentRecord>
}

export function createAgentService(deps: { database: ModuleDatabase; leaseMs: number }): AgentService {
  const { database, leaseMs } = deps
  const batch = createHeartbeatBatch(deps)
  /** With their fact, in a transaction of the tenant. */
  const changeHealth = (context: Context, signs: readonly Sign[]) =>
    database.transaction(context, async (tx) => {
      const rows = await touchInstances(tx, signs, { leaseMs, principalId: ownPrincipal(context) })
      for (const row of rows) if (row.health !== row.health_before) emitHealth(tx, row)
      return rows
    })
  /** The known instances among them. */
  const touch = async (context: Context, signs: readonly Sign[]) => {
    const principalId = ownPrincipal(context)
    const touched = await Promise.all(
      signs.map(async (sign) => ({ sign, row: await batch.touch(context, sign, principalId) })),
    )
    const changing = touched.filter(({ row }) => row?.changes_health === true).map(({ sign }) => sign)
    const changed = changing.length === 0 ? [] : await changeHealth(context, changing)
    return [
      ...changed,
      ...touched.flatMap(({ sign, row }) =>
        row?.expires_at ? [{ instance_id: sign.instanceId, ...row, expires_at: row.expires_at }] : [],
      ),
    ]
  }
  return {
    async heartbeat(context, sign) {
      const [row] = await touch(context, [sign])
      if (row === undefined || row.name !== sign.name) {
        throw commonProblems.notFound.create(`no instance ${sign.instanceId} of ${sign.name}`)
      }
      const known = sign.digest === undefined || sign.digest === row.digest
      return { expiresAt: row.expires_at.toISOString(), known }
    },
    async heartbeats(context, signs) {
      const known = new Set((await touch(context, signs)).map((row) => row.instance_id))
      const ids = signs.map((sign) => sign.instanceId)
      return { alive: ids.filter((id) => known.has(id)), unknown: ids.filter((id) => !known.has(id)) }
    },
    async deregister(context, instance) {
      await database.transaction(context, (tx) => deregister(tx, context, instance))
      return undefined
    },
    async list(context, query) {
      const filter = filterOf(query)
      const before = decodeCursor(query.cursor, ['uuid'])?.[0] ?? null
      return database.transaction(context, async (tx) => {
        const rows = await listAgents(tx, filter, { before, limit: query.limit + 1 })
        const page = rows.slice(0, query.limit)
        const last = rows.length > query.limit ? page.at(-1) : undefined
        const items = await completeAgents(tx, page)
        return { items, nextCursor: last === undefined ? null : encodeCursor([last.id]) }
      })
    },
    get: (context, name) => database.transaction(context, (tx) => readAgent(tx, { name, spaceId: context.spaceId })),
  }
}

/** Whose instances may be touched: one's own, or with `agent:manage` all. */
const ownPrincipal = (context: Context): string | null =>
  holds(context.principal, 'agent:manage') ? null : context.principal.id

const filterOf = (query: ListQuery): AgentFilter => ({
  name: query.name ?? null,
  kind: query.kind ?? null,
  status: query.status ?? null,
  capability: query.capability ?? null,
  consumes: query.consumes ?? null,
  produces: query.produces ?? null,
  tag: query.tag ?? null,
  query: query.query ?? null,
  includeExpired: query.includeExpired || query.status === 'expired' || query.status === 'deregistered',
})

function emitHealth(tx: Transaction, row: InstanceRow & { health_before: string }): void {
  const agentId = toId('reg', row.agent_id)
  const detail = row.health_detail === null ? {} : { detail: row.health_detail }
  tx.emit(
    agentHealthChanged,
    { agentId, instanceId: row.instance_id, from: row.health_before, to: row.health, ...detail },
    { partitionKey: agentId },
  )
}

async function deregister(
  tx: Transaction,
  context: Context,
  wanted: { name: string; instanceId: string },
): Promise<void> {
  const [instance] = await selectInstance(tx, wanted.instanceId)
  const owner = ownPrincipal(context)
  if (instance === undefined || (owner !== null && instance.principal_id !== owner)) {
    throw commonProblems.notFound.create(`no instance ${wanted.instanceId} of ${wanted.name}`)
  }
  await deleteInstance(tx, wanted.instanceId)
  const agents = [{ id: instance.agent_id, name: wanted.name }]
  await announceEnd(tx, { agents, instances: [instance], as: 'deregistered' })
}

/** Ends every instance that a principal runs: it may act no more. */
export async function deregisterPrincipal(tx: Transaction, principalId: string): Promise<void> {
  const agents = await lockAgentsOf(tx, principalId)
  const instances = await deleteInstancesOf(tx, principalId)
  await announceEnd(tx, { agents, instances, as: 'deregistered' })
}
