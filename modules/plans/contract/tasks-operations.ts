import { idSchema, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { eventType, jsonValue, problemValue, taskKey } from './json-value.ts'
import { groupId, planId, responseTopic, taskId, taskStatus } from './plan.ts'
import { planProblems } from './problems.ts'
import {
  gateId,
  pendingReason,
  task,
  taskAgent,
  taskContext,
  taskGroup,
  taskKind,
  taskSpec,
  waitingReason,
} from './task.ts'

const params = z.strictObject({ taskId })
const reason = z.string().min(1).max(500)
const contextLimitBytes = 2_097_152
const holder = {
  /** The fence that `start` answered. Absent: not checked. */
  fence: z.number().int().optional(),
}

const create = operation({
  method: 'POST',
  path: '/v1/tasks',
  summary: 'Hands out one task: in a plan, or alone as a plan of one task. Its request event leaves with the commit.',
  capability: 'plan:run',
  action: 'task.create',
  body: z.strictObject({
    ...taskSpec.shape,
    planId: planId.optional(),
    parentTaskId: taskId.optional(),
    groupId: groupId.optional(),
    sessionId: idSchema('ses').optional(),
  }),
  output: task,
  status: 202,
  bodyLimitBytes: contextLimitBytes,
})

const get = operation({
  method: 'GET',
  path: '/v1/tasks/{taskId}',
  summary: 'One task.',
  capability: 'plan:read',
  action: 'task.read',
  params,
  output: task,
})

const list = operation({
  method: 'GET',
  path: '/v1/tasks',
  summary: 'Tasks, newest first. `subTaskId` finds the task that delegated it.',
  capability: 'plan:read',
  action: 'task.read',
  query: z.strictObject({
    ...pageQuery,
    planId: planId.optional(),
    parentTaskId: taskId.optional(),
    subTaskId: taskId.optional(),
    groupId: groupId.optional(),
    status: taskStatus.optional(),
    waiting: waitingReason.optional(),
    pendingFor: pendingReason.optional(),
    kind: taskKind.optional(),
    agent: z.string().max(128).optional(),
  }),
  output: pageOf(task),
})

const start = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/start',
  summary:
    'Says that a delivery of the task has begun: running, with the count of deliveries and a new fence. The same delivery key answers the same fence; an ended task is answered unchanged.',
  capability: 'task:update',
  action: 'task.start',
  params,
  body: z.strictObject({
    /** One hand-out: delivery id and attempt. A new key on a running task means that the former holder was lost. */
    deliveryKey: z.string().min(1).max(200),
    agent: taskAgent.optional(),
  }),
  output: task,
})

const complete = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/complete',
  summary: 'Completes a task and, when `reply` is true, answers its requester. The same output again changes nothing.',
  capability: 'task:update',
  action: 'task.complete',
  params,
  body: z.strictObject({
    ...holder,
    output: jsonValue.optional(),
    /** `false` when the caller has published the reply itself. */
    reply: z.boolean().default(true),
  }),
  output: z.strictObject({ task, /** True in exactly one answer or fact of a group. */ groupDone: z.boolean() }),
  bodyLimitBytes: contextLimitBytes,
  problems: [planProblems.fenced],
})

const fail = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/fail',
  summary: 'Fails a task for good and, when `reply` is true, answers its requester with outcome failed.',
  capability: 'task:update',
  action: 'task.fail',
  params,
  body: z.strictObject({ ...holder, problem: problemValue, reply: z.boolean().default(true) }),
  output: z.strictObject({ task, groupDone: z.boolean() }),
  problems: [planProblems.fenced],
})

const progress = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/progress',
  summary: 'Reports progress between 0 and 1 with a message; at most 10 a second become facts.',
  capability: 'task:update',
  action: 'task.progress',
  params,
  body: z.strictObject({
    ...holder,
    progress: z.number().min(0).max(1).optional(),
    message: z.string().max(500).optional(),
    checkpoint: jsonValue.optional(),
  }),
  output: task,
  problems: [planProblems.fenced],
})

const heartbeat = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/heartbeat',
  summary:
    'Says that the task is alive; its checkpoint is given to the next delivery. The answer tells whether the task was cancelled.',
  capability: 'task:update',
  action: 'task.heartbeat',
  params,
  body: z.strictObject({ ...holder, checkpoint: jsonValue.optional() }),
  output: task,
  problems: [planProblems.fenced],
})

const wait = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/wait',
  summary:
    'Parks a task at a gate that its holder has opened, or for another reason; `gate.decided` makes it pending again, or fails it when refused.',
  capability: 'task:update',
  action: 'task.wait',
  params,
  body: z.strictObject({
    ...holder,
    reason: waitingReason,
    gateId: gateId.optional(),
    on: z.record(z.string().max(64), jsonValue).optional(),
    /** Fails with `timeout` when nothing has ended the wait so long after. */
    timeoutMs: z.number().int().min(1).max(31_536_000_000).optional(),
  }),
  output: task,
  problems: [planProblems.fenced],
})

const getContext = operation({
  method: 'GET',
  path: '/v1/tasks/{taskId}/context',
  summary: 'The saved context: the fields of the task, its state, its sub-tasks and their results.',
  capability: 'task:update',
  action: 'task.get-context',
  params,
  output: taskContext,
})

const putContext = operation({
  method: 'PUT',
  path: '/v1/tasks/{taskId}/context',
  summary:
    "Saves a task's state, compare-and-set by version. With version 0 it makes the task, as the first save of one that came from outside.",
  capability: 'task:update',
  action: 'task.put-context',
  params,
  ifMatch: true,
  body: z.strictObject({
    /** ≤ 1 MiB. */
    state: jsonValue,
    /** Needed with version 0: what the request said. */
    task: z
      .strictObject({
        type: eventType,
        key: taskKey.optional(),
        data: jsonValue.optional(),
        planId: planId.optional(),
        parentTaskId: taskId.optional(),
        correlationId: z.string().max(200).optional(),
        sessionId: z.string().max(100).optional(),
        goalId: z.string().max(100).optional(),
        responseType: eventType.optional(),
        responseTopic: responseTopic.optional(),
        timeoutMs: z.number().int().min(1).max(31_536_000_000).optional(),
        priority: z.number().int().min(-10).max(10).optional(),
        agent: taskAgent.optional(),
      })
      .optional(),
  }),
  output: taskContext,
  bodyLimitBytes: contextLimitBytes,
})

const deleteContext = operation({
  method: 'DELETE',
  path: '/v1/tasks/{taskId}/context',
  summary: 'Drops the saved state of a task; the task stays.',
  capability: 'task:update',
  action: 'task.delete-context',
  params,
})

const delegate = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/delegate',
  summary:
    'Stores up to 100 sub-tasks and publishes their requests in one commit; the task becomes delegated until they end.',
  capability: 'task:update',
  action: 'task.delegate',
  params,
  body: z.strictObject({
    ...holder,
    specs: z.array(taskSpec).min(1).max(100),
    group: z.boolean().default(false),
    groupId: groupId.optional(),
  }),
  output: z.strictObject({ taskIds: z.array(taskId), groupId: groupId.optional(), tasks: z.array(task) }),
  status: 202,
  bodyLimitBytes: 4_194_304,
  problems: [planProblems.fenced],
})

const cancel = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/cancel',
  summary: 'Cancels an open task and its open sub-tasks; who asked for it hears once.',
  capability: 'plan:run',
  action: 'task.cancel',
  params,
  body: z.strictObject({ reason }),
  output: task,
})

const retry = operation({
  method: 'POST',
  path: '/v1/tasks/{taskId}/retry',
  summary: 'Hands a task out again: an open one as the next try, a failed one of an open plan as a new generation.',
  capability: 'plan:run',
  action: 'task.retry',
  params,
  body: z.strictObject({ reason }),
  output: task,
})

const getGroup = operation({
  method: 'GET',
  path: '/v1/tasks/{taskId}/groups/{groupId}',
  summary: 'A delegation group of a task with its members.',
  capability: 'plan:read',
  action: 'task.read',
  params: z.strictObject({ taskId, groupId }),
  output: taskGroup,
})

const getPlanGroup = operation({
  method: 'GET',
  path: '/v1/plans/{planId}/groups/{groupId}',
  summary: 'A delegation group of a plan with its members.',
  capability: 'plan:read',
  action: 'task.read',
  params: z.strictObject({ planId, groupId }),
  output: taskGroup,
})

export const tasksOperations = {
  create,
  get,
  list,
  start,
  complete,
  fail,
  progress,
  heartbeat,
  wait,
  getContext,
  putContext,
  deleteContext,
  delegate,
  cancel,
  retry,
} as const
export const groupsOperations = { get: getGroup, ofPlan: getPlanGroup } as const
