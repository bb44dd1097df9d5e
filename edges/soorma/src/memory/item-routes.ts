import type { Client } from '@soma/kernel'
import type { memoryContract } from '@soma/memory/contract'
import * as z from 'zod'
import { type Route, routesWith } from '../wire/route.ts'
import type { createMemoryErasure } from './erasure.ts'
import { createInteractions, createSkills } from './interactions.ts'
import {
  episodeAnswer,
  episodeCreate,
  episodeSearch,
  knowledgeAnswer,
  knowledgeCreate,
  knowledgeQuery,
  knowledgeSearch,
  procedureAnswer,
  recentQuery,
  sessionAnswer,
  sessionCreate,
  sessionQuery,
  skillsQuery,
  workingAnswer,
  workingCleared,
  workingDeleted,
  workingPut,
} from './item-dtos.ts'
import { createKnowledge } from './knowledge.ts'
import type { createSessions } from './sessions.ts'
import type { createWorking } from './working.ts'

const memory = { service: 'memory', proof: 'bearer', refusals: [403, 404, 409, 413, 429] } as const
const PATH = '/v1/memory'

/** Facts, episodes and procedures. */
export function itemRoutes(client: Client<typeof memoryContract>): Route[] {
  const [knowledge, interactions, skills] = [createKnowledge(client), createInteractions(client), createSkills(client)]
  const route = routesWith(memory)
  return [
    route(
      `POST ${PATH}/semantic`,
      { summary: 'Stores knowledge.', body: knowledgeCreate, output: knowledgeAnswer, status: 201 },
      ({ caller, body }) => knowledge.store(caller, body),
    ),
    route(
      `POST ${PATH}/semantic/query`,
      { summary: 'Finds knowledge.', query: knowledgeQuery, output: z.array(knowledgeAnswer) },
      ({ caller, query: { query, limit, include_public } }) =>
        knowledge.search(caller, { query, limit, isPublicIncluded: include_public }),
    ),
    route(
      `GET ${PATH}/semantic/search`,
      { summary: 'Finds knowledge, public knowledge too.', query: knowledgeSearch, output: z.array(knowledgeAnswer) },
      ({ caller, query: { q, limit } }) => knowledge.search(caller, { query: q, limit, isPublicIncluded: true }),
    ),
    route(
      `POST ${PATH}/episodic`,
      { summary: 'Keeps what was said.', body: episodeCreate, output: episodeAnswer, status: 201 },
      ({ caller, body }) => interactions.log(caller, body),
    ),
    route(
      `GET ${PATH}/episodic/recent`,
      { summary: 'What was said last, the newest first.', query: recentQuery, output: z.array(episodeAnswer) },
      ({ caller, query }) => interactions.recent(caller, query),
    ),
    route(
      `GET ${PATH}/episodic/search`,
      { summary: 'Finds what was said.', query: episodeSearch, output: z.array(episodeAnswer) },
      ({ caller, query }) => interactions.search(caller, query),
    ),
    route(
      `GET ${PATH}/procedural/context`,
      { summary: 'What an agent does about something.', query: skillsQuery, output: z.array(procedureAnswer) },
      ({ caller, query }) => skills(caller, query),
    ),
  ]
}

export function workingRoutes(working: ReturnType<typeof createWorking>): Route[] {
  const route = routesWith({ ...memory, output: workingAnswer })
  const plan = `${PATH}/working/{plan_id}`
  const one = `${plan}/{key}`
  const named = (params: Readonly<Record<string, string>>) => ({
    planId: params.plan_id ?? '',
    key: params.key ?? '',
  })
  return [
    route(`PUT ${one}`, { summary: 'Sets a value of a plan.', body: workingPut }, ({ caller, params, body }) =>
      working.put(caller, named(params), body.value),
    ),
    route(`GET ${one}`, { summary: 'A value of a plan.' }, ({ caller, params }) => working.get(caller, named(params))),
    route(`DELETE ${one}`, { summary: 'Deletes it.', output: workingDeleted }, ({ caller, params }) =>
      working.remove(caller, named(params)),
    ),
    route(`DELETE ${plan}`, { summary: 'Deletes all of a plan.', output: workingCleared }, ({ caller, params }) =>
      working.clear(caller, params.plan_id ?? ''),
    ),
  ]
}

export function sessionRoutes(sessions: ReturnType<typeof createSessions>): Route[] {
  const route = routesWith({ ...memory, output: sessionAnswer })
  const path = `${PATH}/sessions`
  const one = `${path}/{session_id}`
  return [
    route(`POST ${path}`, { summary: 'Makes a session.', body: sessionCreate, status: 201 }, ({ caller, body }) =>
      sessions.create(caller, body),
    ),
    route(
      `GET ${path}`,
      { summary: 'Lists sessions, the last used first.', query: sessionQuery, output: z.array(sessionAnswer) },
      ({ caller, query }) => sessions.list(caller, query.limit),
    ),
    route(`GET ${one}`, { summary: 'One session.' }, ({ caller, params }) =>
      sessions.get(caller, params.session_id ?? ''),
    ),
    routesWith(memory)(`DELETE ${one}`, { summary: 'Drops a session.' }, ({ caller, params }) =>
      sessions.remove(caller, params.session_id ?? ''),
    ),
  ]
}

export function erasureRoutes(erase: ReturnType<typeof createMemoryErasure>): Route[] {
  const route = routesWith(memory)
  const tenant = '{platform_tenant}/{service_tenant}'
  return ['platform/{platform_tenant}', `tenant/${tenant}`, `user/${tenant}/{service_user}`].map((path) =>
    route(`DELETE ${PATH}/admin/${path}`, { summary: 'Erases memory.' }, ({ caller, params, request }) => {
      const { platform_tenant: platformTenant = '', service_tenant: serviceTenant, service_user: serviceUser } = params
      const named = {
        ...(serviceTenant === undefined ? {} : { serviceTenant }),
        ...(serviceUser === undefined ? {} : { serviceUser }),
      }
      return erase(caller, { platformTenant, ...named }, request)
    }),
  )
}
