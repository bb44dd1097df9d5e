import type { Client } from './client.ts'
import type { Context } from './context.ts'
import type {
  Contract,
  DataInputOf,
  DataOf,
  EventDefinition,
  OperationCall,
  OperationOutput,
  SettingValues,
} from './contract.ts'
import type { EventAttributes, EventEnvelope } from './envelope.ts'
import type { Front } from './front.ts'
import type { Clock } from './ports/clock.ts'
import type { SqlSession } from './ports/database.ts'
import type { Logger } from './ports/logger.ts'
import type { Metrics } from './ports/metrics.ts'

/** A module's transaction: SQL under row-level security, and events that commit with it. */
export interface Transaction extends SqlSession {
  /** Buffers an event; all are written, in order, as the transaction's last statement. Data is parsed by the event's schema. Answers the event id. */
  emit<E extends EventDefinition>(definition: E, data: DataInputOf<E>, attributes?: EventAttributes): string
  /** Like `emit` for an envelope whose type is not the module's own (a reply in the requester's type). The server's attributes are stamped over. */
  emitEnvelope(envelope: Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'>): string
}

/** The database as a module gets it. A client call inside any of these transactions throws. */
export interface ModuleDatabase {
  /** As the caller, role `soma_app`: tenant, space, user and principal of the context decide what is seen. */
  transaction<T>(context: Context, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** As the module itself in one tenant, role `soma_worker`: jobs. `context` = `moduleContext(tenantId)`. */
  asWorker<T>(context: Context, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Over all tenants, role `soma_scheduler`: sees only what policies grant to it (due times, claim columns), never payloads. No emit. */
  asScheduler<T>(work: (session: SqlSession) => Promise<T>): Promise<T>
  /** The module's own service principal in a tenant, with the job capabilities of its contract. */
  moduleContext(tenantId: string, cause?: Context['cause']): Context
}

/** What a module needs of another: the contract, and the operations that it calls. */
export interface Use<C extends Contract = Contract> {
  readonly contract: C
  /** By `noun.verb`: capabilities beyond the caller's that are lent to a call of that one operation (IDN-R61). What is not named cannot be called. */
  readonly operations: Readonly<Record<string, readonly string[]>>
}

/** `noun.verb` of an operation of the contract. */
type OperationName<C extends Contract> = {
  [Noun in keyof C['operations'] & string]: `${Noun}.${keyof C['operations'][Noun] & string}`
}[keyof C['operations'] & string]

export const use = <C extends Contract>(
  contract: C,
  operations: Readonly<Partial<Record<OperationName<C>, readonly string[]>>>,
): Use<C> => ({ contract, operations: operations as Use['operations'] })

export type Uses = Readonly<Record<string, Use>>

export interface ModuleEnvironment<C extends Contract = Contract, U extends Uses = Uses, Ports = unknown> {
  readonly database: ModuleDatabase
  readonly clients: { readonly [Name in keyof U]: Client<U[Name]['contract']> }
  readonly settings: SettingValues<C>
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** What `apps/server` binds last: adapters in the module's own words (`src/ports.ts`). */
  readonly ports: Ports
}

/** One handler per operation. */
export type Handlers<C extends Contract> = {
  readonly [Noun in keyof C['operations']]: {
    readonly [Verb in keyof C['operations'][Noun]]: (
      context: Context,
      call: OperationCall<C['operations'][Noun][Verb]>,
    ) => Promise<OperationOutput<C['operations'][Noun][Verb]>>
  }
}

export interface Delivered<Data = unknown> {
  readonly event: EventEnvelope<Data>
  readonly data: Data
  /** The module's principal in the event's tenant, acting for the event's user. */
  readonly context: Context
  /** The handler's transaction, role `soma_worker`; effects and the inbox row commit together, so effects happen once (EVT-R17). */
  readonly tx: Transaction
  readonly signal: AbortSignal
  readonly attempt: number
}

/** Handles events of one type, or of all types of a topic. A module's handlers are one group, `module:<name>`. */
export interface EventHandler {
  readonly topic: EventDefinition['topic']
  /** Exact type, or `*` for every type of the topic, or `noun.*`. */
  readonly type: string
  /** Schema of the data, where one type alone is handled. */
  readonly data?: EventDefinition['data']
  /** Of the event alone, without I/O: false = nothing would be done, so no transaction is opened for it. Default: true. */
  concerns?(event: EventEnvelope): boolean
  /**
   * Events of other keys of the same tenant, space and user may be handled in the same transaction: those of one plan one after the other, those of different plans side by
   * side. When one of them fails each is handled alone.
   * For handlers that lock little and do not ask to be first: what one event locked is held until the last has been handled. Default: false.
   */
  readonly sharesTransaction?: boolean
  handle(delivered: Delivered): Promise<void>
}

/** A typed event handler. ≤ 15 lines: it calls a service. */
export function on<E extends EventDefinition>(
  definition: E,
  handle: (delivered: Delivered<DataOf<E>>) => Promise<void>,
): EventHandler {
  const { topic, type, data } = definition
  return { topic, type, data, handle: handle as EventHandler['handle'] }
}

/** Every event of a topic, or of one noun on it (`task.*`). */
export function onTopic(
  topic: EventDefinition['topic'],
  type: string,
  handle: EventHandler['handle'],
  concerns?: EventHandler['concerns'],
): EventHandler {
  return { topic, type, handle, ...(concerns === undefined ? {} : { concerns }) }
}

/** A sweep. Runs on one process at a time (a lease in the database), `everyMs` after the end of its last run. */
export interface Job {
  readonly name: string
  readonly everyMs: number
  run(signal: AbortSignal): Promise<void>
  /** Another process runs it now: what this one told of its last run (gauges) is true no longer. Called again and again. */
  elsewhere?(): void
}

export interface ReadyCheck {
  readonly name: string
  /** Throws, or answers a reason, when not ready. */
  check(): Promise<string | undefined>
}

export interface ModuleParts<C extends Contract = Contract> {
  readonly operations: Handlers<C>
  readonly handlers?: readonly EventHandler[]
  readonly jobs?: readonly Job[]
  readonly ready?: readonly ReadyCheck[]
  /** Of an edge: how it is reached in its own dialect, beside its operations. */
  readonly front?: Front
  /** After migrations, before the first request. */
  start?(): Promise<void>
  /** After the last request. */
  stop?(): Promise<void>
}

export interface ModuleDefinition<C extends Contract = Contract, U extends Uses = Uses, Ports = unknown> {
  readonly contract: C
  readonly uses: U
  /** Folder of numbered SQL files: `new URL('../migrations/', import.meta.url)`. */
  readonly migrations?: URL
  create(environment: ModuleEnvironment<C, U, Ports>): ModuleParts<C>
}

/** A module whose contract is not known here: what composition works with. */
// oxlint-disable-next-line typescript/no-explicit-any -- create takes the environment as input, so only any accepts every module
export type AnyModule = ModuleDefinition<any, any, any>

/** Declares a module: what it uses, and how it is put together. Receives what it declared; a missing one fails at boot by name. */
export const defineModule = <C extends Contract, U extends Uses, Ports = Record<never, never>>(
  definition: ModuleDefinition<C, U, Ports>,
): ModuleDefinition<C, U, Ports> => definition
