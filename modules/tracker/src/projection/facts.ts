import type { EventEnvelope } from '@soma/kernel'
import * as z from 'zod'

/** What the projection reads of plan facts; members it does not know are left alone, so a newer fact is no dead letter. */
export const planFact = z.object({
  planId: z.string(),
  status: z.enum(['draft', 'pending', 'running', 'waiting', 'paused', 'stopping', 'completed', 'failed', 'cancelled']),
  version: z.number().int(),
  /** Rises with each rewind. */
  generation: z.number().int().default(1),
  title: z.string(),
  driver: z.enum(['engine', 'planner']).optional(),
  origin: z.string().optional(),
  ownerId: z.string().optional(),
  visibility: z.enum(['private', 'space', 'tenant']).default('private'),
  goalType: z.string().optional(),
  correlationIds: z.array(z.string()).optional(),
  parentPlanId: z.string().optional(),
  parentTaskId: z.string().optional(),
  rootPlanId: z.string().optional(),
  currentState: z.string().optional(),
  fromState: z.string().optional(),
  toState: z.string().optional(),
  reason: z.string().optional(),
  byId: z.string().optional(),
  stopReason: z.string().optional(),
  outcome: z.string().optional(),
  problem: z.object({ code: z.string() }).optional(),
  spent: z.object({ tokens: z.number(), costMicros: z.number(), currency: z.string(), calls: z.number() }).optional(),
  /** Of `plan.rewound`: what each task that it opens again is from then on. */
  tasks: z.array(z.record(z.string(), z.unknown())).optional(),
})
export type PlanFact = z.output<typeof planFact>

/** Of what a wait is on, the members that a blocker names; anything else that was said there is nobody's here. */
const waitedFor = z.object({
  budgetId: z.string().max(200).optional(),
  missing: z.object({ costMicros: z.number().int(), currency: z.string().max(10) }).optional(),
  taskIds: z.array(z.string().max(100)).max(100).optional(),
  ruleIds: z.array(z.string().max(200)).max(100).optional(),
  type: z.string().max(200).optional(),
  signal: z.string().max(200).optional(),
})

export const taskFact = z.object({
  taskId: z.string(),
  planId: z.string(),
  key: z.string().optional(),
  name: z.string(),
  kind: z.string().optional(),
  status: z.enum(['pending', 'running', 'delegated', 'waiting', 'completed', 'failed', 'cancelled']),
  version: z.number().int(),
  type: z.string().optional(),
  capability: z.string().optional(),
  correlationId: z.string().optional(),
  ownerId: z.string().optional(),
  generation: z.number().int().default(1),
  try: z.number().int().default(1),
  delivery: z.number().int().default(0),
  waiting: z
    .object({
      reason: z.string(),
      on: waitedFor.optional().catch(undefined),
      sinceAt: z.iso.datetime(),
      dueAt: z.string().optional(),
    })
    .optional(),
  pendingFor: z.string().optional(),
  retryAt: z.iso.datetime().optional(),
  agent: z.object({ name: z.string(), instanceId: z.string().optional(), version: z.string().optional() }).optional(),
  parentTaskId: z.string().optional(),
  groupId: z.string().optional(),
  gateId: z.string().optional(),
  progress: z.number().optional(),
  message: z.string().optional(),
  outcome: z.string().optional(),
  problem: z.object({ code: z.string() }).optional(),
  reason: z.string().optional(),
  byId: z.string().optional(),
  queuedMs: z.number().optional(),
  runMs: z.number().optional(),
})
export type TaskFact = z.output<typeof taskFact>

/** What `plan.rewound` says of one task: pending in its new generation. It names the task whole, so it is right also when it comes first. */
export const reopened = (task: Readonly<Record<string, unknown>>, planId: string): TaskFact =>
  taskFact.parse({ pendingFor: 'start', ...task, planId, status: 'pending' })

export const isPlanFact = (event: EventEnvelope): boolean =>
  event.topic === 'plan-events' && event.source === '/modules/plans' && event.type.startsWith('plan.')
export const isTaskFact = (event: EventEnvelope): boolean =>
  event.topic === 'task-events' && event.source === '/modules/plans' && event.type.startsWith('task.')

/** Log time: an agent's own clock is not believed. */
export const logTimeOf = (event: EventEnvelope): string => event.recordedtime ?? event.time
