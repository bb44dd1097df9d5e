import { idSchema, instant, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { eventType, jsonValue, problemValue } from './json-value.ts'
import {
  groupId,
  journalEntry,
  plan,
  planDriver,
  planGoal,
  planId,
  planLabels,
  planOrigin,
  planStatus,
  planVisibility,
  taskId,
} from './plan.ts'
import { planProblems } from './problems.ts'
import { stateMachine } from './state-machine.ts'
import { task, taskSpec } from './task.ts'

const params = z.strictObject({ planId })
const reason = z.string().min(1).max(500)
const updateLimitBytes = 2_097_152

export const createPlanBody = z.strictObject({
  /** Chosen by the client; the same id and body is the same plan, another body is `conflict` (PLN-R7). */
  planId: planId.optional(),
  title: z.string().min(1).max(200).optional(),
  description: z.string().max(2000).optional(),
  driver: z.literal('planner').default('planner'),
  goal: planGoal.optional(),
  stateMachine: stateMachine.optional(),
  /** First state of the machine; default: its first key. */
  currentState: z.string().max(100).optional(),
  /** The planner's own JSON, ≤ 1 MiB. */
  state: jsonValue.optional(),
  inputs: jsonValue.optional(),
  /** `false` makes a draft that waits for start. */
  start: z.boolean().default(true),
  /** In UTC. */
  deadlineAt: instant.refine((text) => text.endsWith('Z'), 'must be in UTC').optional(),
  priority: z.number().int().min(-10).max(10).default(0),
  visibility: planVisibility.default('private'),
  labels: planLabels.default({}),
  sessionId: idSchema('ses').optional(),
  parentPlanId: planId.optional(),
  parentTaskId: taskId.optional(),
  /** Further ids by which replies find this plan; the goal's correlation is always one. */
  correlationIds: z.array(z.string().min(1).max(200)).max(31).default([]),
})

const create = operation({
  method: 'POST',
  path: '/v1/plans',
  summary:
    "Makes a planner's plan from a goal, with its state machine, first state and reply contract in one commit; the same goal event makes one plan.",
  capability: 'plan:run',
  action: 'plan.create',
  body: createPlanBody,
  output: plan,
  status: 202,
  bodyLimitBytes: 4_194_304,
  problems: [planProblems.planInvalid],
})

const get = operation({
  method: 'GET',
  path: '/v1/plans/{planId}',
  summary: 'One plan.',
  capability: 'plan:read',
  action: 'plan.read',
  params,
  output: plan,
})

const list = operation({
  method: 'GET',
  path: '/v1/plans',
  summary: 'Plans, newest first; lone tasks only when asked for by origin.',
  capability: 'plan:read',
  action: 'plan.read',
  query: z.strictObject({
    ...pageQuery,
    status: planStatus.optional(),
    driver: planDriver.optional(),
    origin: planOrigin.optional(),
    ownerId: z.string().max(128).optional(),
    sessionId: idSchema('ses').optional(),
    parentPlanId: planId.optional(),
    from: instant.optional(),
    to: instant.optional(),
    /** Text in the title. */
    q: z.string().max(200).optional(),
  }),
  output: pageOf(plan),
})

const counts = operation({
  method: 'GET',
  path: '/v1/plans/counts',
  summary: 'How many visible plans stand in each status; lone tasks are not counted.',
  capability: 'plan:read',
  action: 'plan.read',
  output: z.strictObject({ total: z.number().int(), byStatus: z.record(planStatus, z.number().int()) }),
})

const byCorrelation = operation({
  method: 'GET',
  path: '/v1/plans/by-correlation/{correlationId}',
  summary:
    'The plan that one of its correlation ids names; of several the newest that has not ended, those of the own space before others, marked ambiguous.',
  capability: 'plan:read',
  action: 'plan.read',
  params: z.strictObject({ correlationId: z.string().min(1).max(200) }),
  output: z.strictObject({ plan, ambiguous: z.boolean() }),
})

const journal = operation({
  method: 'GET',
  path: '/v1/plans/{planId}/journal',
  summary: "A plan's messages in the order applied, oldest first, each hashed over the one before.",
  capability: 'plan:read',
  action: 'plan.read',
  params,
  query: z.strictObject({ ...pageQuery, kinds: z.string().max(500).optional() }),
  output: pageOf(journalEntry),
})

const start = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/start',
  summary: 'Starts a draft.',
  capability: 'plan:run',
  action: 'plan.start',
  params,
  body: z.strictObject({ reason: reason.optional() }),
  output: plan,
  status: 202,
})

const pause = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/pause',
  summary:
    'Pauses: nothing new starts; running tasks finish (`drain`) or are taken back and become pending (`now`); timers and results are kept and act on resume.',
  capability: 'plan:run',
  action: 'plan.pause',
  params,
  body: z.strictObject({
    reason,
    mode: z.enum(['drain', 'now']).default('drain'),
    /** Principals or users who alone may resume it, beside holders of `plan:control`. Default: whoever may control the plan. */
    resumeBy: z.array(z.string().min(1).max(128)).min(1).max(20).optional(),
  }),
  output: plan,
  status: 202,
})

const resume = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/resume',
  summary:
    "Resumes a paused plan in the status it had; an input becomes results.userInput and takes the machine's user.input edge.",
  capability: 'plan:run',
  action: 'plan.resume',
  params,
  body: z.strictObject({ reason: reason.optional(), input: jsonValue.optional() }),
  output: plan,
  status: 202,
})

const cancel = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/cancel',
  summary: 'Cancels a plan with its open tasks and its child plans; who asked for it hears once.',
  capability: 'plan:run',
  action: 'plan.cancel',
  params,
  body: z.strictObject({ reason }),
  output: plan,
  status: 202,
})

const transition = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/transition',
  summary:
    'Moves the state machine along one edge; of two replicas from one state one wins. A terminal state ends the plan and answers the requester with `result`.',
  capability: 'task:update',
  action: 'plan.transition',
  params,
  body: z.strictObject({
    fromState: z.string().max(100),
    toState: z.string().max(100),
    /** What happened: the edge's `on`. Absent: the default edge. */
    on: z.string().max(200).optional(),
    /** Stored in `results` under `on`. */
    data: jsonValue.optional(),
    /** The event that caused it: repeated with the same id and states it answers the plan unchanged. */
    eventId: z.string().max(100).optional(),
    /** Stored with the transition: the planner's JSON after it. */
    state: jsonValue.optional(),
    /** For a terminal state: the plan's outputs and the data of its reply. */
    result: jsonValue.optional(),
    problem: problemValue.optional(),
    /** When given, the plan must stand at this version. */
    version: z.number().int().optional(),
  }),
  output: plan,
  bodyLimitBytes: updateLimitBytes,
  problems: [planProblems.illegalTransition],
})

/** What a planner's handler leaves behind is stored in one commit. */
const stateBeside = {
  /** Stored with it: the planner's JSON from now on, at most 1 MiB. What is refused stores nothing. */
  state: jsonValue.optional(),
  /** When given, the plan must stand at this version. */
  version: z.number().int().optional(),
} as const

const finish = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/finish',
  summary:
    "Ends the plan: status, reply in the requester's response type and facts in one commit; open tasks are cancelled.",
  capability: 'task:update',
  action: 'plan.finish',
  params,
  body: z.strictObject({
    outcome: z.enum(['completed', 'failed']),
    result: jsonValue.optional(),
    problem: problemValue.optional(),
    /** Instead of the goal's response type. */
    replyType: eventType.optional(),
    ...stateBeside,
  }),
  output: plan,
  bodyLimitBytes: 4_194_304,
})

const putState = operation({
  method: 'PUT',
  path: '/v1/plans/{planId}/state',
  summary:
    "Stores the planner's own JSON, at most 1 MiB, and by which ids replies find the plan, compare-and-set by the plan's version.",
  capability: 'task:update',
  action: 'plan.put-state',
  params,
  ifMatch: true,
  body: z.strictObject({
    state: jsonValue,
    results: z.record(z.string().max(200), jsonValue).optional(),
    /** Of a plan without a state machine, whose planner keeps its states itself; else `conflict`. */
    currentState: z.string().max(100).optional(),
    /** From now on, beside those of the goal. */
    correlationIds: z.array(z.string().min(1).max(200)).max(30).optional(),
  }),
  output: plan,
  bodyLimitBytes: updateLimitBytes,
})

const delegate = operation({
  method: 'POST',
  path: '/v1/plans/{planId}/delegate',
  summary:
    'Stores up to 100 tasks of the plan and publishes their requests in one commit; each keeps its own data. As a group, exactly one fact or answer says groupDone.',
  capability: 'task:update',
  action: 'plan.delegate',
  params,
  body: z.strictObject({
    specs: z.array(taskSpec).min(1).max(100),
    /** Makes the tasks a group: `groupDone` comes with the last that ends in any way. */
    group: z.boolean().default(false),
    groupId: groupId.optional(),
    ...stateBeside,
  }),
  output: z.strictObject({ taskIds: z.array(taskId), groupId: groupId.optional(), tasks: z.array(task) }),
  status: 202,
  bodyLimitBytes: 4_194_304,
})

export const plansOperations = {
  create,
  get,
  list,
  counts,
  byCorrelation,
  journal,
  start,
  pause,
  resume,
  cancel,
  transition,
  finish,
  putState,
  delegate,
} as const
