import type { Clock, Logger, LogReader, LogRecord, Metrics, ReadSize, Topic } from '@soma/kernel'
import type { EventFilter, TopicReadings } from '../log/event-filter.ts'
import type { EventsPorts } from '../ports.ts'
import type { SubscriptionConfig } from '../subscriptions/config.ts'
import type { Writer } from '../writer/writer.ts'
import type { DeliveryData } from './frame-queue.ts'
import type { HeldEvent, Member } from './held-event.ts'
import type { KeyQueues } from './key-queues.ts'
import type { Members } from './members.ts'

/** Why an attempt, or the event itself, failed. */
export interface FailureProblem {
  readonly code: string
  readonly detail: string
  readonly status?: number
  readonly retryable?: boolean
  readonly [member: string]: unknown
}

/** Events of a group in memory with their records; beyond it reading waits. */
export const WINDOW_EVENTS = 4_000

export interface GroupDependencies {
  readonly writer: Writer
  readonly reader: LogReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly maxParked: number
  readonly busTransaction: EventsPorts['busTransaction']
  readonly recorder: EventsPorts['recorder']
  /** What a publish would have refused of an event that another program wrote; undefined = nothing. */
  readonly inspect: (record: LogRecord) => Promise<FailureProblem | undefined>
  /** Every leased delivery of the process by its id. */
  readonly leases: Map<string, { group: Group; held: HeldEvent }>
}

export interface GroupConfig extends SubscriptionConfig {
  /** Of the dispatcher (`dispatchIdOf`). */
  readonly id: string
  readonly name: string
  readonly group: string
  /** The same on the wire. */
  readonly wireGroup: string
  readonly tenantId: string
  readonly spaceId: string
  readonly ownerId: string
  readonly state: 'active' | 'paused' | 'suspended'
  readonly readings: TopicReadings
  readonly reads: EventFilter
}

/** One partition of one topic as this group reads it. */
export interface Partition {
  readonly topic: Topic
  readonly part: number
  /** Read up to here. */
  segment: number
  position: number
  /** The highest position known to exist. */
  head: number
  /** The cursor in the database. */
  committed: number
  /** Of the cursor as it was read: it rises when somebody else moves the cursor. */
  readonly epoch: number
  /** Positions above the cursor that were finished before this dispatcher began. */
  readonly finished: Set<number>
}

/** A pull that waits for its first delivery. */
export interface PullWaiter {
  readonly member: Member
  readonly max: number
  resolve(deliveries: readonly DeliveryData[]): void
  reject(error: unknown): void
}

/**
 * Of a group in memory. active → suspended: dependency failures of five keys in a row; nothing is handed out then but one probe at a time, and such failures burn no attempt.
 * suspended → active: the first attempt of a member that ends otherwise.
 */
export interface Suspension {
  readonly failing: Set<string>
  probe: HeldEvent | undefined
  probeAtMs: number
  /** Writes of the state, one after the other. */
  saved: Promise<void>
}

/**
 * The dispatcher of one subscription: all its memory. The functions of this folder work on it; the database holds what a successor needs (rows of
 * unfinished deliveries, cursors, what was settled above them).
 */
export interface Group {
  config: GroupConfig
  readonly dependencies: GroupDependencies
  readonly queues: KeyQueues
  /** Heads of keys that wait for a member, first come first served. */
  ready: HeldEvent[]
  readonly leased: Map<string, HeldEvent>
  readonly delayed: Set<HeldEvent>
  /** Events with a row, by place: they are not read twice. */
  readonly rows: Map<string, HeldEvent>
  readonly members: Members
  readonly suspension: Suspension
  readonly readSize: ReadSize
  pulls: PullWaiter[]
  partitions: Partition[]
  /** The same by topic, by part. */
  readonly byTopic: ReadonlyMap<string, readonly (Partition | undefined)[]>
  /** Events held with their record. */
  inMemory: number
  isFilling: boolean
  wantsFill: boolean
  isDirty: boolean
  isClosed: boolean
  movedAtMs: number
  usedAtMs: number
  stopListening: () => void
  /** Reads what is there (reading.ts) and hands out what is ready (assigning.ts). Fields, because the parts below them call back up. */
  fill: () => void
  assign: () => void
  /** Its dead letter is written without an attempt. */
  refuse: (held: HeldEvent, problem: FailureProblem) => void
  /** An attempt of a member failed by a dependency. Answers whether the group is suspended. */
  dependencyFailed: (held: HeldEvent) => boolean | Promise<boolean>
  /** An attempt of a member ended otherwise. */
  attemptEnded: () => void
  /** What it has in memory is no longer true. */
  outdated: () => void
  /** Takes in what other processes did to rows of these deliveries. */
  sync: (deliveryIds: readonly string[]) => void
}

/** Below half of the window, or dry. Reading one event for each that is finished or appended would cost a query each. */
const isLow = (group: Group): boolean => group.inMemory <= WINDOW_EVENTS / 2 || group.ready.length === 0

/** There is something to read, and it is time to. */
export const wantsMore = (group: Group): boolean =>
  isLow(group) && group.partitions.some(({ position, head }) => position < head)

/** With the labels that the groups of modules have too: a metric has one set of them in a process. */
export const countDeliveries = ({ config, dependencies }: Group, outcome: string, count = 1): void =>
  dependencies.metrics.count('soma_events_deliveries_total', { group: config.wireGroup, outcome }, count)

/** Leases, retries and grace must end though somebody sets the clock back. */
export const nowMs = ({ dependencies: { clock } }: Group): number => clock.steadyMs?.() ?? clock.now().getTime()
