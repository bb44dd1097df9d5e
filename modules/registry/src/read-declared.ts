import type { Context, LogReader, ModuleDatabase } from '@soma/kernel'
import type { AgentRecord } from '../contract/agents.ts'
import { completeAgents } from './agents/read-agents.ts'
import { selectLiveAgents } from './agents/views.ts'
import { type DeclaredEvent, selectCurrent } from './event-definitions/store.ts'

/** What a caller sees of the registry as it is now: versions that can be published, and agents that live. */
export interface Declared {
  readonly events: readonly DeclaredEvent[]
  readonly agents: readonly AgentRecord[]
}

/**
 * Reads what is declared, and keeps it (REG-R35): until a fact of the registry says that the tenant, or the platform, has changed it, and no longer than the first lease that it
 * shows. Equal answers are the same object.
 */
export interface DeclaredReader {
  read(context: Context): Promise<Declared>
  /** This process has changed what the tenant declares: the fact of it may still be on its way. */
  drop(tenantId: string): void
  close(): void
}

/** Tenants and spaces: of 10,000 definitions each is some 20 MB. */
const MOST_KEPT = 50
const FACTS = /^(?:agent|schema|event)\./

interface Kept {
  readonly declared: Declared
  /** By `performance.now()`: a lease that is shown ends then. */
  readonly untilMs: number
}

export function createDeclaredReader({
  database,
  reader,
}: {
  database: ModuleDatabase
  /** Facts of all processes. Absent: nothing is kept. */
  reader: Pick<LogReader, 'onAppend'> | undefined
}): DeclaredReader {
  const kept = new Map<string, Promise<Kept>>()
  const drop = (tenantId: string) => {
    for (const key of kept.keys()) if (tenantId === 'platform' || key.startsWith(`${tenantId}\0`)) kept.delete(key)
  }
  const stop = reader?.onAppend('system-events', (records) => {
    for (const { type, tenantId } of records) if (FACTS.test(type)) drop(tenantId)
  })
  const keep = (key: string, context: Context): Promise<Kept> => {
    const loading = load(context, database)
    for (const oldest of kept.keys()) if (kept.size >= MOST_KEPT) kept.delete(oldest)
    kept.set(key, loading)
    loading.catch(() => kept.get(key) === loading && kept.delete(key))
    return loading
  }
  const read = async (context: Context): Promise<Declared> => {
    if (reader === undefined) return (await load(context, database)).declared
    const key = `${context.tenantId}\0${context.spaceId}`
    const loading = kept.get(key) ?? keep(key, context)
    const { declared, untilMs } = await loading
    if (performance.now() < untilMs) return declared
    if (kept.get(key) === loading) kept.delete(key)
    return read(context)
  }
  return { read, drop, close: () => stop?.() }
}

async function load(context: Context, database: ModuleDatabase): Promise<Kept> {
  const startedAtMs = performance.now()
  return database.transaction(context, async (tx) => {
    const events = await selectCurrent(tx)
    const agents = await completeAgents(tx, await selectLiveAgents(tx))
    const [row] = await tx.query<{ now: Date }>('select now() as now')
    const ends = agents.flatMap(({ instances }) => instances.map(({ expiresAt }) => Date.parse(expiresAt)))
    const leftMs = Math.min(...ends, Number.MAX_SAFE_INTEGER) - (row as { now: Date }).now.getTime()
    return { declared: { events, agents }, untilMs: startedAtMs + leftMs }
  })
}
