import { idSchema } from '@soma/kernel'
import * as z from 'zod'

/** How fresh an answer is: `asOf` = log time of the newest fact of the tenant that was applied; `lagMs` = age of the oldest one that is not, 0 when all are. It grows while nobody projects. */
export const freshness = {
  asOf: z.iso.datetime().nullable(),
  lagMs: z.number().int(),
  /** True when `lagMs` is above `tracker.staleMs`. */
  stale: z.boolean(),
}

export const planId = idSchema('plan')
export const taskId = idSchema('task')
export const groupId = idSchema('grp')
/** The code alone: a detail may hold what people wrote. */
const problem = z.strictObject({ code: z.string() })
const cost = z.strictObject({
  tokens: z.number().int(),
  costMicros: z.number().int(),
  currency: z.string(),
  calls: z.number().int(),
})

export const planState = z.enum([
  'draft',
  'pending',
  'running',
  'waiting',
  'paused',
  'stopping',
  'completed',
  'failed',
  'cancelled',
])
export const taskState = z.enum(['pending', 'running', 'delegated', 'waiting', 'completed', 'failed', 'cancelled'])

export const counts = z.strictObject({
  total: z.number().int(),
  pending: z.number().int(),
  running: z.number().int(),
  delegated: z.number().int(),
  waiting: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
})

export const planProgress = z.strictObject({
  planId,
  name: z.string(),
  driver: z.enum(['engine', 'planner']).optional(),
  origin: z.string().optional(),
  status: planState,
  /** The state of the state machine. */
  currentState: z.string().optional(),
  /** 0 to 1: tasks weigh what such tasks took; ended ones count 1, others what they reported or the time they have had. Falls only with `scopeChangedAt`. */
  progress: z.number(),
  counts,
  createdAt: z.iso.datetime().optional(),
  startedAt: z.iso.datetime().optional(),
  updatedAt: z.iso.datetime(),
  completedAt: z.iso.datetime().optional(),
  problem: problem.optional(),
  stopReason: z.string().optional(),
  parentPlanId: planId.optional(),
  /** The task that handed the plan out. */
  parentTaskId: taskId.optional(),
  rootPlanId: planId.optional(),
  sessionId: z.string().optional(),
  traceId: z.string().optional(),
  goal: z.strictObject({ type: z.string() }).optional(),
  agents: z.array(z.string()),
  cost,
  /** Open tasks without running work, below them too; each has a blocker. */
  blockers: z.number().int(),
  /** When tasks were added after the first one, or opened again: the one reason why progress may fall. */
  scopeChangedAt: z.iso.datetime().optional(),
  ownerId: z.string().optional(),
  constitutionHash: z.string().optional(),
  /** Facts of it are older than the log: a rebuild keeps what was known of it. */
  kept: z.boolean().optional(),
  /** The plan's version of the newest fact applied; 0 while only facts of its tasks have come. */
  version: z.number().int(),
})
export type PlanProgress = z.output<typeof planProgress>

export const taskRecord = z.strictObject({
  taskId,
  planId: planId.optional(),
  key: z.string().optional(),
  name: z.string(),
  kind: z.string().optional(),
  type: z.string().optional(),
  state: taskState,
  /** The reason of a waiting task, or what a pending task is pending for. */
  waitingFor: z.string().optional(),
  generation: z.number().int(),
  agent: z
    .strictObject({ name: z.string(), instanceId: z.string().optional(), version: z.string().optional() })
    .optional(),
  parentTaskId: taskId.optional(),
  groupId: groupId.optional(),
  gateId: z.string().optional(),
  /** Deliveries of the current generation: 2 after a lost lease. */
  attempts: z.number().int(),
  progress: z.number().optional(),
  message: z.string().optional(),
  queuedMs: z.number().int().optional(),
  runMs: z.number().int().optional(),
  createdAt: z.iso.datetime().optional(),
  startedAt: z.iso.datetime().optional(),
  completedAt: z.iso.datetime().optional(),
  updatedAt: z.iso.datetime(),
  problem: problem.optional(),
  /** As of a plan. */
  kept: z.boolean().optional(),
  version: z.number().int(),
})
export type TaskRecord = z.output<typeof taskRecord>

export const entryKind = z.enum([
  'event',
  'plan',
  'task',
  'tool',
  'model',
  'memory',
  'decision',
  'gate',
  'message',
  'delivery',
])

/** One fact of the log. No payload: names, types, ids, states, numbers and a summary of declared fields. */
export const timelineEntry = z.strictObject({
  /** Log time. */
  at: z.iso.datetime(),
  kind: entryKind,
  /** The event's id. */
  id: z.string(),
  type: z.string(),
  /** The principal that caused it. */
  actor: z.string().optional(),
  planId: planId.optional(),
  taskId: taskId.optional(),
  causationId: z.string().optional(),
  correlationId: z.string().optional(),
  traceId: z.string().optional(),
  attempt: z.number().int().optional(),
  durationMs: z.number().int().optional(),
  outcome: z.string().optional(),
  summary: z.string().max(200),
  /** True for what came after the end of its plan or task: shown, and counted nowhere. */
  ignored: z.boolean(),
  /** The log no longer has it. */
  kept: z.boolean().optional(),
})
export type TimelineEntry = z.output<typeof timelineEntry>

export const edge = z.strictObject({
  from: z.string(),
  to: z.string(),
  kind: z.enum(['caused', 'replied', 'retried', 'replayed']),
})
export type Edge = z.output<typeof edge>

export const delegationGroup = z.strictObject({
  groupId,
  planId: planId.optional(),
  parentTaskId: taskId.optional(),
  total: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  pending: z.number().int(),
  createdAt: z.iso.datetime().optional(),
  completedAt: z.iso.datetime().optional(),
  members: z.array(
    z.strictObject({
      taskId,
      name: z.string(),
      type: z.string().optional(),
      agent: z.string().optional(),
      state: taskState,
      problem: problem.optional(),
    }),
  ),
})
export type DelegationGroup = z.output<typeof delegationGroup>

/** A plan as a tree draws it; the whole is `tracker.plans.get`. */
export const planNode = planProgress.pick({
  planId: true,
  name: true,
  driver: true,
  origin: true,
  status: true,
  currentState: true,
  progress: true,
  counts: true,
  problem: true,
  parentPlanId: true,
  parentTaskId: true,
  rootPlanId: true,
})
export type PlanNode = z.output<typeof planNode>

export const hierarchy = z.strictObject({
  plans: z.array(planNode),
  /** Tasks that handed out sub-tasks, and these. */
  tasks: z.array(
    z.strictObject({
      taskId,
      planId,
      parentTaskId: taskId.optional(),
      groupId: groupId.optional(),
      name: z.string(),
      type: z.string().optional(),
      agent: z.string().optional(),
      state: taskState,
    }),
  ),
  /** A cycle, which only bad data can make, was cut. */
  cut: z.boolean(),
  /** There is more than the answer holds. */
  truncated: z.boolean(),
})
export type Hierarchy = z.output<typeof hierarchy>

/** The read models of a tenant, built anew from the log beside those that serve. */
export const rebuild = z.strictObject({
  rebuildId: idSchema('rbd'),
  tenantId: z.string(),
  /** `verify` compares and changes nothing. */
  kind: z.enum(['rebuild', 'verify']),
  status: z.enum(['running', 'completed']),
  /** Records of the log, of all tenants, that were looked at, of those that there were at the start. */
  read: z.number().int(),
  toRead: z.number().int(),
  /** Facts of the tenant. */
  applied: z.number().int(),
  /** Facts that could not be applied: they are dead letters too. */
  failed: z.number().int(),
  /** Of each model what was built and what served when both were compared. */
  models: z.array(
    z.strictObject({
      model: z.enum(['plans', 'tasks', 'timeline', 'correlations', 'gates', 'agents']),
      rows: z.number().int(),
      digest: z.string(),
      servedDigest: z.string(),
      isEqual: z.boolean(),
    }),
  ),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
})
export type Rebuild = z.output<typeof rebuild>

export const metricsPeriod = z.enum(['1h', '24h', '7d', '30d'])
export type MetricsPeriod = z.output<typeof metricsPeriod>

const figures = {
  /** Tasks that ended in the period, each once, for the agent that ended it. */
  total: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
  /** Tries and deliveries of the agent that ended without a result; no failures. */
  retries: z.number().int(),
  deadLetters: z.number().int(),
  /** Run times of completed and failed tasks; percentiles are at most 5 % off. */
  avgMs: z.number().int().optional(),
  p50Ms: z.number().int().optional(),
  p95Ms: z.number().int().optional(),
  /** From the request to the start. */
  queuedP50Ms: z.number().int().optional(),
  /** Completed ÷ (completed and failed). */
  successRate: z.number().optional(),
}
export const agentMetrics = z.strictObject({
  agent: z.string(),
  period: metricsPeriod,
  ...figures,
  /** Most tasks first. */
  byType: z.array(z.strictObject({ type: z.string(), ...figures })),
})
export type AgentMetrics = z.output<typeof agentMetrics>

/** When a plan will be done, from how long such work took before. */
export const eta = z.strictObject({
  /** Nine of ten simulated ends lie after it, half, and one of ten. */
  p10At: z.iso.datetime(),
  p50At: z.iso.datetime(),
  p90At: z.iso.datetime(),
  basis: z.strictObject({
    /** What the coarsest estimate of a task was read from. */
    level: z.enum(['type-and-agent', 'type']),
    /** The fewest past tasks that one was read from. */
    samples: z.number().int(),
  }),
  /** Gates that are waited for: their time is not in the estimate. */
  excludes: z.array(z.string()),
})
export type Eta = z.output<typeof eta>
export const etaAnswer = {
  eta: eta.nullable(),
  /** Why there is none. */
  reason: z.enum(['not-enough-history', 'nothing-open', 'ended', 'paused']).optional(),
}

/** Why a task has no running work, and what or who would end that. A delegated task has one when nothing below it runs. */
export const blocker = z.strictObject({
  taskId,
  planId: planId.optional(),
  name: z.string(),
  waitingFor: z.string(),
  sinceAt: z.iso.datetime(),
  detail: z.string(),
  gateId: z.string().optional(),
  /** When the wait ends by itself. */
  dueAt: z.iso.datetime().optional(),
  budgetId: z.string().optional(),
  /** How much the budget lacks. */
  missing: z.strictObject({ costMicros: z.number().int(), currency: z.string() }).optional(),
  /** The tasks whose end is waited for. */
  dependsOn: z.array(z.string()).optional(),
  ruleIds: z.array(z.string()).optional(),
  nextRetryAt: z.string().optional(),
  /** What no live agent takes: an event type, `task.requested` for a task that asks for a capability. */
  missingConsumer: z
    .strictObject({
      topic: z.string(),
      type: z.string(),
      capability: z.string().optional(),
      /** When a live agent last took it; absent: none ever did. */
      lastAliveAt: z.string().optional(),
    })
    .optional(),
  /** Who or what can end it: `role:<name>`, principals, agents, capabilities, operation ids. */
  unblockBy: z.array(z.string()),
})
export type Blocker = z.output<typeof blocker>
