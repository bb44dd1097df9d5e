import type { Json } from '@soma/kernel'
import * as z from 'zod'
import { SOORMA_TOPICS } from '../events/envelope.ts'
import { dto } from '../wire/dto.ts'

const id = z.string().min(1).max(100)
const eventName = z.string().min(1).max(255)
/** Free JSON; that it can be kept was looked at with the whole body. */
export const document = z.record(z.string(), z.unknown()) as unknown as z.ZodType<Document, Document>
export type Document = { readonly [key: string]: Json }

export const planCreate = dto({
  planId: id,
  sessionId: id.nullish(),
  goalEvent: eventName,
  goalData: document.default({}),
  parentPlanId: id.nullish(),
})
export type PlanCreate = z.output<typeof planCreate>
export const PLAN_STATUSES = ['running', 'completed', 'failed', 'paused'] as const
export type SoormaPlanStatus = (typeof PLAN_STATUSES)[number]
export const planUpdate = z.object({ status: z.enum(PLAN_STATUSES) })
export const planQuery = z.object({
  status: z.enum(PLAN_STATUSES).optional(),
  session_id: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})
export type PlanQuery = z.output<typeof planQuery>
export const planSummary = z.strictObject({
  tenantId: z.string(),
  userId: z.string(),
  planId: z.string(),
  sessionId: z.string().nullable(),
  goalEvent: z.string(),
  goalData: document,
  status: z.enum(PLAN_STATUSES),
  parentPlanId: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
})

/** As many as ours keeps beside those of a goal. */
const correlationIds = z.array(z.string().min(1).max(100)).max(30)
const currentState = id.nullish()
export const planContextCreate = dto({
  planId: id,
  sessionId: id.nullish(),
  goalEvent: eventName,
  goalData: document.default({}),
  responseEvent: eventName.nullish(),
  state: document.default({}),
  currentState,
  correlationIds: correlationIds.default([]),
})
export type PlanContextCreate = z.output<typeof planContextCreate>
export const planContextUpdate = dto({
  state: document.nullish(),
  currentState,
  correlationIds: correlationIds.nullish(),
})
export type PlanContextUpdate = z.output<typeof planContextUpdate>
export const planContextAnswer = z.strictObject({
  tenantId: z.string(),
  planId: z.string(),
  sessionId: z.string().nullable(),
  goalEvent: z.string(),
  goalData: document,
  responseEvent: z.string().nullable(),
  state: document,
  currentState: z.string().nullable(),
  correlationIds: z.array(z.string()),
  createdAt: z.string(),
  updatedAt: z.string(),
})

export const MAXIMUM_SUB_TASKS = 1000
const subTasks = z.array(id).max(MAXIMUM_SUB_TASKS)
export const taskContextCreate = dto({
  taskId: id,
  planId: id.nullish(),
  eventType: eventName,
  responseEvent: eventName.nullish(),
  responseTopic: z.enum(SOORMA_TOPICS).default('action-results'),
  data: document.default({}),
  subTasks: subTasks.default([]),
  state: document.default({}),
})
export type TaskContextCreate = z.output<typeof taskContextCreate>
export const taskContextUpdate = dto({ subTasks: subTasks.nullish(), state: document.nullish() })
export type TaskContextUpdate = z.output<typeof taskContextUpdate>
export const taskContextAnswer = z.strictObject({
  tenantId: z.string(),
  userId: z.string(),
  taskId: z.string(),
  planId: z.string().nullable(),
  eventType: z.string(),
  responseEvent: z.string().nullable(),
  responseTopic: z.string(),
  data: document,
  subTasks: z.array(z.string()),
  state: document,
  createdAt: z.string(),
  updatedAt: z.string(),
})
