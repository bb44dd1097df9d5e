import { type EventDefinition, event } from '@soma/kernel'
import * as z from 'zod'
import { jsonValue, problemValue } from './json-value.ts'
import { groupId, planDriver, planId, planOrigin, planStatus, spent, taskCounts, taskId, taskStatus } from './plan.ts'
import { gateId, pendingReason, taskAgent, taskKind, waiting } from './task.ts'

/** In every plan fact. `version` is the plan's after the change: of two facts the higher is the later. */
export const planFactData = z.strictObject({
  planId,
  status: planStatus,
  version: z.number().int(),
  /** The journal line this fact belongs to. */
  seq: z.number().int(),
  title: z.string(),
  driver: planDriver,
  origin: planOrigin,
  ownerId: z.string(),
  visibility: z.enum(['private', 'space', 'tenant']),
  goalType: z.string().optional(),
  /** By which events without `planid` belong to the plan, as they are now. */
  correlationIds: z.array(z.string()).optional(),
  parentPlanId: planId.optional(),
  parentTaskId: taskId.optional(),
  rootPlanId: planId,
  counts: taskCounts,
  progress: z.number(),
  currentState: z.string().optional(),
  fromState: z.string().optional(),
  toState: z.string().optional(),
  on: z.string().optional(),
  reason: z.string().optional(),
  /** The principal whose command caused it. */
  byId: z.string().optional(),
  stopReason: z.string().optional(),
  outcome: z.enum(['succeeded', 'partial']).optional(),
  problem: problemValue.optional(),
  spent,
  at: z.iso.datetime(),
})
export type PlanFactData = z.output<typeof planFactData>

/** In every task fact. `version` is the task's after the change. */
export const taskFactData = z.strictObject({
  taskId,
  planId,
  key: z.string(),
  name: z.string(),
  kind: taskKind,
  status: taskStatus,
  version: z.number().int(),
  seq: z.number().int(),
  /** The plan's owner, so that a planner can tell its own. */
  ownerId: z.string(),
  type: z.string().optional(),
  capability: z.string().optional(),
  generation: z.number().int(),
  try: z.number().int(),
  delivery: z.number().int(),
  waiting: waiting.optional(),
  pendingFor: pendingReason.optional(),
  /** When the next try is asked for, while `pendingFor` is `retry` after a failure. */
  retryAt: z.iso.datetime().optional(),
  agent: taskAgent.optional(),
  parentTaskId: taskId.optional(),
  groupId: groupId.optional(),
  /** True in exactly one fact of a group: the one of the member that ended last. */
  groupDone: z.boolean().optional(),
  gateId: gateId.optional(),
  responseType: z.string().optional(),
  correlationId: z.string(),
  progress: z.number().optional(),
  message: z.string().optional(),
  outcome: z.enum(['succeeded', 'skipped', 'reused']).optional(),
  /** The output up to 4 KiB of JSON; a larger one is read with `plans.tasks.get`. */
  output: jsonValue.optional(),
  /** True when the output was too large for the fact. */
  outputOmitted: z.boolean().optional(),
  problem: problemValue.optional(),
  /** Why: `lease-lost`, the reason of an operator, `timeout`. */
  reason: z.string().optional(),
  byId: z.string().optional(),
  queuedMs: z.number().int().optional(),
  runMs: z.number().int().optional(),
  at: z.iso.datetime(),
})
export type TaskFactData = z.output<typeof taskFactData>

const planFact = <const Verb extends string>(verb: Verb, summary: string) =>
  event({ type: `plan.${verb}` as const, topic: 'plan-events', version: '1.1.0', data: planFactData, summary })
const taskFact = <const Verb extends string>(verb: Verb, summary: string) =>
  event({ type: `task.${verb}` as const, topic: 'task-events', version: '1.1.0', data: taskFactData, summary })

export const planEvents = {
  created: planFact('created', 'A plan was made.'),
  started: planFact('started', 'A plan began to run.'),
  waiting: planFact('waiting', 'All open tasks of a plan wait.'),
  paused: planFact('paused', 'A plan was paused.'),
  resumed: planFact('resumed', 'A plan goes on after a pause or a wait.'),
  stateChanged: planFact('state-changed', 'The state machine of a plan took an edge.'),
  stopping: planFact('stopping', 'A plan is being stopped and waits for its children.'),
  completed: planFact('completed', 'A plan has ended with success.'),
  failed: planFact('failed', 'A plan has failed.'),
  cancelled: planFact('cancelled', 'A plan was cancelled.'),
} as const

export const taskEvents = {
  created: taskFact('created', 'A task was made and its request published.'),
  started: taskFact('started', 'A delivery of a task began; `delivery` counts them.'),
  delegated: taskFact('delegated', 'A task waits for sub-tasks it handed out.'),
  waiting: taskFact('waiting', 'A task waits; `waiting` says for what.'),
  resumed: taskFact('resumed', 'What a task waited for has come; it may run again.'),
  retried: taskFact('retried', 'A delivery or try ended without a result; the task is pending again.'),
  progressed: taskFact('progressed', 'A task reported progress.'),
  completed: taskFact('completed', 'A task has ended with success.'),
  failed: taskFact('failed', 'A task has failed.'),
  cancelled: taskFact('cancelled', 'A task was cancelled; whoever works on it stops.'),
} as const

/** A task for an agent that was asked by capability instead of by an event type. */
export const taskRequested = event({
  type: 'task.requested',
  topic: 'action-requests',
  data: z.strictObject({ taskId, planId, capability: z.string(), data: jsonValue.optional() }),
  summary: 'Asks whoever has a capability to do a task; answers with the response type it names.',
})

export const plansEvents: readonly EventDefinition[] = [
  ...Object.values(planEvents),
  ...Object.values(taskEvents),
  taskRequested,
]
