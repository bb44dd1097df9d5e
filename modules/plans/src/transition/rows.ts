import type { Json } from '@soma/kernel'
import type * as z from 'zod'
import type {
  Plan,
  PlanGoal,
  PlanStatus,
  ProblemValue,
  StateMachine,
  Task,
  TaskCounts,
  TaskStatus,
  waiting,
} from '../../contract/index.ts'

/** The parts of a plan that change seldom, as stored in `plans.plans.doc`. */
export interface PlanDoc {
  title: string
  description?: string
  goal?: PlanGoal
  stateMachine?: StateMachine
  currentState?: string
  /** Event and edge of the last transition: a repeated command is told from a race by it. */
  lastTransition?: { from: string; to: string; eventId?: string }
  labels: Record<string, string>
  correlationIds: string[]
  traceparent: string
  priority: number
  deadlineAt?: string
  inputs?: Json
  outputs?: Json
  problem?: ProblemValue
  outcome?: 'succeeded' | 'partial'
  paused?: { reason: string; byId: string; at: string; resumeBy?: string[]; from: PlanStatus }
  stopAs?: 'failed' | 'cancelled'
  parentTaskId?: string
  actionCount: number
  constitutionHash: string
  /** sha256 of the body that made it: the same id with another body is a conflict. */
  digest: string
}

export interface PlanRow {
  id: string
  rootId: string
  parentId: string | undefined
  depth: number
  driver: Plan['driver']
  origin: Plan['origin']
  status: PlanStatus
  phase: Plan['phase']
  stopReason: string | undefined
  spaceId: string
  userId: string | undefined
  ownerId: string
  sessionId: string | undefined
  visibility: Plan['visibility']
  revision: number
  counts: TaskCounts
  seq: number
  head: Uint8Array | undefined
  version: number
  doc: PlanDoc
  state: Json | undefined
  results: Record<string, Json> | undefined
  createdAt: Date
  startedAt: Date | undefined
  endedAt: Date | undefined
}

export interface TaskLimits {
  maxTries: number
  retryBaseMs: number
  retryOn: readonly string[]
  retryExcept: readonly string[]
  tryTimeoutMs?: number
  queueTimeoutMs?: number
  heartbeatTimeoutMs?: number
}

export interface TaskDoc {
  name: string
  type?: string
  capability?: string
  agent?: NonNullable<Task['agent']>
  inputs?: Json
  problem?: ProblemValue
  waiting?: z.output<typeof waiting>
  pendingFor?: NonNullable<Task['pendingFor']>
  responseType?: string
  responseTopic?: NonNullable<Task['responseTopic']>
  correlationId: string
  sessionId?: string
  goalId?: string
  progress?: number
  message?: string
  /** When the last progress became a fact: at most ten a second do. */
  progressFactAt?: string
  /** A progress that is no fact yet. */
  isProgressHeld?: boolean
  checkpoint?: Json
  deadlineAt?: string
  priority: number
  /** As its spec or the settings said when it was made. */
  limits?: TaskLimits
  /** Of the try that runs: set at its first delivery, so that a lost one gains no time. */
  tryDeadlineAt?: string
  retryAt?: string
  gateId?: string
  metadata?: Record<string, Json>
  /** The hand-out that holds it: delivery id and attempt. */
  deliveryKey?: string
  /** Who had a delivery of this try. */
  holders?: string[]
  /** One reply was sent, or seen. */
  replied?: boolean
  /** Its request waits for the resume of the plan. */
  isHeld?: boolean
  /** How many requests were published: part of their ids. */
  requests?: number
  digest?: string
}

export interface TaskRow {
  id: string
  planId: string
  key: string
  ord: number
  kind: Task['kind']
  status: TaskStatus
  outcome: Task['outcome']
  parentId: string | undefined
  groupId: string | undefined
  generation: number
  try: number
  delivery: number
  fence: number
  resultSeq: number | undefined
  /** From the journal line `resultSeq`. */
  output: Json | undefined
  doc: TaskDoc
  state: Json | undefined
  version: number
  createdAt: Date
  startedAt: Date | undefined
  endedAt: Date | undefined
}

export interface GroupRow {
  id: string
  planId: string
  parentId: string | undefined
  total: number
  completed: number
  failed: number
  createdAt: Date
  completedAt: Date | undefined
  lastTaskId: string | undefined
}

export const emptyCounts = (): TaskCounts => ({
  total: 0,
  pending: 0,
  running: 0,
  delegated: 0,
  waiting: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
})

export const openTasks = (counts: TaskCounts): number =>
  counts.pending + counts.running + counts.delegated + counts.waiting

/** Ended ÷ all; 0 while there are none. */
export const progressOf = (counts: TaskCounts): number =>
  counts.total === 0 ? 0 : (counts.total - openTasks(counts)) / counts.total
