import { idSchema } from '@soma/kernel'
import * as z from 'zod'
import { eventType, jsonValue, problemValue, taskKey } from './json-value.ts'
import { groupId, planId, responseTopic, spent, taskId, taskStatus } from './plan.ts'

export const gateId = idSchema('gate')
export const TASK_KINDS = [
  'agent',
  'tool',
  'model',
  'capsule',
  'gate',
  'input',
  'timer',
  'event',
  'signal',
  'map',
  'repeat',
  'emit',
  'value',
  'workspace',
] as const
export const taskKind = z.enum(TASK_KINDS)
export const waitingReason = z.enum(['dependency', 'review', 'input', 'budget', 'policy'])
export const pendingReason = z.enum(['slot', 'rate', 'retry', 'agent', 'start'])
export const taskAgent = z.strictObject({
  name: z.string().max(128),
  instanceId: z.string().max(128).optional(),
  version: z.string().max(64).optional(),
})

/** What would end the wait (PLN-R42). */
export const waiting = z.strictObject({
  reason: waitingReason,
  /** Ids and words of what ends it: gate, task, event type, signal, rule ids, missing amount. */
  on: z.record(z.string(), jsonValue).optional(),
  sinceAt: z.iso.datetime(),
  dueAt: z.iso.datetime().optional(),
})

export const subTask = z.strictObject({
  type: z.string(),
  status: taskStatus,
  groupId: groupId.optional(),
  result: jsonValue.optional(),
  problem: problemValue.optional(),
})

export const task = z.strictObject({
  taskId,
  planId,
  key: z.string(),
  name: z.string(),
  kind: taskKind,
  status: taskStatus,
  outcome: z.enum(['succeeded', 'skipped', 'reused']).optional(),
  waiting: waiting.optional(),
  pendingFor: pendingReason.optional(),
  parentTaskId: taskId.optional(),
  groupId: groupId.optional(),
  generation: z.number().int(),
  /** Attempts after definite failures. */
  try: z.number().int(),
  /** When the next try is asked for, while `pendingFor` is `retry`. */
  retryAt: z.iso.datetime().optional(),
  /** Hand-outs of this try: 2 after a lost lease. */
  delivery: z.number().int(),
  /** Results with an older fence are refused. */
  fence: z.number().int(),
  type: z.string().optional(),
  capability: z.string().optional(),
  agent: taskAgent.optional(),
  inputs: jsonValue.optional(),
  output: jsonValue.optional(),
  problem: problemValue.optional(),
  responseType: z.string().optional(),
  responseTopic: responseTopic.optional(),
  correlationId: z.string(),
  sessionId: z.string().optional(),
  goalId: z.string().optional(),
  progress: z.number().optional(),
  message: z.string().optional(),
  /** What the last heartbeat left for the next delivery. */
  checkpoint: jsonValue.optional(),
  deadlineAt: z.iso.datetime().optional(),
  priority: z.number().int(),
  gateId: gateId.optional(),
  metadata: z.record(z.string(), jsonValue).optional(),
  spent,
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  version: z.number().int(),
})
export type Task = z.output<typeof task>

/** The saved context of a task (PLN-R60): the task's own fields, its state, and the results of its sub-tasks. */
export const taskContext = z.strictObject({
  ...task.shape,
  state: jsonValue.optional(),
  subTasks: z.record(z.string(), subTask),
  /** Outputs of ended sub-tasks by their id. */
  results: z.record(z.string(), jsonValue),
})
export type TaskContextValue = z.output<typeof taskContext>

export const taskGroup = z.strictObject({
  groupId,
  planId,
  parentTaskId: taskId.optional(),
  members: z.array(
    z.strictObject({
      taskId,
      key: z.string(),
      type: z.string().optional(),
      status: taskStatus,
      output: jsonValue.optional(),
      problem: problemValue.optional(),
    }),
  ),
  total: z.number().int(),
  completed: z.number().int(),
  /** Failed and cancelled members. */
  failed: z.number().int(),
  pending: z.number().int(),
  done: z.boolean(),
  /** The member that ended last, once all have: whoever handles that member's reply sees the group done, also on a repeat. */
  lastTaskId: taskId.optional(),
  createdAt: z.iso.datetime(),
  completedAt: z.iso.datetime().optional(),
})
export type TaskGroup = z.output<typeof taskGroup>

const durationMs = z.number().int().min(1).max(31_536_000_000)

/**
 * When a try that failed is followed by another one: after `plans.tasks.fail` (but not when the requester was answered) and after the timeouts of a try, for problems with
 * `retryable: true`, never past the task's or the plan's deadline. A reply event is an answer and is never retried.
 */
export const taskRetry = z.strictObject({
  /** Tries in all. Default: `plans.maxTries`. 1 = no second try. */
  maxTries: z.number().int().min(1).max(20).optional(),
  /** The n-th wait is drawn evenly from 0 to `baseMs` × 2ⁿ⁻¹, at most 60 s. */
  baseMs: z.number().int().min(1).max(60_000).default(1000),
  /** Codes that are tried again though their problem is not `retryable`. */
  on: z.array(z.string().max(100)).max(50).default([]),
  /** Codes that are not tried again though their problem is `retryable`. */
  except: z.array(z.string().max(100)).max(50).default([]),
})

/**
 * One sub-task to hand out. `agent` (default): a request event of `type` with its own `data`, `responsetype`, `responsetopic`, correlation = the task's id, `planid`, `taskid`.
 * `gate` and `input`: a wait for a gate that the caller has opened; the decision ends it.
 * `timer`: completes by itself after `timeoutMs`.
 */
export const taskSpec = z.strictObject({
  /** Chosen by the client, so that a handler that runs twice delegates once. */
  taskId: taskId.optional(),
  key: taskKey.optional(),
  name: z.string().max(200).optional(),
  kind: z.enum(['agent', 'gate', 'input', 'timer']).default('agent'),
  type: eventType.optional(),
  /** Instead of a type: whoever can do it is asked with `task.requested`. */
  capability: z.string().max(200).optional(),
  data: jsonValue.optional(),
  responseType: eventType.optional(),
  responseTopic: responseTopic.default('action-results'),
  /** Over all tries: fails with `timeout` when not ended so long after it was made. Default: none. */
  timeoutMs: durationMs.optional(),
  /** Of an agent task: fails with `queue-timeout` when nobody has taken it so long after a request. Default: none. */
  queueTimeoutMs: durationMs.optional(),
  /** Of an agent task: one try that runs longer ends with `try-timeout`; time spent waiting or delegated does not count. Default: `plans.tryTimeoutMs`. */
  tryTimeoutMs: durationMs.optional(),
  /** Of an agent task: a try without a heartbeat or progress for so long ends with `heartbeat-timeout`. Default: none. */
  heartbeatTimeoutMs: durationMs.optional(),
  retry: taskRetry.optional(),
  priority: z.number().int().min(-10).max(10).default(0),
  metadata: z.record(z.string().max(64), jsonValue).optional(),
  gateId: gateId.optional(),
})
export type TaskSpec = z.output<typeof taskSpec>
