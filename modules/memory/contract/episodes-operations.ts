import { instant, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { writeProblems } from './items-operations.ts'
import { createEpisode, episode, episodeRole } from './records.ts'
import { episodeId, planId, text } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
const params = z.strictObject({ episodeId })
const neighbours = z.coerce.number().int().min(0).max(20).default(2)

const create = operation({
  method: 'POST',
  path: '/v1/memory/episodes',
  summary: 'Records what happened; the same source recorded twice is one episode.',
  capability: 'memory:write',
  action: 'memory.write',
  body: createEpisode,
  output: episode,
  status: 201,
  problems: writeProblems,
})

const list = operation({
  method: 'GET',
  path: '/v1/memory/episodes',
  summary: 'Episodes that the caller may read, newest first: of an agent, session or plan, or of a time.',
  ...read,
  query: z.strictObject({
    ...pageQuery,
    agentId: text(128).optional(),
    sessionId: text(128).optional(),
    /** Of this plan: recorded with it, or in its scope. */
    planId: planId.optional(),
    role: episodeRole.optional(),
    from: instant.optional(),
    to: instant.optional(),
    order: z.enum(['newest', 'oldest']).default('newest'),
  }),
  output: pageOf(episode),
})

const get = operation({
  method: 'GET',
  path: '/v1/memory/episodes/{episodeId}',
  summary: 'One episode.',
  ...read,
  params,
  query: z.strictObject({ planId: planId.optional() }),
  output: episode,
})

const window = operation({
  method: 'GET',
  path: '/v1/memory/episodes/{episodeId}/window',
  summary: 'An episode with its neighbours of the same scope, agent and session, in the order they happened.',
  ...read,
  params,
  query: z.strictObject({ planId: planId.optional(), before: neighbours, after: neighbours }),
  output: z.strictObject({ items: z.array(episode) }),
})

export const episodesOperations = { create, list, get, window } as const
