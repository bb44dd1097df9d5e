import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { jsonObjectOf } from './json-value.ts'
import { memoryProblems } from './problems.ts'
import { item, link, relation } from './records.ts'
import { itemId, linkId, planId } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
const write = { capability: 'memory:write', action: 'memory.link' } as const
const relations = z.array(relation).min(1).max(16)

const create = operation({
  method: 'POST',
  path: '/v1/memory/links',
  summary: 'Links two items. The same link again is reinforced, or set to the strength that is given.',
  ...write,
  body: z
    .strictObject({
      fromId: itemId,
      relation,
      toId: itemId,
      strength: z.number().gt(0).max(1).optional(),
      properties: jsonObjectOf(4096).optional(),
      planId: planId.optional(),
    })
    .refine((value) => value.fromId !== value.toId, { path: ['toId'], message: 'must be another item than fromId' }),
  output: link,
  status: 201,
  problems: [memoryProblems.scopeClosed],
})

const list = operation({
  method: 'GET',
  path: '/v1/memory/links',
  summary: 'Links whose ends the caller may read both, newest first.',
  ...read,
  query: z.strictObject({
    ...pageQuery,
    fromId: itemId.optional(),
    toId: itemId.optional(),
    relation: relation.optional(),
    planId: planId.optional(),
  }),
  output: pageOf(link),
})

const remove = operation({
  method: 'DELETE',
  path: '/v1/memory/links/{linkId}',
  summary: 'Deletes a link.',
  ...write,
  params: z.strictObject({ linkId }),
  query: z.strictObject({ planId: planId.optional() }),
})

const expand = operation({
  method: 'POST',
  path: '/v1/memory/expand',
  summary:
    'Walks links from items, the strongest first, halving the score a hop; nothing is seen or passed that the caller may not read.',
  ...read,
  body: z.strictObject({
    startIds: z.array(itemId).min(1).max(20),
    hops: z.number().int().min(1).max(3).default(2),
    relations: relations.optional(),
    planId: planId.optional(),
    limit: z.number().int().min(1).max(100).default(20),
  }),
  output: z.strictObject({
    nodes: z.array(z.strictObject({ item, path: z.array(itemId), score: z.number(), hops: z.number().int() })),
  }),
})

export const linksOperations = { create, list, delete: remove, expand } as const
