import {
  type Database,
  type EventBus,
  type EventEnvelope,
  type LogRecord,
  newUuid,
  type SqlSession,
} from '@soma/kernel'
import { recordsAt, toAppendRecord } from './append-record.ts'
import { createNotifier, LOG_CHANNEL, OUTBOX_CHANNEL } from './notifier.ts'
import { addToOutbox, type OutboxRecord } from './outbox.ts'

/**
 * `inline`: the transaction appends to the log itself (lowest latency; on Postgres writers of one partition wait for each other's commit).
 * `relay`: it writes outbox rows, which the relay ships. The only way for a bus outside the database.
 */
export type EmitMode = 'inline' | 'relay'

export interface EmitterOptions {
  readonly bus: EventBus
  readonly database: Database
  readonly mode: EmitMode
  /** Partition count of the installation. */
  readonly partitions: number
}

export interface Emitter {
  /** Stands in the notices of this process, also in those of its relay. */
  readonly sender: string
  /** Writes the events of a transaction, in order. It is the transaction's last statement: what waits for a row lock also waits for its place in the log. */
  write(session: SqlSession, envelopes: readonly EventEnvelope[]): Promise<void>
  /** After the commit, with the same array that was written: wakes the readers of this and, where others can exist, of other processes. Never throws. */
  committed(envelopes: readonly EventEnvelope[]): void
  /** Calls the listener after a commit with the records that went into the log (`inline`). */
  onAppend(listener: (records: readonly LogRecord[]) => void): () => void
  /** Calls the listener after a commit that left rows in the outbox. Where one answers that it ships them, no other process is told: a notice costs a commit of its own. */
  onOutbox(listener: () => boolean): () => void
}

/** @throws TypeError for `inline` with a bus that does not join the database's transaction. */
export function createEmitter({ bus, database, mode, partitions }: EmitterOptions): Emitter {
  if (mode === 'inline' && !bus.flags.transactionalWithDatabase)
    throw new TypeError('events.emit is inline, but this bus is outside the database: use relay')
  const written = new WeakMap<readonly EventEnvelope[], { appended: LogRecord[]; outbox: boolean }>()
  const appendListeners = new Set<(records: readonly LogRecord[]) => void>()
  const outboxListeners = new Set<() => boolean>()
  const sender = newUuid()
  const hasNeighbours = database.engine === 'postgres'
  const appendNotices = hasNeighbours ? createNotifier(database, { channel: LOG_CHANNEL, sender }) : undefined
  const outboxNotices = hasNeighbours ? createNotifier(database, { channel: OUTBOX_CHANNEL, sender }) : undefined

  return {
    sender,
    write: async (session, envelopes) => {
      const { now, later } = split(envelopes, mode, partitions)
      if (later.length > 0) await addToOutbox(session, later)
      const positions = now.length > 0 ? await bus.append(now, session) : []
      const appended = recordsAt(now, positions)
      written.set(envelopes, { appended, outbox: later.length > 0 })
    },
    committed: (envelopes) => {
      const done = written.get(envelopes)
      if (done === undefined) return
      written.delete(envelopes)
      if (done.appended.length > 0) {
        for (const listener of appendListeners) listener(done.appended)
        appendNotices?.announce(done.appended)
      }
      if (!done.outbox) return
      const shipping = [...outboxListeners].filter((listener) => listener())
      if (shipping.length === 0) outboxNotices?.announce([])
    },
    onAppend: (listener) => add(appendListeners, listener),
    onOutbox: (listener) => add(outboxListeners, listener),
  }
}

function split(envelopes: readonly EventEnvelope[], mode: EmitMode, partitions: number) {
  const now: ReturnType<typeof toAppendRecord>[] = []
  const later: OutboxRecord[] = []
  for (const envelope of envelopes) {
    const record = toAppendRecord(envelope, partitions)
    const dueAt = envelope.deliverat ?? null
    if (mode === 'relay' || dueAt !== null) later.push({ ...record, dueAt })
    else now.push(record)
  }
  return { now, later }
}

function add<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
