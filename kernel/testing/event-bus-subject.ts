import type { EventBus } from '../src/ports/event-bus.ts'
import type { SqlSession } from '../src/ports/database.ts'

export interface EventBusSubject {
  readonly bus: EventBus
  /** Partitions of every topic: at least 4. */
  readonly partitions: number
  /** Runs `work` in a database transaction; the session is undefined for a bus outside the database. Rolls back when `work` throws. */
  transaction<T>(tenantId: string, work: (session?: SqlSession) => Promise<T>): Promise<T>
  /** Makes what was appended so far droppable by `trim`: closes the open segment. Left out where segments cannot be forced. */
  closeSegment?(topic: string): Promise<void>
  /** Kills the server, so that it writes nothing more, and starts it on its data. Left out where there is no server. */
  readonly server?: { kill(): Promise<void>; start(): Promise<void> }
  /** Writes past the adapter, as another program does; needed for `writableFromOutside` buses with a server. Attributes are CloudEvents attributes. */
  readonly writeFromOutside?: (place: OutsidePlace, event: OutsideEvent) => Promise<void>
  /** Reads the newest event of a partition as another program does. */
  readonly readFromOutside?: (place: OutsidePlace) => Promise<OutsideEvent>
  close(): Promise<void>
}

export interface OutsidePlace {
  readonly topic: string
  readonly part: number
}

/** An event in the binary mode of CloudEvents; without attributes it is none. */
export interface OutsideEvent {
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string
}
