import type { memoryContract } from '@soma/memory/contract'
import type { plansContract } from '@soma/plans/contract'
import type { Client, ModuleDatabase } from '@soma/kernel'
import * as z from 'zod'
import type { EventTypes } from '../events/types.ts'
import { type Route, routesWith } from '../wire/route.ts'
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
import { createMemoryErasure } from './erasure.ts'
import { erasureRoutes, itemRoutes, sessionRoutes, workingRoutes } from './item-routes.ts'
import { createPlanContexts } from './plan-contexts.ts'
import { createPlans } from './plans.ts'
import { createSessions } from './sessions.ts'
import { createTaskContexts } from './task-contexts.ts'
import { createWorking } from './working.ts'

export interface MemoryRouteOptions {
  readonly plans: Client<typeof plansContract>
  readonly memory: Client<typeof memoryContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
  readonly settings: { readonly memoryAdminKey: string; readonly workingTtlMs: number }
}

type Sessions = ReturnType<typeof createSessions>

const memory = { service: 'memory', proof: 'bearer', refusals: [403, 404, 409, 413] } as const

/** The original's memory service: contexts of plans and tasks, and what people and agents remember. */
export function memoryRoutes({ plans: client, memory: ours, database, types, settings }: MemoryRouteOptions): Route[] {
  const options = { plans: client.plans, database, types }
  const plans = createPlans(options)
  const working = createWorking({ working: ours.working, plans, ttlMs: settings.workingTtlMs })
  const sessions = createSessions(database)
  const erase = createMemoryErasure({ items: ours.items, plans, database, adminKey: settings.memoryAdminKey })
  return [
    ...taskContextRoutes(createTaskContexts({ tasks: client.tasks, database, types }, plans)),
    ...planContextRoutes(createPlanContexts(options, plans), sessions),
    ...planRoutes(plans, { working, sessions }),
    ...itemRoutes(ours),
    ...workingRoutes(working),
    ...sessionRoutes(sessions),
    ...erasureRoutes(erase),
  ]
}

function taskContextRoutes(contexts: ReturnType<typeof createTaskContexts>): Route[] {
  const route = routesWith({ ...memory, output: taskContextAnswer })
  const drop = routesWith(memory)
  const path = '/v1/memory/task-context'
  const one = `${path}/{task_id}`
  return [
    route(`POST ${path}`, { summary: 'Saves the context of a task.', body: taskContextCreate }, ({ caller, body }) =>
      contexts.put(caller, body),
    ),
    route(
      `GET ${path}/by-subtask/{sub_task_id}`,
      { summary: 'The context of the task that handed out a sub-task.' },
      ({ caller, params }) => contexts.bySubTask(caller, params.sub_task_id ?? ''),
    ),
    route(`GET ${one}`, { summary: 'The context of a task.' }, ({ caller, params }) =>
      contexts.get(caller, params.task_id ?? ''),
    ),
    route(`PUT ${one}`, { summary: 'Changes it.', body: taskContextUpdate }, ({ caller, params, body }) =>
      contexts.update(caller, params.task_id ?? '', body),
    ),
    drop(`DELETE ${one}`, { summary: 'Drops it: the task is done.' }, ({ caller, params }) =>
      contexts.remove(caller, params.task_id ?? ''),
    ),
  ]
}

function planContextRoutes(contexts: ReturnType<typeof createPlanContexts>, sessions: Sessions): Route[] {
  const route = routesWith({ ...memory, output: planContextAnswer })
  const drop = routesWith(memory)
  const path = '/v1/memory/plan-context'
  const one = `${path}/{plan_id}`
  return [
    route(
      `POST ${path}`,
      { summary: 'Saves the context of a plan.', body: planContextCreate },
      async ({ caller, body }) => {
        const saved = await contexts.put(caller, body)
        await sessions.touch(caller, saved.sessionId)
        return saved
      },
    ),
    route(
      `GET ${path}/by-correlation/{correlation_id}`,
      { summary: 'The context of the plan that a correlation id names; of several the newest.' },
      ({ caller, params }) => contexts.byCorrelation(caller, params.correlation_id ?? ''),
    ),
    route(`GET ${one}`, { summary: 'The context of a plan.' }, ({ caller, params }) =>
      contexts.get(caller, params.plan_id ?? ''),
    ),
    route(`PUT ${one}`, { summary: 'Changes it.', body: planContextUpdate }, ({ caller, params, body }) =>
      contexts.update(caller, params.plan_id ?? '', body),
    ),
    drop(`DELETE ${one}`, { summary: 'Drops it.' }, ({ caller, params }) =>
      contexts.remove(caller, params.plan_id ?? ''),
    ),
  ]
}

function planRoutes(
  plans: ReturnType<typeof createPlans>,
  { working, sessions }: { working: ReturnType<typeof createWorking>; sessions: Sessions },
): Route[] {
  const route = routesWith({ ...memory, output: planSummary })
  const drop = routesWith(memory)
  const path = '/v1/memory/plans'
  const one = `${path}/{plan_id}`
  return [
    route(`POST ${path}`, { summary: 'Makes a plan.', body: planCreate, status: 201 }, async ({ caller, body }) => {
      const made = await plans.create(caller, body)
      await working.adopt(caller, body.planId)
      await sessions.touch(caller, body.sessionId)
      return made
    }),
    route(
      `GET ${path}`,
      { summary: 'Lists plans, the last changed first.', query: planQuery, output: z.array(planSummary) },
      ({ caller, query }) => plans.list(caller, query),
    ),
    route(`GET ${one}`, { summary: 'One plan.' }, ({ caller, params }) => plans.get(caller, params.plan_id ?? '')),
    route(`PUT ${one}`, { summary: 'Changes its status.', body: planUpdate }, ({ caller, params, body }) =>
      plans.setStatus(caller, params.plan_id ?? '', body.status),
    ),
    drop(`DELETE ${one}`, { summary: 'Drops a plan; an open one is cancelled.' }, ({ caller, params }) =>
      plans.remove(caller, params.plan_id ?? ''),
    ),
  ]
}
