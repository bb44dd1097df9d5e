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

export interface LogRecord extends AppendRecord, Position {
  readonly recordedAt: Date
}

export interface PartitionState extends Position {
  readonly topic: string
  readonly part: number
  /** The oldest position still readable. */
  readonly oldestPosition: number
}

/**
 * A partitioned, durable log. Groups, leases, retries, dead letters and cursors are not its business: they live in the database for every bus.
 * Guarantees: positions of a partition are dense and ordered by commit; a reader that has seen position n has been able to see every position < n.
 */
export interface EventBus {
  readonly flags: {
    /** `append` joins the caller's transaction. */
    readonly transactionalWithDatabase: boolean
    readonly nativeDedupe: boolean
    readonly writableFromOutside: boolean
  }
  /** Appends in order, all or nothing. `session` is required where `transactionalWithDatabase` is set. It must be the transaction's last statement. */
  append(records: readonly AppendRecord[], session?: SqlSession): Promise<Position[]>
  /** Reads a partition after a position, in order. `session` must run as `soma_bus` or inside a tenant (then only that tenant's rows are seen). */
  read(from: { topic: string; part: number; after: Position; limit: number }): Promise<LogRecord[]>
  partitions(topic?: string): Promise<PartitionState[]>
  /** The first position recorded at or after a time. */
  positionAt(topic: string, part: number, at: Date): Promise<Position>
  /** Drops whole segments older than `before` that no durable reader needs; answers how many were dropped. */
  trim(topic: string, before: Date): Promise<number>
  close(): Promise<void>
}
