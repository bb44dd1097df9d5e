import type { EventEnvelope } from '@soma/kernel'
import * as z from 'zod'

/** What the projection reads of plan facts; members it does not know are left alone, so a newer fact is no dead letter. */
export const planFact = z.object({
  planId: z.string(),
  status: z.enum(['draft', 'pending', 'running', 'waiting', 'paused', 'stopping', 'completed', 'failed', 'cancelled']),
  version: z.number().int(),
  title: z.string(),
  driver: z.enum(['engine', 'planner']).optional(),
  origin: z.string().optional(),
  ownerId: z.string().optional(),
  visibility: z.enum(['private', 'space', 'tenant']).default('private'),
  goalType: z.string().optional(),
  parentPlanId: z.string().optional(),
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
})
export type PlanFact = z.output<typeof planFact>

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
  ownerId: z.string().optional(),
  generation: z.number().int().default(1),
  try: z.number().int().default(1),
  delivery: z.number().int().default(0),
  waiting: z
    .object({
      reason: z.string(),
      on: z.record(z.string(), z.unknown()).optional(),
      sinceAt: z.string(),
      dueAt: z.string().optional(),
    })
    .optional(),
  pendingFor: z.string().optional(),
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

export const isPlanFact = (event: EventEnvelope): boolean =>
  event.topic === 'plan-events' && event.source === '/modules/plans' && event.type.startsWith('plan.')
export const isTaskFact = (event: EventEnvelope): boolean =>
  event.topic === 'task-events' && event.source === '/modules/plans' && event.type.startsWith('task.')

/** Log time: an agent's own clock is not believed. */
export const logTimeOf = (event: EventEnvelope): string => event.recordedtime ?? event.time
