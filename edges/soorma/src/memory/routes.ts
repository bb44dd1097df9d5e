import type { plansContract } from '@soma/plans/contract'
import type { Client, ModuleDatabase } from '@soma/kernel'
import * as z from 'zod'
import type { EventTypes } from '../events/types.ts'
import { route, type Route } from '../wire/route.ts'
import {
  planContextAnswer,
  planContextCreate,
  planContextUpdate,
  planCreate,
  planQuery,
  planSummary,
  planUpdate,
  taskContextAnswer,
  taskContextCreate,
  taskContextUpdate,
} from './dtos.ts'
import { createPlanContexts } from './plan-contexts.ts'
import { createPlans } from './plans.ts'
import { createTaskContexts } from './task-contexts.ts'

export interface MemoryRouteOptions {
  readonly plans: Client<typeof plansContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
}

const service = 'memory'
const proof = 'bearer'
const prefix = '/v1/memory'
const refusals = [403, 404, 409, 413] as const

/** Of the original's memory service what plans and tasks are: their contexts. */
export function memoryRoutes({ plans: client, database, types }: MemoryRouteOptions): Route[] {
  const options = { plans: client.plans, database, types }
  const plans = createPlans(options)
  return [
    ...taskContextRoutes(createTaskContexts({ tasks: client.tasks, database, types }, plans)),
    ...planContextRoutes(createPlanContexts(options, plans)),
    ...planRoutes(plans),
  ]
}

function taskContextRoutes(contexts: ReturnType<typeof createTaskContexts>): Route[] {
  const path = `${prefix}/task-context`
  const output = taskContextAnswer
  const one = `${path}/{task_id}`
  return [
    route(
      {
        service,
        method: 'POST',
        path,
        summary: 'Saves the context of a task.',
        proof,
        body: taskContextCreate,
        output,
        refusals,
      },
      ({ caller, body }) => contexts.put(caller, body),
    ),
    route(
      {
        service,
        method: 'GET',
        path: `${path}/by-subtask/{sub_task_id}`,
        summary: 'The context of the task that handed out a sub-task.',
        proof,
        output,
        refusals,
      },
      ({ caller, params }) => contexts.bySubTask(caller, params.sub_task_id ?? ''),
    ),
    route(
      { service, method: 'GET', path: one, summary: 'The context of a task.', proof, output, refusals },
      ({ caller, params }) => contexts.get(caller, params.task_id ?? ''),
    ),
    route(
      { service, method: 'PUT', path: one, summary: 'Changes it.', proof, body: taskContextUpdate, output, refusals },
      ({ caller, params, body }) => contexts.update(caller, params.task_id ?? '', body),
    ),
    route(
      { service, method: 'DELETE', path: one, summary: 'Drops it: the task is done.', proof, refusals },
      ({ caller, params }) => contexts.remove(caller, params.task_id ?? ''),
    ),
  ]
}

function planContextRoutes(contexts: ReturnType<typeof createPlanContexts>): Route[] {
  const path = `${prefix}/plan-context`
  const output = planContextAnswer
  const one = `${path}/{plan_id}`
  return [
    route(
      {
        service,
        method: 'POST',
        path,
        summary: 'Saves the context of a plan.',
        proof,
        body: planContextCreate,
        output,
        refusals,
      },
      ({ caller, body }) => contexts.put(caller, body),
    ),
    route(
      {
        service,
        method: 'GET',
        path: `${path}/by-correlation/{correlation_id}`,
        summary: 'The context of the plan that a correlation id names; of several the newest.',
        proof,
        output,
        refusals,
      },
      ({ caller, params }) => contexts.byCorrelation(caller, params.correlation_id ?? ''),
    ),
    route(
      { service, method: 'GET', path: one, summary: 'The context of a plan.', proof, output, refusals },
      ({ caller, params }) => contexts.get(caller, params.plan_id ?? ''),
    ),
    route(
      { service, method: 'PUT', path: one, summary: 'Changes it.', proof, body: planContextUpdate, output, refusals },
      ({ caller, params, body }) => contexts.update(caller, params.plan_id ?? '', body),
    ),
    route({ service, method: 'DELETE', path: one, summary: 'Drops it.', proof, refusals }, ({ caller, params }) =>
      contexts.remove(caller, params.plan_id ?? ''),
    ),
  ]
}

function planRoutes(plans: ReturnType<typeof createPlans>): Route[] {
  const path = `${prefix}/plans`
  const output = planSummary
  const one = `${path}/{plan_id}`
  return [
    route(
      {
        service,
        method: 'POST',
        path,
        summary: 'Makes a plan.',
        proof,
        body: planCreate,
        output,
        status: 201,
        refusals,
      },
      ({ caller, body }) => plans.create(caller, body),
    ),
    route(
      {
        service,
        method: 'GET',
        path,
        summary: 'Lists plans, the last changed first.',
        proof,
        query: planQuery,
        output: z.array(planSummary),
        refusals,
      },
      ({ caller, query }) => plans.list(caller, query),
    ),
    route({ service, method: 'GET', path: one, summary: 'One plan.', proof, output, refusals }, ({ caller, params }) =>
      plans.get(caller, params.plan_id ?? ''),
    ),
    route(
      { service, method: 'PUT', path: one, summary: 'Changes its status.', proof, body: planUpdate, output, refusals },
      ({ caller, params, body }) => plans.setStatus(caller, params.plan_id ?? '', body.status),
    ),
    route(
      { service, method: 'DELETE', path: one, summary: 'Drops a plan; an open one is cancelled.', proof, refusals },
      ({ caller, params }) => plans.remove(caller, params.plan_id ?? ''),
    ),
  ]
}
