import { type FrontRequest, holds } from '@soma/kernel'
import * as z from 'zod'
import { createTaskContexts } from '../memory/task-contexts.ts'
import { createPlans } from '../memory/plans.ts'
import { refusal } from '../wire/refusal.ts'
import { type Caller, type Route, routesWith } from '../wire/route.ts'
import {
  actionAnswer,
  delegationGroupAnswer,
  metricsAnswer,
  metricsQuery,
  planExecutionAnswer,
  planProgressAnswer,
  timelineAnswer,
} from './dtos.ts'
import { createErasure } from './erasure.ts'
import { createExecutions } from './executions.ts'
import { createGroups } from './groups.ts'
import { createMetrics } from './metrics.ts'
import { createProgress, type TrackerOptions } from './progress.ts'

const route = routesWith({ service: 'tracker', proof: 'bearer', refusals: [403] })
const HEADERS = ['X-Service-Tenant-ID', 'X-User-ID'] as const

export function trackerRoutes(options: TrackerOptions): Route[] {
  return [...planRoutes(options), ...otherRoutes(options), ...erasureRoutes(options)]
}

function planRoutes(options: TrackerOptions): Route[] {
  const progress = createProgress(options)
  const executions = createExecutions(options)
  const one = '/v1/tracker/plans/{plan_id}'
  const actions = (path: 'actions' | 'tasks') =>
    route(
      `GET ${one}/${path}`,
      { summary: 'What was asked for in a plan, and how it ended.', output: z.array(actionAnswer) },
      ({ caller, params, request }) => progress.actions(scoped(caller, request), params.plan_id ?? ''),
    )
  const output = z.array(planExecutionAnswer)
  return [
    route(
      `GET ${one}`,
      { summary: 'How a plan gets on.', output: planProgressAnswer, refusals: [403, 404] },
      ({ caller, params, request }) => progress.plan(scoped(caller, request), params.plan_id ?? ''),
    ),
    actions('actions'),
    actions('tasks'),
    route(
      `GET ${one}/timeline`,
      { summary: 'The events of a plan, in order.', output: timelineAnswer },
      ({ caller, params, request }) => progress.timeline(scoped(caller, request), params.plan_id ?? ''),
    ),
    route(
      `GET ${one}/sub-plans`,
      { summary: 'The plans that a plan handed out.', output },
      ({ caller, params, request }) => executions.subPlans(scoped(caller, request), params.plan_id ?? ''),
    ),
    route(
      `GET ${one}/hierarchy`,
      { summary: 'A plan with those above and below it.', output },
      ({ caller, params, request }) => executions.hierarchy(scoped(caller, request), params.plan_id ?? ''),
    ),
    route(
      'GET /v1/tracker/sessions/{session_id}/plans',
      { summary: 'The plans of a session.', output },
      ({ caller, params, request }) => executions.ofSession(scoped(caller, request), params.session_id ?? ''),
    ),
  ]
}

function otherRoutes(options: TrackerOptions): Route[] {
  const { tracker, plans: client, database, types } = options
  const plans = createPlans({ plans: client.plans, database, types })
  const contexts = createTaskContexts({ tasks: client.tasks, database, types }, plans)
  const groupOf = createGroups({ tracker, contexts })
  const metricsOf = createMetrics(options)
  return [
    route(
      'GET /v1/tracker/delegation-groups/{group_id}',
      { summary: 'How many of a group are done.', output: delegationGroupAnswer, refusals: [403, 404] },
      ({ caller, params, request }) => groupOf(scoped(caller, request), params.group_id ?? ''),
    ),
    route(
      'GET /v1/tracker/metrics',
      { summary: 'What an agent did in a period.', query: metricsQuery, output: metricsAnswer },
      ({ caller, query, request }) => metricsOf(scoped(caller, request), query),
    ),
  ]
}

function erasureRoutes({ database }: TrackerOptions): Route[] {
  const erase = createErasure(database)
  const tenant = '/v1/admin/tenant/{platform_tenant}/{service_tenant}'
  const summary = 'Forgets what events said of plans.'
  const named = (params: Readonly<Record<string, string>>) => ({
    platformTenant: params.platform_tenant ?? '',
    ...(params.service_tenant === undefined ? {} : { serviceTenant: params.service_tenant }),
    ...(params.service_user === undefined ? {} : { serviceUser: params.service_user }),
  })
  return [
    '/v1/admin/platform/{platform_tenant}',
    tenant,
    '/v1/admin/user/{platform_tenant}/{service_tenant}/{service_user}',
  ].map((path) => route(`DELETE ${path}`, { summary }, ({ caller, params }) => erase(caller, named(params))))
}

/** Clients of this service say whom they ask for; that it is who their token speaks for was checked with it. @throws 422 where they do not, 403 for who may read no plans */
function scoped(caller: Caller, { headers }: FrontRequest): Caller {
  for (const name of HEADERS)
    if ((headers[name.toLowerCase()] ?? '').trim() === '') throw refusal(422, `${name} header is required`)
  if (!holds(caller.context.principal, 'plan:read')) throw refusal(403, 'Trust policy denied')
  return caller
}
