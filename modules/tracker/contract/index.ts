import { commonProblems, contract, idSchema, instant, operation, pageQuery, queryBoolean, setting } from '@soma/kernel'
import * as z from 'zod'
import {
  agentMetrics,
  blocker,
  delegationGroup,
  edge,
  etaAnswer,
  freshness,
  groupId,
  hierarchy,
  metricsPeriod,
  planId,
  planProgress,
  planState,
  rebuild,
  taskId,
  taskRecord,
  taskState,
  timelineEntry,
} from './records.ts'

export * from './records.ts'

const read = { method: 'GET', capability: 'plan:read', action: 'plan.read' } as const
const params = z.strictObject({ planId })
/** The id of an event: the answer waits up to 5 s until it is applied, so that a caller reads what he wrote. Later than that it says `stale`. */
const fresh = { waitFor: z.string().min(1).max(128).optional() }
const page = { ...pageQuery, ...fresh }
/** A page with its freshness. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ ...freshness, items: z.array(item), nextCursor: z.string().nullable() })
const one = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.strictObject({ ...freshness, [name]: item } as typeof freshness & Record<Name, Item>)
const traceOutput = z.strictObject({
  ...freshness,
  entries: z.array(timelineEntry),
  planIds: z.array(planId),
  cost: z.strictObject({
    tokens: z.number().int(),
    costMicros: z.number().int(),
    currency: z.string(),
    calls: z.number().int(),
  }),
})

const plans = {
  list: operation({
    ...read,
    path: '/v1/tracker/plans',
    summary: 'Progress of plans, newest first; lone tasks only when asked for.',
    query: z.strictObject({
      ...page,
      status: planState.optional(),
      sessionId: z.string().max(100).optional(),
      parentPlanId: planId.optional(),
      from: instant.optional(),
      to: instant.optional(),
      query: z.string().max(200).optional(),
      loneTasks: queryBoolean.optional(),
    }),
    output: listOf(planProgress),
  }),
  get: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}',
    summary: 'Progress of one plan.',
    params,
    query: z.strictObject(fresh),
    output: one('plan', planProgress),
  }),
} as const

const planTasks = {
  list: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/tasks',
    summary: 'The tasks of a plan in the order they were made.',
    params,
    query: z.strictObject({ ...page, state: taskState.optional(), agent: z.string().max(128).optional() }),
    output: listOf(taskRecord),
  }),
} as const

const planTimeline = {
  list: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/timeline',
    summary: 'Everything that happened in a plan in log order: attempts, gates, replies, dead letters.',
    params,
    query: z.strictObject({
      ...page,
      kinds: z.string().max(200).optional(),
      order: z.enum(['oldest', 'newest']).default('oldest'),
    }),
    output: listOf(timelineEntry),
  }),
} as const

const planLineage = {
  get: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/lineage',
    summary: 'What caused what in a plan, roots first; with an event, its causes and its effects.',
    params,
    query: z.strictObject({
      eventId: z.string().max(100).optional(),
      depth: z.coerce.number().int().min(1).max(50).default(50),
      ...fresh,
    }),
    output: z.strictObject({ ...freshness, entries: z.array(timelineEntry), edges: z.array(edge) }),
  }),
} as const

const planHierarchy = {
  get: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/hierarchy',
    summary:
      'The plans above and below a plan and the delegations inside them, flat, each with its parent; at most 10,000.',
    params,
    query: z.strictObject({ direction: z.enum(['up', 'down', 'both']).default('both'), ...fresh }),
    output: z.strictObject({ ...freshness, ...hierarchy.shape }),
  }),
} as const

const planSubPlans = {
  list: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/sub-plans',
    summary: 'Progress of the plans that a plan handed out, newest first.',
    params,
    query: z.strictObject(page),
    output: listOf(planProgress),
  }),
} as const

const planEta = {
  get: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/eta',
    summary: 'When the open tasks of a plan will be done, sampled from how long such tasks took.',
    params,
    query: z.strictObject(fresh),
    output: z.strictObject({ ...freshness, ...etaAnswer }),
  }),
} as const

const sessionPlans = {
  list: operation({
    ...read,
    path: '/v1/tracker/sessions/{sessionId}/plans',
    summary: 'Progress of the plans of a session, newest first.',
    params: z.strictObject({ sessionId: z.string().min(1).max(100) }),
    query: z.strictObject(page),
    output: listOf(planProgress),
  }),
} as const

const planBlockers = {
  list: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/blockers',
    summary: 'Why the open tasks of a plan do not run, oldest first.',
    params,
    query: z.strictObject(page),
    output: listOf(blocker),
  }),
} as const

const blockers = {
  list: operation({
    ...read,
    path: '/v1/tracker/blockers',
    summary: 'Why open tasks of all visible plans do not run, oldest first.',
    query: z.strictObject({
      ...page,
      waitingFor: z.string().max(50).optional(),
      /** Only what a holder of this role may decide at a gate. */
      role: z.string().max(128).optional(),
      olderThanMs: z.coerce.number().int().min(0).max(31_536_000_000).optional(),
    }),
    output: listOf(blocker),
  }),
} as const

const planStream = {
  read: operation({
    ...read,
    path: '/v1/tracker/plans/{planId}/stream',
    summary: 'First a snapshot of plan and tasks, then each change of plan, task and timeline.',
    params,
    stream: {
      snapshot: z.strictObject({ ...freshness, plan: planProgress, tasks: z.array(taskRecord) }),
      plan: z.strictObject({ ...freshness, plan: planProgress }),
      task: z.strictObject({ ...freshness, task: taskRecord }),
      timeline: z.strictObject({ ...freshness, entry: timelineEntry }),
    },
  }),
} as const

const tasks = {
  list: operation({
    ...read,
    path: '/v1/tracker/tasks',
    summary: 'Tasks, newest first.',
    query: z.strictObject({
      ...page,
      planId: planId.optional(),
      state: taskState.optional(),
      agent: z.string().max(128).optional(),
      type: z.string().max(200).optional(),
      waitingFor: z.string().max(50).optional(),
    }),
    output: listOf(taskRecord),
  }),
  get: operation({
    ...read,
    path: '/v1/tracker/tasks/{taskId}',
    summary: 'One task.',
    params: z.strictObject({ taskId }),
    query: z.strictObject(fresh),
    output: one('task', taskRecord),
  }),
} as const

const delegationGroups = {
  get: operation({
    ...read,
    path: '/v1/tracker/delegation-groups/{groupId}',
    summary: 'A delegation group with every member and its end.',
    params: z.strictObject({ groupId }),
    query: z.strictObject(fresh),
    output: one('group', delegationGroup),
  }),
} as const

const traces = {
  get: operation({
    ...read,
    path: '/v1/tracker/traces/{traceId}',
    summary: 'Every record that carries a trace id, in time order.',
    params: z.strictObject({ traceId: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal characters') }),
    query: z.strictObject(fresh),
    output: traceOutput,
  }),
} as const

const correlations = {
  get: operation({
    ...read,
    path: '/v1/tracker/correlations/{correlationId}',
    summary: 'Every record that carries a correlation id, in time order.',
    params: z.strictObject({ correlationId: z.string().min(1).max(200) }),
    query: z.strictObject(fresh),
    output: traceOutput,
  }),
} as const

const agents = {
  metrics: operation({
    method: 'GET',
    capability: 'agent:read',
    action: 'agent.read',
    path: '/v1/tracker/agents/{name}/metrics',
    summary: 'What an agent has done in a period: counts, durations, retries, by type of task.',
    params: z.strictObject({ name: z.string().min(1).max(128) }),
    query: z.strictObject({ period: metricsPeriod.default('24h'), type: z.string().max(200).optional(), ...fresh }),
    output: one('metrics', agentMetrics),
  }),
} as const

const rebuildParams = z.strictObject({ rebuildId: idSchema('rbd') })
/** Whose read models; default: the caller's tenant. Another tenant is named by principals of the platform alone. */
const ofTenant = z.strictObject({ tenantId: z.string().min(1).max(128).optional() })
const rebuilding = {
  method: 'POST',
  capability: 'platform:operate',
  action: 'platform.operate',
  body: ofTenant,
  output: rebuild,
  status: 202,
} as const
const rebuilds = {
  create: operation({
    ...rebuilding,
    path: '/v1/tracker/rebuilds',
    summary: 'Builds the read models of a tenant anew from the log beside those that serve, compares and swaps them.',
    problems: [commonProblems.conflict],
  }),
  verify: operation({
    ...rebuilding,
    path: '/v1/tracker/rebuilds/verify',
    summary: 'Builds the read models of a tenant beside those that serve, and compares them.',
    problems: [commonProblems.conflict],
  }),
  get: operation({
    method: 'GET',
    capability: 'platform:operate',
    path: '/v1/tracker/rebuilds/{rebuildId}',
    summary: 'How far a rebuild or verification is, and what it found.',
    params: rebuildParams,
    query: ofTenant,
    output: rebuild,
  }),
} as const

export const trackerContract = contract({
  module: 'tracker',
  summary: 'Where is everything, since when, what does it wait for, and who can unblock it?',
  operations: {
    plans,
    planTasks,
    planTimeline,
    planLineage,
    planHierarchy,
    planSubPlans,
    planEta,
    planBlockers,
    blockers,
    sessionPlans,
    planStream,
    tasks,
    delegationGroups,
    traces,
    correlations,
    agents,
    rebuilds,
  },
  events: [],
  capabilities: {},
  settings: {
    etaMinSamples: setting({
      type: z.number().int().min(1).max(1000),
      default: 5,
      summary: 'Fewest past tasks of a kind from which an end is estimated.',
    }),
    etaWindow: setting({
      type: z.number().int().min(1).max(400),
      default: 30,
      summary: 'Days back from which past tasks are taken.',
    }),
    plansRetentionDays: setting({
      type: z.number().int().min(1).max(36_500),
      default: 400,
      summary: 'Days after its end that a plan is kept with its tasks.',
    }),
    timelineRetentionDays: setting({
      type: z.number().int().min(1).max(36_500),
      default: 90,
      summary: 'Days that entries of timelines are kept, also when the log no longer has them.',
    }),
    verifyEveryDays: setting({
      type: z.number().int().min(0).max(365),
      default: 0,
      summary: 'How often the read models of each tenant are compared with the log; 0: never by itself.',
      modes: { production: 7, 'production-debug': 7 },
    }),
    staleMs: setting({
      type: z.number().int().min(1),
      default: 5000,
      summary: 'An answer says that it is stale when a fact older than this is not applied yet.',
    }),
  },
})
