import { openBench, type Bench } from '@soma/governance/testing'
import {
  type AnyModule,
  type Client,
  type Context,
  type Database,
  type EventEnvelope,
  type EventHandler,
  newId,
  type Transaction,
} from '@soma/kernel'
import { plansContract } from '../contract/index.ts'
import { plansModule } from '../src/module.ts'

export interface PlansBench {
  readonly client: Client<typeof plansContract>
  readonly events: EventEnvelope[]
  readonly database: Database
  /** One statement as tenant-a. */
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Hands an event to the handlers of the module, each in one worker transaction, as the consumer loop does. */
  deliver(event: EventEnvelope): Promise<void>
  /** Fires due timers and applies mail. */
  sweep(): Promise<void>
  close(): Promise<void>
}

export interface PlansBenchOptions {
  readonly settings?: Readonly<Record<string, unknown>>
  /** Of a bench that was left without closing: what a restart after a crash finds. */
  readonly database?: Database
  /** What it throws is a crash just before the commit. */
  readonly beforeCommit?: () => void
}

/** The plans module alone on a real embedded database, called through validation and authorization. */
export async function openPlansBench(options: PlansBenchOptions = {}): Promise<PlansBench> {
  const bench: Bench = await openBench({
    modules: [{ definition: plansModule as unknown as AnyModule, ports: {} }],
    ...options,
  })
  const [module] = bench.modules
  if (module === undefined) throw new TypeError('the bench hosts no module')
  return {
    client: bench.client(plansContract),
    events: bench.events,
    database: bench.database,
    query: (sql, parameters = []) =>
      bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
        session.query(sql, parameters),
      ),
    deliver: async (event) => {
      const context = contextOf(event)
      await module.database.asWorker(context, async (tx: Transaction) => {
        for (const handler of module.handlers.filter((candidate) => handles(candidate, event))) {
          await handler.handle({
            event,
            data: event.data,
            context,
            tx,
            signal: new AbortController().signal,
            attempt: 1,
          })
        }
      })
    },
    sweep: () => bench.runJob('sweep'),
    close: () => bench.close(),
  }
}

const handles = (handler: EventHandler, event: EventEnvelope): boolean =>
  handler.topic === event.topic &&
  (handler.type === '*' || handler.type === event.type) &&
  (handler.concerns?.(event) ?? true)

function contextOf(event: EventEnvelope): Context {
  return {
    ...actor({ tenantId: event.tenantid, id: 'module:plans' }),
    method: 'module',
    spaceId: event.spaceid ?? '',
    ...(event.userid === undefined ? {} : { userId: event.userid }),
    cause: { eventId: event.id, correlationId: event.correlationid ?? event.id },
  }
}

/** An agent or person in a tenant; `userId` is whose data is in scope. */
export function actor(who: {
  tenantId?: string
  id: string
  userId?: string
  kind?: Context['principal']['kind']
  spaceId?: string
  capabilities?: readonly string[]
}): Context {
  return {
    tenantId: who.tenantId ?? 'tenant-a',
    spaceId: who.spaceId ?? '',
    principal: {
      id: who.id,
      kind: who.kind ?? 'agent',
      roles: [],
      capabilities: who.capabilities ?? ['plan:read', 'plan:run', 'task:update'],
    },
    ...(who.userId === undefined ? {} : { userId: who.userId }),
    actors: [],
    method: 'token',
    region: 'local',
    constitutionHash: 'none',
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  }
}

/** What an agent answers to a request: the type it asked for, the same correlation. */
export function replyTo(
  request: EventEnvelope,
  reply: { data?: unknown; outcome?: 'ok' | 'failed'; id?: string },
): EventEnvelope {
  return {
    specversion: '1.0',
    id: reply.id ?? newId('evt'),
    source: '/agents/worker',
    type: request.responsetype ?? 'work.done',
    topic: request.responsetopic ?? 'action-results',
    time: new Date().toISOString(),
    tenantid: request.tenantid,
    outcome: reply.outcome ?? 'ok',
    data: reply.data ?? {},
    ...(request.userid === undefined ? {} : { userid: request.userid }),
    ...(request.correlationid === undefined ? {} : { correlationid: request.correlationid }),
    ...(request.planid === undefined ? {} : { planid: request.planid }),
    ...(request.taskid === undefined ? {} : { taskid: request.taskid }),
  }
}
