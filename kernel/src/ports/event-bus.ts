import type { SqlSession } from './database.ts'

/** An event on its way into a log: what the log indexes, and the whole CloudEvents JSON as text (written once, never parsed on the way). */
export interface AppendRecord {
  readonly topic: string
  readonly part: number
  readonly tenantId: string
  readonly eventId: string
  readonly type: string
  readonly key: string
  readonly userId: string | null
  readonly envelope: string
}

/** A place in a partition. `segment` rises with retention segments; `position` is dense from 1 and never resets. */
export interface Position {
  readonly segment: number
  readonly position: number
}

/** Before the first event of every partition. */
export const LOG_START: Position = { segment: 0, position: 0 }

export interface AppendedPosition extends Position {
  /** Absent where the log tells it to readers alone. */
  readonly recordedAt?: Date
}

export interface LogRecord extends AppendRecord, Position {
  readonly recordedAt: Date
  /** Another program wrote it to the bus, past everything that a publish checks. */
  readonly isForeign?: true
}

/** What keeps positions dense where a bus or an erased tenant left no event: a record of no tenant and no type, which concerns nobody. */
export const HOLE = { tenantId: '', eventId: '', type: '', key: '', userId: null, envelope: '' } as const

export const isHole = ({ tenantId, type, envelope }: LogRecord): boolean =>
  tenantId === '' && type === '' && envelope === ''

export interface PartitionState extends Position {
  readonly topic: string
  readonly part: number
  /** The oldest position still readable. */
  readonly oldestPosition: number
}

/** A partition and a position that can be read there now. */
export interface LogNotice {
  readonly topic: string
  readonly part: number
  readonly position: number
}

/**
 * A partitioned, durable log. Groups, leases, retries, dead letters and cursors are not its business: they live in the database for every bus.
 * Guarantees: positions of a partition are dense and ordered by commit; a reader that has seen position n has been able to see every position < n.
 *
 * A bus outside the database keeps its positions in `segment` 1. Its calls end within a time limit of its own: a server that is away or slow is the problem
 * `unavailable` or `timeout`, never a call that hangs, and the connection comes back by itself.
 */
export interface EventBus {
  readonly flags: {
    /** `append` joins the caller's transaction. */
    readonly transactionalWithDatabase: boolean
    readonly nativeDedupe: boolean
    readonly writableFromOutside: boolean
  }
  /**
   * Appends in order. `session` is required where `transactionalWithDatabase` is set; it is the transaction's last statement then, and all or nothing. A bus outside
   * the database refuses an unknown topic or partition before it writes anything; when it fails half-way, each partition holds a prefix of its records, in order,
   * and the caller appends the same records again: with `nativeDedupe` those that are there are not written twice and their first positions are answered.
   */
  append(records: readonly AppendRecord[], session?: SqlSession): Promise<AppendedPosition[]>
  /** Reads a partition after a position, in order, over all tenants: the reader filters by `tenantId`. */
  read(from: { topic: string; part: number; after: Position; limit: number }): Promise<LogRecord[]>
  partitions(topic?: string): Promise<PartitionState[]>
  /** The place to read after to get everything recorded at or after a time. */
  positionAt(topic: string, part: number, at: Date): Promise<Position>
  /**
   * Drops what is older than `before` and that no durable reader needs; answers how much: segments where the log has them, else records. A log in the database knows its
   * readers; any other is told by `passed`: the last position of each partition that all readers have passed (a partition that is not named is not trimmed).
   */
  trim(topic: string, before: Date, passed?: ReadonlyMap<number, number>): Promise<number>
  /**
   * Calls the listener soon after a record became readable, whoever wrote it; answers what ends it. A notice may be lost or repeated, so readers poll too. Only buses
   * outside the database have it: the database has notices of its own.
   */
  watch?(listener: (notice: LogNotice) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** What consumers, streams and dispatchers of one process read from: the newest events from memory, older ones from the log. */
export interface LogReader {
  /** In order after a position, over all tenants: the reader filters by `tenantId`. Empty at the head. */
  read(topic: string, part: number, after: Position, limit: number): Promise<readonly LogRecord[]>
  /** As `read` after a position, of what this process keeps in memory; undefined where that does not reach back to the place. */
  recent(topic: string, part: number, after: number, limit: number): readonly LogRecord[] | undefined
  /** Calls the listener after each commit with what was appended to the topic, in order per partition, without gaps. Answers a function that ends it. */
  onAppend(topic: string, listener: (records: readonly LogRecord[]) => void): () => void
  /** The head of each partition of a topic. */
  heads(topic: string): Promise<readonly PartitionState[]>
}

/** `<part>-<position, 16 digits>`: sorts inside a partition. */
export const sequenceOf = (part: number, position: number): string => `${part}-${String(position).padStart(16, '0')}`
