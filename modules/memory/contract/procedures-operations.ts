import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { ofPlan, writeProblems } from './items-operations.ts'
import { memoryProblems } from './problems.ts'
import { createProcedure, procedure, procedureName, procedureStatus, procedureType } from './records.ts'
import { planId, procedureId, text } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
const params = z.strictObject({ procedureId })
const decide = {
  capability: 'procedure:activate',
  action: 'procedure.activate',
  params,
  query: ofPlan,
  output: procedure,
  problems: [memoryProblems.keyTaken, memoryProblems.scopeClosed],
} as const

const create = operation({
  method: 'POST',
  path: '/v1/memory/procedures',
  summary: 'Drafts a version of a procedure. The same as the newest version is touched.',
  capability: 'memory:write',
  action: 'memory.write',
  body: createProcedure,
  output: procedure,
  status: 201,
  problems: writeProblems,
})

const list = operation({
  method: 'GET',
  path: '/v1/memory/procedures',
  summary: 'Versions of procedures that the caller may read, newest first.',
  ...read,
  query: z.strictObject({
    ...pageQuery,
    planId: planId.optional(),
    scope: z.enum(['user', 'space', 'tenant', 'plan']).optional(),
    agentId: text(128).optional(),
    name: procedureName.optional(),
    type: procedureType.optional(),
    status: procedureStatus.optional(),
    tag: text(64).optional(),
  }),
  output: pageOf(procedure),
})

const get = operation({
  method: 'GET',
  path: '/v1/memory/procedures/{procedureId}',
  summary: 'One version of a procedure.',
  ...read,
  params,
  query: ofPlan,
  output: procedure,
})

const activate = operation({
  method: 'POST',
  path: '/v1/memory/procedures/{procedureId}/activate',
  summary: 'Lets a version be used, in place of the active one. A retired version again: rolls back.',
  ...decide,
})

const retire = operation({
  method: 'POST',
  path: '/v1/memory/procedures/{procedureId}/retire',
  summary: 'Lets a version be used no more; of a draft: refuses it and ends its trial.',
  ...decide,
})

export const selectBody = z.strictObject({
  agentId: text(128),
  /** What the agent is about to do, in words. */
  context: text(8000),
  types: z.array(procedureType).min(1).max(4).optional(),
  /** Of those that are ranked. */
  limit: z.number().int().min(1).max(20).default(3),
  /** Reads the scope of this plan too. */
  planId: planId.optional(),
  /** The task that they are for: drafts on trial serve their share of tasks, each task the same one whenever it asks. */
  taskId: text(128).optional(),
})
export type SelectInput = z.output<typeof selectBody>

export const selectedProcedure = z.strictObject({
  procedure,
  score: z.number(),
  /** The matched share of the context's term weight, 0–1. */
  relevance: z.number(),
  /** `rule`: a tag of it is in the context; `ranked`: by its name, trigger and content. */
  why: z.enum(['rule', 'ranked']),
  /** A draft in place of the active version. */
  isTrial: z.boolean(),
})
export type SelectedProcedure = z.output<typeof selectedProcedure>

const select = operation({
  method: 'POST',
  path: '/v1/memory/procedures/select',
  summary:
    'Active procedures of an agent for what it is about to do: rules by tag, at most 100, then the best by words.',
  ...read,
  body: selectBody,
  output: z.strictObject({ procedures: z.array(selectedProcedure) }),
})

const feedback = operation({
  method: 'POST',
  path: '/v1/memory/feedback',
  summary: 'Counts a use of each of these procedures, and a win where it was useful.',
  capability: 'memory:write',
  action: 'memory.write',
  body: z.strictObject({
    itemIds: z.array(procedureId).min(1).max(50),
    outcome: z.enum(['useful', 'useless', 'wrong']),
    /** Reads the scope of this plan too. */
    planId: planId.optional(),
  }),
})

export const procedureOperations = {
  procedures: { create, list, get, activate, retire, select },
  feedback: { create: feedback },
} as const
