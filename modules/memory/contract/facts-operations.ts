import { instant, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { writeProblems } from './items-operations.ts'
import { createFact, fact, factContent, factStatus, metadata } from './records.ts'
import { collection, factId, planId, share, tags, text } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
const write = { capability: 'memory:write', action: 'memory.write', problems: writeProblems } as const
const params = z.strictObject({ factId })
const ofPlan = z.strictObject({ planId: planId.optional() })

const create = operation({
  method: 'POST',
  path: '/v1/memory/facts',
  summary: 'Stores one fact; what was stored already is touched.',
  ...write,
  body: createFact,
  output: z.strictObject({ fact, replacedIds: z.array(factId) }),
  status: 201,
})

const get = operation({
  method: 'GET',
  path: '/v1/memory/facts/{factId}',
  summary: 'One fact.',
  ...read,
  params,
  query: ofPlan,
  output: fact,
})

const list = operation({
  method: 'GET',
  path: '/v1/memory/facts',
  summary: 'Facts that the caller may read, newest first.',
  ...read,
  query: z.strictObject({
    ...pageQuery,
    planId: planId.optional(),
    scope: z.enum(['user', 'space', 'tenant', 'plan']).optional(),
    collection: collection.optional(),
    status: factStatus.optional(),
    externalId: text(255).optional(),
    subject: text(255).optional(),
    predicate: text(255).optional(),
    tag: text(64).optional(),
    from: instant.optional(),
    to: instant.optional(),
  }),
  output: pageOf(fact),
})

const update = operation({
  method: 'PATCH',
  path: '/v1/memory/facts/{factId}',
  summary: 'Changes a fact in place; new content makes a new fact that supersedes it.',
  ...write,
  params,
  ifMatch: true,
  query: ofPlan,
  body: z.strictObject({
    content: factContent.optional(),
    tags: tags.optional(),
    metadata: metadata.optional(),
    importance: share.optional(),
    confidence: share.optional(),
    /** From then on it does not hold any more. */
    validTo: instant.optional(),
    expiresAt: instant.optional(),
  }),
  output: z.strictObject({ fact, replacedIds: z.array(factId) }),
})

const remove = operation({
  method: 'DELETE',
  path: '/v1/memory/facts/{factId}',
  summary: 'Erases a fact with its words and links.',
  capability: 'memory:write',
  action: 'memory.forget',
  params,
  ifMatch: true,
  query: ofPlan,
})

export const factsOperations = { create, list, get, update, delete: remove } as const
