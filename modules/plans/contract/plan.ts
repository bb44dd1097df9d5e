import { idSchema } from '@soma/kernel'
import * as z from 'zod'
import { eventType, jsonValue, problemValue } from './json-value.ts'
import { stateMachine } from './state-machine.ts'

export const planId = idSchema('plan')
export const taskId = idSchema('task')
export const groupId = idSchema('grp')

export const PLAN_STATUSES = [
  'draft',
  'pending',
  'running',
  'waiting',
  'paused',
  'stopping',
  'completed',
  'failed',
  'cancelled',
] as const
export const planStatus = z.enum(PLAN_STATUSES)
export type PlanStatus = z.output<typeof planStatus>

export const TASK_STATUSES = ['pending', 'running', 'delegated', 'waiting', 'completed', 'failed', 'cancelled'] as const
export const taskStatus = z.enum(TASK_STATUSES)
export type TaskStatus = z.output<typeof taskStatus>

export const planDriver = z.enum(['engine', 'planner'])
export const planOrigin = z.enum(['capsule', 'graph', 'state-machine', 'intent', 'task'])
export const planVisibility = z.enum(['private', 'space', 'tenant'])
/** Where replies to tasks and goals go: plans listens on both. */
export const responseTopic = z.enum(['action-results', 'business-facts'])

/** Names of at most 20 labels (64 characters) with values of at most 256. */
export const planLabels = z
  .record(z.string().min(1).max(64), z.string().max(256))
  .refine((labels) => Object.keys(labels).length <= 20, 'at most 20 labels')

/** What a planner was asked, and how it answers (PLN-R56). */
export const planGoal = z.strictObject({
  type: eventType,
  data: jsonValue,
  /** The goal event: one plan per (tenant, planner, goal event). */
  eventId: z.string().max(100).optional(),
  correlationId: z.string().max(200).optional(),
  responseType: eventType.optional(),
  responseTopic: responseTopic.default('action-results'),
  responseSchema: z.string().max(200).optional(),
})

export const taskCounts = z.strictObject({
  total: z.number().int(),
  pending: z.number().int(),
  running: z.number().int(),
  delegated: z.number().int(),
  waiting: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
})
export type TaskCounts = z.output<typeof taskCounts>

export const spent = z.strictObject({
  tokens: z.number().int(),
  costMicros: z.number().int(),
  currency: z.string(),
  timeMs: z.number().int(),
  calls: z.number().int(),
})

export const plan = z.strictObject({
  planId,
  title: z.string(),
  description: z.string().optional(),
  driver: planDriver,
  origin: planOrigin,
  status: planStatus,
  stopReason: z.string().optional(),
  outcome: z.enum(['succeeded', 'partial']).optional(),
  phase: z.enum(['pre', 'main', 'compensate', 'post']),
  revision: z.number().int(),
  inputs: jsonValue.optional(),
  outputs: jsonValue.optional(),
  problem: problemValue.optional(),
  ownerId: z.string(),
  userId: z.string().optional(),
  spaceId: z.string(),
  sessionId: z.string().optional(),
  visibility: planVisibility,
  parentPlanId: planId.optional(),
  parentTaskId: taskId.optional(),
  rootPlanId: planId,
  depth: z.number().int(),
  goal: planGoal.optional(),
  correlationIds: z.array(z.string()),
  traceparent: z.string(),
  priority: z.number().int(),
  deadlineAt: z.iso.datetime().optional(),
  spent,
  counts: taskCounts,
  /** Ended tasks ÷ all tasks; 0 while there are none. */
  progress: z.number(),
  currentState: z.string().optional(),
  stateMachine: stateMachine.optional(),
  /** The planner's own JSON, ≤ 1 MiB. Left out of lists. */
  state: jsonValue.optional(),
  /** Results by event type, of the planner's transitions; `userInput` after a resume with input. Left out of lists. */
  results: z.record(z.string(), jsonValue).optional(),
  /** Why, by whom and when the plan was paused, and who alone may resume it (beside holders of `plan:control`); absent: whoever may control the plan. */
  paused: z
    .strictObject({
      reason: z.string(),
      byId: z.string(),
      at: z.iso.datetime(),
      resumeBy: z.array(z.string()).optional(),
    })
    .optional(),
  actionCount: z.number().int(),
  labels: planLabels,
  constitutionHash: z.string(),
  journal: z.strictObject({ seq: z.number().int(), hash: z.string() }),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  /** Rises by 1 with each change. What `If-Match` compares. */
  version: z.number().int(),
})
export type Plan = z.output<typeof plan>
export type PlanGoal = z.output<typeof planGoal>

export const journalEntry = z.strictObject({
  seq: z.number().int(),
  kind: z.string(),
  data: jsonValue,
  at: z.iso.datetime(),
  /** Hex sha256 over the previous hash and the canonical line; see `verifyJournal`. */
  hash: z.string(),
})
export type JournalEntry = z.output<typeof journalEntry>
