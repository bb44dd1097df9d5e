import { type Bench, openBench } from '@soma/governance/testing'
import {
  type AnyModule,
  type Client,
  type Context,
  type Database,
  type EventEnvelope,
  newId,
  newTraceparent,
  NO_CONSTITUTION,
} from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { plansContract } from '@soma/plans/contract'
import { memoryContract } from '../contract/index.ts'
import { memoryModule } from '../src/module.ts'

export interface MemoryBench {
  readonly memory: Client<typeof memoryContract>
  readonly plans: Client<typeof plansContract>
  readonly events: EventEnvelope[]
  readonly database: Database
  /** Gives the module every event that was committed since the last time, in order. */
  settle(): Promise<void>
  /** Gives the module one event, as the consumer loop does. */
  deliver(event: EventEnvelope): Promise<void>
  sweep(): Promise<void>
  close(): Promise<void>
}

export interface MemoryBenchOptions {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly database?: Database
  /** What it throws is a crash just before the commit. */
  readonly beforeCommit?: () => void
}

export const MEMORY_MODULES = [
  { definition: plansModule as unknown as AnyModule, ports: {} },
  { definition: memoryModule as unknown as AnyModule, ports: {} },
] as const

/** Memory with plans on a real database, embedded by default, called through validation and authorization. */
export async function openMemoryBench(options: MemoryBenchOptions = {}): Promise<MemoryBench> {
  const bench: Bench = await openBench({ modules: MEMORY_MODULES, ...options })
  const module = bench.modules.find(({ contract }) => contract.module === 'memory')
  if (module === undefined) throw new TypeError('the bench hosts no memory')
  let settled = 0
  const deliver = async (event: EventEnvelope) => {
    const handlers = module.handlers.filter(({ topic, type }) => topic === event.topic && type === event.type)
    const context = { ...module.database.moduleContext(event.tenantid), spaceId: event.spaceid ?? '' }
    for (const handler of handlers)
      await module.database.asWorker(context, (tx) =>
        handler.handle({ event, data: event.data, context, tx, signal: new AbortController().signal, attempt: 1 }),
      )
  }
  return {
    memory: bench.client(memoryContract),
    plans: bench.client(plansContract),
    events: bench.events,
    database: bench.database,
    settle: async () => {
      while (settled < bench.events.length) await deliver(bench.events[settled++] as EventEnvelope)
    },
    deliver,
    sweep: async () => {
      const job = module.jobs.find(({ name }) => name === 'sweep')
      await job?.run(new AbortController().signal)
    },
    close: () => bench.close(),
  }
}

const CAPABILITIES = ['memory:read', 'memory:write', 'memory:forget', 'plan:read', 'plan:run', 'task:update']

/** A person, or an agent that acts for one, in a tenant. */
export function aMember(who: {
  id: string
  userId?: string
  kind?: Context['principal']['kind']
  tenantId?: string
  spaceId?: string
  more?: readonly string[]
}): Context {
  const kind = who.kind ?? 'user'
  const userId = who.userId ?? (kind === 'user' ? who.id : undefined)
  return {
    tenantId: who.tenantId ?? 'tenant-a',
    spaceId: who.spaceId ?? '',
    principal: { id: who.id, kind, roles: [], capabilities: [...CAPABILITIES, ...(who.more ?? [])] },
    ...(userId === undefined ? {} : { userId }),
    actors: [],
    method: 'token',
    region: 'local',
    constitutionHash: NO_CONSTITUTION,
    traceparent: newTraceparent(),
  }
}

/** Two steps that tests of memory take again and again. */
export const createMemorySteps = (bench: () => MemoryBench) => ({
  /** The contents that a recall finds, best first. */
  contents: async (by: Context, query: string, more: object = {}): Promise<string[]> =>
    (await bench().memory.items.recall(by, { body: { query, ...more } })).hits.map(({ item }) => item.content),
  remember: async (by: Context, ...items: object[]) =>
    (await bench().memory.items.remember(by, { body: { items: items as never } })).results,
})

/** A person of a tenant of their own, so that no test sees another's items. */
export const anybody = (more: readonly string[] = []): Context =>
  aMember({ id: 'usr_ann', tenantId: newId('ten'), more })

/** Tables that hold something of an item or its scope. */
export const MEMORY_TABLES = [
  'nodes',
  'sources',
  'facts',
  'episodes',
  'procedures',
  'item_terms',
  'lexicon',
  'scope_counts',
  'working_items',
  'links',
]
