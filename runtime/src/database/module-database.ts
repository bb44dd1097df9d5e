import {
  type CauseOfCall,
  continueTrace,
  type Clock,
  type Context,
  type Database,
  type DatabaseScope,
  type EventAttributes,
  type EventDefinition,
  type EventEnvelope,
  type ModuleDatabase,
  NO_CONSTITUTION,
  newTraceparent,
  type SqlSession,
  type Transaction,
  withoutUndefined,
} from '@soma/kernel'
import { eventOf, stampEnvelope } from './stamp.ts'
import { assertOutsideTransaction, guardTransaction } from './transaction-guard.ts'

/** Writes the events of a transaction (runtime/src/events). */
export interface TransactionEmitter {
  /** The transaction's last statement. */
  write(session: SqlSession, envelopes: readonly EventEnvelope[]): Promise<void>
  /** After the commit, with the array that was written: wakes readers. */
  committed(envelopes: readonly EventEnvelope[]): void
}

export interface ModuleDatabaseOptions {
  readonly database: Database
  readonly module: { readonly name: string; readonly jobCapabilities: readonly string[] }
  readonly emitter: TransactionEmitter
  readonly clock: Clock
  readonly region: string
}

/** The database of a module as its handlers are run in it. */
export interface HandlerDatabase extends ModuleDatabase {
  /** `asWorker` for several contexts of one tenant, space and user: one transaction that stamps what is emitted with the context it was emitted for. */
  asWorkerTogether<T>(contexts: readonly Context[], work: (txs: readonly Transaction[]) => Promise<T>): Promise<T>
}

export function createModuleDatabase(options: ModuleDatabaseOptions): HandlerDatabase {
  const { database, emitter, module } = options

  const openAll = async <T>(
    scope: DatabaseScope,
    contexts: readonly Context[],
    work: (txs: readonly Transaction[]) => Promise<T>,
  ): Promise<T> => {
    assertOutsideTransaction('a second transaction')
    const envelopes: EventEnvelope[] = []
    const answer = await database.transaction(scope, (raw) =>
      guardTransaction(raw, async (session) => {
        const result = await work(contexts.map((context) => createTransaction(session, context, envelopes, options)))
        if (envelopes.length > 0) await emitter.write(session, envelopes)
        return result
      }),
    )
    if (envelopes.length > 0) emitter.committed(envelopes)
    return answer
  }
  const open = <T>(scope: DatabaseScope, context: Context, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    openAll(scope, [context], ([tx]) => work(tx as Transaction))

  return {
    transaction: (context, work) => open(scopeOf(context, 'soma_app'), context, work),
    asWorker: (context, work) => open(scopeOf(context, 'soma_worker'), context, work),
    asWorkerTogether: (contexts, work) => openAll(scopeOf(contexts[0] as Context, 'soma_worker'), contexts, work),
    asScheduler: (work) => {
      assertOutsideTransaction('a scheduler transaction')
      return database.transaction({ role: 'soma_scheduler' }, (session) => guardTransaction(session, work))
    },
    moduleContext: (tenantId, cause) => moduleContext(tenantId, module, options.region, cause),
  }
}

/** The context in which a module handles an event: its own principal, in the event's tenant and space, acting for the event's user. */
export function contextOfEvent(event: EventEnvelope, module: ModuleDatabaseOptions['module'], region: string): Context {
  const ids = { sessionId: event.sessionid, planId: event.planid, taskId: event.taskid }
  const present = withoutUndefined(ids)
  const cause: CauseOfCall = { eventId: event.id, correlationId: event.correlationid ?? event.id, ...present }
  return {
    ...moduleContext(event.tenantid, module, region, cause),
    spaceId: event.spaceid ?? '',
    traceparent: continueTrace(event.traceparent),
    ...(event.userid === undefined ? {} : { userId: event.userid }),
  }
}

/** The service principal of a module in one tenant. */
export function moduleContext(
  tenantId: string,
  module: ModuleDatabaseOptions['module'],
  region: string,
  cause?: CauseOfCall,
): Context {
  return {
    tenantId,
    spaceId: '',
    principal: { id: `module:${module.name}`, kind: 'service', roles: [], capabilities: module.jobCapabilities },
    actors: [],
    method: 'module',
    region,
    constitutionHash: NO_CONSTITUTION,
    traceparent: newTraceparent(),
    ...(cause === undefined ? {} : { cause }),
  }
}

/** What row-level security sees of a context. A capability that ends in `-all` becomes the setting `soma.<noun>_<verb>` = on (`plan:read-all` → `soma.plan_read_all`). */
export function scopeOf(context: Context, role: DatabaseScope['role']): DatabaseScope {
  const wide = context.principal.capabilities.filter((capability) => capability.endsWith('-all'))
  return {
    role,
    tenantId: context.tenantId,
    spaceId: context.spaceId,
    userId: context.userId ?? '',
    principalId: context.principal.id,
    settings: Object.fromEntries(wide.map((capability) => [`soma.${capability.replaceAll(/[:-]/g, '_')}`, 'on'])),
  }
}

function createTransaction(
  session: SqlSession,
  context: Context,
  envelopes: EventEnvelope[],
  options: ModuleDatabaseOptions,
): Transaction {
  const buffer = (envelope: Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'>): string => {
    const stamped = stampEnvelope(envelope, {
      context,
      source: `/modules/${options.module.name}`,
      now: options.clock.now(),
    })
    envelopes.push(stamped)
    return stamped.id
  }
  return {
    query: session.query,
    execute: session.execute,
    emit: <E extends EventDefinition>(definition: E, data: unknown, attributes: EventAttributes = {}) =>
      buffer(eventOf(definition, data, attributes)),
    emitEnvelope: buffer,
  }
}
