import type { EventBus, EventEnvelope, LogReader, LogRecord, SchemaCompiler, SqlSession } from '@soma/kernel'

/** The one way into the log: inline or by the outbox, the same for modules and the API. */
export interface Recorder {
  /** The last statement of a transaction. Envelopes are full and stamped. */
  write(session: SqlSession, envelopes: readonly EventEnvelope[]): Promise<void>
  /** After the commit, with the same array: wakes readers. Never throws. */
  committed(envelopes: readonly EventEnvelope[]): void
  /** Called inside `committed` with what went straight into the log, in order. */
  onAppend(listener: (records: readonly LogRecord[]) => void): () => void
}

/** NOTIFY of the database, in this and other processes. */
export interface Notices {
  notify(channel: string, payload: string): Promise<void>
  listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>
}

/** Whose events were erased: one user's, or with `userId` '' the whole tenant's. */
export interface ErasedSubject {
  readonly tenantId: string
  readonly userId: string
}

export interface ErasureNotices {
  /** After the commit of an erasure: no process keeps anything of it in memory. */
  announce(): Promise<void>
  /** Calls the listener within seconds after an erasure, wherever it ran. */
  onErased(listener: (subject: ErasedSubject) => void): () => void
}

/** Requests to addresses that tenants chose, held to EDG-R54. */
export interface Outgoing {
  /** What came back, or why nothing was sent. @throws Error when no answer came */
  send(request: {
    readonly method: 'POST' | 'OPTIONS'
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: Uint8Array
    readonly timeoutMs: number
    readonly signal?: AbortSignal
  }): Promise<
    | { readonly status: number; readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }
    | { readonly refused: string }
  >
}

/** Keeps secrets in rows unreadable without the key of the installation; `about` names the row. */
export interface TextSeal {
  seal(text: string, about: string): string
  open(sealed: string, about: string): string
}

/** What the events module needs of the world; `apps/server` binds it. */
export interface EventsPorts {
  readonly bus: EventBus
  /** Reads all tenants' events, from memory when they are there: whoever reads filters by tenant. */
  readonly reader: LogReader
  readonly recorder: Recorder
  readonly schemaCompiler: SchemaCompiler
  /** One transaction over all tenants, as `soma_bus`. `work` awaits SQL alone. */
  readonly busTransaction: <T>(work: (session: SqlSession) => Promise<T>) => Promise<T>
  /** After the commit: dead letters of this module group (`module:<name>`) are to be delivered again, by whichever process owns it. May be lost: owners also poll. */
  readonly wakeModuleGroup: (group: string) => Promise<void>
  /** Erasures of events, in this and other processes. */
  readonly erasures: ErasureNotices
  /** Tells other processes on the database, by channel. A notice may be lost. Absent where there can be no other process: then none is told, and nothing is fenced. */
  readonly nodes?: Notices | undefined
  /** Aborts when the process drains: whoever waits for an event is answered at once. Absent: it never does. */
  readonly draining?: AbortSignal
  /** First segments of the types that the contracts of the platform declare: closed to tenants. */
  readonly reservedNouns: ReadonlySet<string>
  readonly outgoing: Outgoing
  /** Whether an active principal holds a capability now. Absent where nobody knows principals: then all do. @throws when that cannot be known now */
  readonly holds?: (
    who: { readonly tenantId: string; readonly principalId: string },
    capability: string,
  ) => Promise<boolean>
  readonly textSeal: TextSeal
  /** Host name of the installation: who a push says it comes from. */
  readonly origin: string
  /** Outbox rows that wait for a bus outside the database, as last counted. Absent: 0. */
  readonly outboxRows?: () => number
}
